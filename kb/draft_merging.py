"""What two people made of one draft, put together for the one who came second to look at; nothing is stored here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kb import draft_steps, merging
from kb.merging import Choice, Overlap
from kb.models import Article
from kb.refusals import DraftConflict, Text


@dataclass(frozen=True)
class Together:
    """`text` has the changes of both; where both changed the same place it has what was chosen, else mine, and
    `overlaps` has both.

    `begun` is the text that both began with. `fields`: of title and summary those that both changed, with the choice.
    """

    begun: Text
    text: Text
    overlaps: list[Overlap]
    fields: Mapping[str, Choice]
    mine_changed: bool

    @property
    def undecided(self) -> int:
        """How many places a person has to look at."""
        return len(self.overlaps) + len(self.fields)


def put_together(
    article: Article, conflict: DraftConflict, *, choices: Mapping[str, Choice] | None = None
) -> Together | None:
    """None where the text that both began with is not kept. `choices`: of "title", "summary", and of the places in the
    text by their number from 0.
    """
    choices = choices or {}
    begun = draft_steps.text_at(article, conflict.made_from) if conflict.made_from else None
    if begun is None:
        return None
    mine, theirs = conflict.mine, conflict.theirs
    # A browser's field knows one kind of line end; other ones are no change of anybody.
    begun = Text(begun.title, begun.summary, _lines(begun.body))
    found = merging.merge(begun.body, _lines(mine.body), _lines(theirs.body))
    found = found.decided([choices.get(str(number), Choice.MINE) for number in range(len(found.overlaps))])
    fields: dict[str, Choice] = {}
    lines = {}
    for name in ("title", "summary"):
        value = merging.one_of(getattr(begun, name), getattr(mine, name), getattr(theirs, name))
        if value is None:
            fields[name] = Choice.THEIRS if choices.get(name) == Choice.THEIRS else Choice.MINE
            value = getattr(theirs if fields[name] == Choice.THEIRS else mine, name)
        lines[name] = value
    text = Text(lines["title"], lines["summary"], found.text)
    return Together(
        begun=begun,
        text=text,
        overlaps=found.overlaps,
        fields=fields,
        mine_changed=Text(mine.title, mine.summary, _lines(mine.body)) != begun,
    )


def _lines(body: str) -> str:
    return body.replace("\r\n", "\n").replace("\r", "\n")

"""The text that a draft had at an earlier version: what two people began with, whose changes are put together.

Each save leaves what it replaced (DraftStep): of the body the one run of characters that differs. So the newest KEPT
versions of each draft can be had again, for little more than what was typed.
"""

from __future__ import annotations

from kb.models import Article, Draft, DraftStep
from kb.refusals import Text

KEPT = 1000  # saves of one draft: half an hour of typing without a pause, mostly days


def note(before: Draft, text: Text) -> None:
    """`before` is being replaced by `text`. In the transaction of the save."""
    start, length, was = _replaced(before.body, text.body)
    DraftStep.objects.create(
        article_id=before.article_id,
        version=before.version,
        title=None if before.title == text.title else before.title,
        summary=None if before.summary == text.summary else before.summary,
        start=start,
        length=length,
        was=was,
    )
    DraftStep.objects.filter(article=before.article_id, version__lt=before.version - KEPT).delete()


def text_at(article: Article, version: int) -> Text | None:
    """The draft's text at `version`; None where the way back to it is not kept. Two queries."""
    draft = Draft.objects.get(article=article)
    if not 0 < version <= draft.version:
        return None
    steps = list(DraftStep.objects.filter(article=article, version__gte=version).order_by("-version"))
    if [step.version for step in steps] != list(range(draft.version - 1, version - 1, -1)):
        return None
    title, summary, body = draft.title, draft.summary, draft.body
    for step in steps:
        title = title if step.title is None else step.title
        summary = summary if step.summary is None else step.summary
        body = body[: step.start] + step.was + body[step.start + step.length :]
    return Text(title, summary, body)


def _replaced(old: str, new: str) -> tuple[int, int, str]:
    """Where `new` differs from `old`, how many characters stand there now, and what stood there."""
    start = _common(old, new)
    tail = _common(old[start:][::-1], new[start:][::-1])
    return start, len(new) - start - tail, old[start : len(old) - tail]


def _common(one: str, other: str) -> int:
    """How many characters both begin with, found by halves."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low

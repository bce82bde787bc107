"""Why somebody wrote: the stored reason codes, applied to a text (contacts/phrases.py weighs)."""

from __future__ import annotations

from functools import lru_cache

from contacts.models import ReasonCode
from contacts.phrases import THRESHOLD, Reason, Rules, Verdict


def read(text: str) -> Verdict:
    """What the stored rules say that a text is about. One query."""
    return _rules(stored()).decide(text, threshold=THRESHOLD)


@lru_cache(maxsize=4)
def _rules(reasons: tuple[Reason, ...]) -> Rules:
    return Rules(reasons)


def stored() -> tuple[Reason, ...]:
    """Every reason code with its topic, parents before their children. One query."""
    rows = {row["id"]: row for row in ReasonCode.objects.values("id", "code", "name", "parent_id", "phrases")}

    def lineage(pk: int) -> list[int]:
        parent = rows[pk]["parent_id"]
        return [*lineage(parent), pk] if parent is not None else [pk]

    lines = sorted(lineage(pk) for pk in rows)
    return tuple(
        Reason(
            id=line[-1],
            code=rows[line[-1]]["code"],
            name=rows[line[-1]]["name"],
            path=tuple(rows[pk]["code"] for pk in line),
            phrases=tuple(rows[line[-1]]["phrases"]),
        )
        for line in lines
    )


def topic(reason: ReasonCode) -> str:
    """The code at the top of the reason's branch: the word that articles' categories use too."""
    while reason.parent is not None:
        reason = reason.parent
    return reason.code

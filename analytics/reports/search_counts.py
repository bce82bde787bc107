"""Searches counted from SearchDay (metric 10): what each share is of, and since when contacts are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, Sum

from analytics import contact_facts, outcomes, shop_days
from analytics.models import SearchDay
from analytics.periods import Period
from analytics.stats.proportions import Rate

LEAST = 30  # searches, below which a rate is withheld
FAILED = F("without_answer") + F("without_click")  # of a SearchDay, as Counts.failed
_SUMMED = (
    "searches", "without_answer", "with_passage", "without_click", "reformulated", "in_other_language",
)  # fmt: skip
_COUNTED = (*_SUMMED, "decided", "contacted")


@dataclass(frozen=True)
class Counts:
    """Some searches. `decided` are those whose 24 hours are over with all contacts in; `contacted` is of them, and
    `spread` its design effect (analytics/spreads.py)."""

    searches: int = 0
    without_answer: int = 0
    with_passage: int = 0
    without_click: int = 0
    reformulated: int = 0
    in_other_language: int = 0
    decided: int = 0
    contacted: int = 0
    spread: float = 1.0

    def __add__(self, other: Counts) -> Counts:
        sums = {name: getattr(self, name) + getattr(other, name) for name in _COUNTED}
        return Counts(**sums, spread=max(self.spread, other.spread))

    @property
    def no_answer(self) -> Rate:
        return Rate(self.without_answer, self.searches)

    @property
    def no_click(self) -> Rate:
        """Of those that had answers, and nothing above them that may have said enough."""
        return Rate(self.without_click, self.searches - self.without_answer - self.with_passage)

    @property
    def put_anew(self) -> Rate:
        return Rate(self.reformulated, self.searches)

    @property
    def contact(self) -> Rate:
        return Rate(self.contacted, self.decided, self.spread)

    @property
    def failed(self) -> int:
        return self.without_answer + self.without_click

    @property
    def contacts_at_least(self) -> float:
        """The lower bound of the share who contacted us, times the searches: one of one leads no list."""
        return self.contact.interval.low * self.decided if self.decided else 0.0


def total(parts: Iterable[Counts]) -> Counts:
    return sum(parts, Counts())


def decided_until(now: datetime) -> date:
    """The last day of which every search's 24 hours are over, and all contacts of them are in."""
    in_until = outcomes.watermark(contact_facts.feeds().values(), now=now)
    return shop_days.day_of(in_until) - timedelta(days=2)


def summed(until: date) -> dict[str, Sum]:
    """What of_row() takes, for annotate(); contacts of days `until` only."""
    is_decided = Q(day__lte=until)
    return {
        **{f"sum_{name}": Sum(name, default=0) for name in _SUMMED},
        "sum_decided": Sum("searches", filter=is_decided, default=0),
        "sum_contacted": Sum("contacted", filter=is_decided, default=0),
    }


def of_row(row: Mapping[str, Any], *, spread: float = 1.0) -> Counts:
    return Counts(**{name: row[f"sum_{name}"] for name in _COUNTED}, spread=spread)


def days(period: Period) -> QuerySet[SearchDay]:
    """The counts of the period, in its language where it names one."""
    found = SearchDay.objects.filter(day__gte=period.first, day__lte=period.last)
    return found.filter(locale=period.segment.locale) if period.segment.locale else found

"""Contacts of a period: why people asked, against the period before, on which days, and who had to ask again.

Read from the counts of days (ContactDay), which settling keeps; the rows behind them are the desk's list of contacts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet, Sum

from analytics import rollups, shop_days, spreads
from analytics.models import ContactDay
from analytics.periods import Compare, Period
from analytics.reports.tables import Column, Table
from analytics.stats import counts
from analytics.stats.counts import Change
from analytics.stats.proportions import Rate
from contacts import reasons

UNCODED = "uncoded"


def topic_names() -> dict[str, str]:
    """What each topic is called."""
    return {reason.code: reason.name for reason in reasons.stored() if reason.code == reason.topic}


def name_of(code: str) -> str:
    """What a reason is called; empty where the tree has none of this code."""
    return next((reason.name for reason in reasons.stored() if reason.code == code), "")


@dataclass(frozen=True)
class ReasonRow:
    """One reason with everything under it. `depth` 0 is a topic. The code of what nobody could code is UNCODED.

    `change` is None where the period is held against nothing, or nothing came in either.
    """

    code: str
    name: str
    depth: int
    now: int
    before: int
    change: Change | None = None


@dataclass(frozen=True)
class Day:
    """Contacts of the days from `first` to `last` by topic; a topic without any is left out."""

    first: date
    last: date
    by_topic: dict[str, int]


@dataclass(frozen=True)
class Repeated:
    """Of the mature contacts whose writer and reason are known: after how many the same person wrote about the same
    reason within 7 days. `known`: how many of all mature contacts those are. Mature up to `last`, a day."""

    rate: Rate
    known: Rate
    last: date


def by_reason(period: Period, *, now: datetime) -> tuple[ReasonRow, list[ReasonRow]]:
    """All contacts, and each reason that has any now or had before; in the order of the tree's topics by size, the
    uncoded last. Three queries."""
    before = period.before()
    counted = (
        days_of(period, _within(before) | _within(period))
        .values("reason")
        .annotate(
            now=Sum("contacts", filter=_within(period), default=0),
            before=Sum("contacts", filter=_within(before), default=0),
        )
        .values_list("reason", "now", "before")
    )
    tree = reasons.stored()
    paths = {reason.code: reason.path for reason in tree}
    of_now: Counter[str] = Counter()
    of_before: Counter[str] = Counter()
    for reason, number_now, number_before in counted:
        for code in paths.get(reason, (UNCODED,)):
            of_now[code] += number_now
            of_before[code] += number_before

    spread = spreads.known(period.window).count

    def row(code: str, name: str, depth: int) -> ReasonRow:
        return _row(period, now, code, name, depth, of_now[code], of_before[code], spread=spread)

    rows = [
        row(reason.code, reason.name, len(reason.path) - 1)
        for reason in sorted(tree, key=lambda reason: [(-of_now[code], code) for code in reason.path])
        if of_now[reason.code] or of_before[reason.code]
    ]
    if of_now[UNCODED] or of_before[UNCODED]:
        rows.append(row(UNCODED, "", 0))
    tops = [each for each in rows if each.depth == 0]
    sums = sum(each.now for each in tops), sum(each.before for each in tops)
    total = _row(period, now, "", "", 0, *sums, spread=spread)
    return total, rows


def by_day(period: Period) -> list[Day]:
    """Every day of the period, or every seven days of one longer than nine weeks, with its contacts by topic."""
    step = step_of(period)
    topics = {reason.code: reason.topic for reason in reasons.stored()}
    counted = days_of(period).values("day", "reason").annotate(number=Sum("contacts"))
    slots: list[Counter[str]] = [Counter() for _ in range(-(-period.days // step))]
    for day, reason, number in counted.values_list("day", "reason", "number"):
        slots[(day - period.first).days // step][topics.get(reason, UNCODED)] += number
    days = []
    for index, slot in enumerate(slots):
        first = period.first + timedelta(days=index * step)
        days.append(Day(first, min(first + timedelta(days=step - 1), period.last), dict(slot)))
    return days


def totals_by_day(period: Period) -> list[int]:
    """All contacts of each day, or of every seven days, as by_day() has them."""
    step = step_of(period)
    slots = [0] * -(-period.days // step)
    counted = days_of(period).values("day").annotate(number=Sum("contacts"))
    for day, number in counted.values_list("day", "number"):
        slots[(day - period.first).days // step] += number
    return slots


def repeated(period: Period, *, in_until: datetime) -> Repeated:
    """Contacts are mature once the 7 days after their day are over and contacts are in up to then. One query."""
    last = min(period.last, mature_until(in_until))
    sums = days_of(period, Q(day__gte=period.first, day__lte=last)).aggregate(
        all=Sum("contacts", default=0), known=Sum("known", default=0), repeated=Sum("repeated", default=0)
    )
    return Repeated(Rate(sums["repeated"], sums["known"]), Rate(sums["known"], sums["all"]), last)


def mature_until(in_until: datetime) -> date:
    """The last day of which it is known who wrote again."""
    return shop_days.day_of(in_until - rollups.REPEATED_WITHIN) - timedelta(days=1)


def step_of(period: Period) -> int:
    """How many days stand together in a chart of the period."""
    return 1 if period.days <= 63 else 7


def tables(period: Period, now: datetime) -> list[Table]:
    """Contacts by reason against the days before, and by day."""
    total, rows = by_reason(period, now=now)
    note = "Contacts received in the period, each by its newest reason; a branch includes everything under it."
    return [
        Table(
            "reasons",
            "Contacts by reason",
            (
                Column("code", "Code"),
                Column("reason", "Reason"),
                Column("depth", "Depth"),
                Column("contacts", "Contacts"),
                Column("before", "Before"),
                Column("times", "Times before"),
                Column("times_low", "Interval from"),
                Column("times_high", "Interval to"),
                Column("more_than_chance", "More than chance"),
            ),
            [_told(row) for row in (*rows, total)],
            note=note,
        ),
        Table(
            "days",
            "Contacts by day and topic",
            (
                Column("first", "From"),
                Column("last", "To"),
                Column("topic", "Topic"),
                Column("contacts", "Contacts"),
            ),
            [
                (day.first, day.last, topic, number)
                for day in by_day(period)
                for topic, number in sorted(day.by_topic.items())
            ],
            note=note,
        ),
    ]


def _told(row: ReasonRow) -> tuple[str | int | float | bool | None, ...]:
    change = row.change
    high = None if change is None or change.interval.high == float("inf") else change.interval.high
    return (
        row.code or "all",
        row.name,
        row.depth,
        row.now,
        row.before,
        change.times if change else None,
        change.interval.low if change else None,
        high,
        change.is_shown if change else None,
    )


def _row(
    period: Period, now: datetime, code: str, name: str, depth: int, here: int, then: int, *, spread: float
) -> ReasonRow:
    if period.compare is Compare.NONE:
        return ReasonRow(code, name, depth, here, then)
    change = counts.change(here, then, of_now=passed(period, now=now), spread=spread)
    return ReasonRow(code, name, depth, here, then, change)


def passed(period: Period, *, now: datetime) -> float:
    """How much of the period is over: what came today until noon is not held against a whole day."""
    if now >= period.end:
        return 1.0
    return max(0.0, (now - period.start) / (period.end - period.start))


def days_of(period: Period, within: Q | None = None) -> QuerySet[ContactDay]:
    """The counts of the period, or of other days, of its segment."""
    segment = period.segment
    narrowed = {"locale": segment.locale, "channel": segment.source}
    return ContactDay.objects.filter(
        _within(period) if within is None else within, **{name: value for name, value in narrowed.items() if value}
    )


def _within(period: Period) -> Q:
    return Q(day__gte=period.first, day__lte=period.last)

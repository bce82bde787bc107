"""Contacts of a period: why people asked, against the period before, and on which days."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from analytics.periods import Period, shop_zone
from contacts import reasons, selectors
from contacts.models import Contact

UNCODED = "uncoded"


def topic_names() -> dict[str, str]:
    """What each topic is called."""
    return {reason.code: reason.name for reason in reasons.stored() if reason.code == reason.topic}


@dataclass(frozen=True)
class ReasonRow:
    """One reason with everything under it. `depth` 0 is a topic. The code of what nobody could code is UNCODED."""

    code: str
    name: str
    depth: int
    now: int
    before: int


@dataclass(frozen=True)
class Day:
    """Contacts of the days from `first` to `last` by topic; a topic without any is left out."""

    first: date
    last: date
    by_topic: dict[str, int]


def by_reason(period: Period) -> tuple[ReasonRow, list[ReasonRow]]:
    """All contacts, and each reason that has any now or had before; in the order of the tree's topics by size, the
    uncoded last."""
    before = period.before()
    counts = (
        selectors.with_reason(_received(before) | _received(period))
        .values("reason_now")
        .annotate(
            now=Count("id", filter=_within(period)),
            before=Count("id", filter=_within(before)),
        )
        .values_list("reason_now", "now", "before")
    )
    tree = reasons.stored()
    paths = {reason.id: reason.path for reason in tree}
    now: Counter[str] = Counter()
    then: Counter[str] = Counter()
    for reason_id, number_now, number_before in counts:
        for code in paths.get(reason_id or 0, (UNCODED,)):
            now[code] += number_now
            then[code] += number_before
    rows = [
        ReasonRow(reason.code, reason.name, len(reason.path) - 1, now[reason.code], then[reason.code])
        for reason in sorted(tree, key=lambda reason: [(-now[code], code) for code in reason.path])
        if now[reason.code] or then[reason.code]
    ]
    if now[UNCODED] or then[UNCODED]:
        rows.append(ReasonRow(UNCODED, "", 0, now[UNCODED], then[UNCODED]))
    tops = [row for row in rows if row.depth == 0]
    total = ReasonRow("", "", 0, sum(row.now for row in tops), sum(row.before for row in tops))
    return total, rows


def by_day(period: Period) -> list[Day]:
    """Every day of the period, or every seven days of one longer than nine weeks, with its contacts by topic."""
    step = step_of(period)
    topics = {reason.id: reason.topic for reason in reasons.stored()}
    counts = (
        selectors.with_reason(_received(period))
        .annotate(day=TruncDate("received_at", tzinfo=shop_zone()))
        .values("day", "reason_now")
        .annotate(number=Count("id"))
        .values_list("day", "reason_now", "number")
    )
    slots: list[Counter[str]] = [Counter() for _ in range(-(-period.days // step))]
    for day, reason_id, number in counts:
        slots[(day - period.first).days // step][topics.get(reason_id or 0, UNCODED)] += number
    days = []
    for index, slot in enumerate(slots):
        first = period.first + timedelta(days=index * step)
        days.append(Day(first, min(first + timedelta(days=step - 1), period.last), dict(slot)))
    return days


def totals_by_day(period: Period) -> list[int]:
    """All contacts of each day, or of every seven days, as by_day() has them."""
    step = step_of(period)
    slots = [0] * -(-period.days // step)
    counts = (
        _received(period)
        .annotate(day=TruncDate("received_at", tzinfo=shop_zone()))
        .values("day")
        .annotate(number=Count("id"))
        .values_list("day", "number")
    )
    for day, number in counts:
        slots[(day - period.first).days // step] += number
    return slots


def step_of(period: Period) -> int:
    """How many days stand together in a chart of the period."""
    return 1 if period.days <= 63 else 7


def _received(period: Period) -> QuerySet[Contact]:
    return Contact.objects.filter(_within(period), **period.segment.query)


def _within(period: Period) -> Q:
    return Q(received_at__gte=period.start, received_at__lt=period.end)

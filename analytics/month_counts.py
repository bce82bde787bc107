"""Counts of days -> counts of months, so that a screen of a year adds up twelve of them and the days at its edges.

A month is counted once all its windows are long over. Whoever counts one of its days anew takes its mark away in the
same transaction (forget()); until it is counted again, its days are added up instead. So a sum is always that of days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Min, Q, Sum
from django.db.models.expressions import Expression

from analytics import shop_days, streams
from analytics.models import CountedMonth, JourneyDay, JourneyMonth
from core import clock

if TYPE_CHECKING:
    from analytics.periods import Period

# Of younger months days are still counted again and again.
OVER = timedelta(days=35)
_ALIKE = ", ".join(
    f'"{field.column}"' for field in JourneyMonth._meta.fields if field.name not in ("id", "day", "journeys")
)
_MONTH = f"""
    INSERT INTO analytics_journeymonth (day, {_ALIKE}, journeys)
    SELECT %(first)s, {_ALIKE}, sum(journeys) FROM analytics_journeyday
    WHERE day >= %(first)s AND day <= %(last)s GROUP BY {_ALIKE}
"""  # noqa: S608


def forget(first: date, last: date) -> None:
    """The days from `first` to `last` are counted anew. In the transaction that does it."""
    CountedMonth.objects.filter(month__range=(first.replace(day=1), last)).delete()


def make() -> int:
    """Count every month that is over and not counted; returns how many. One at a time, under settling's lock."""
    oldest = JourneyDay.objects.aggregate(day=Min("day"))["day"]
    if oldest is None:
        return 0
    until = shop_days.day_of(clock.now() - OVER)
    known = set(CountedMonth.objects.values_list("month", flat=True))
    missing = [month for month in _months(oldest.replace(day=1), until) if month not in known]
    for month in missing:
        with transaction.atomic(), connection.cursor() as cursor:
            streams.more_memory()
            JourneyMonth.objects.filter(day=month).delete()
            cursor.execute(_MONTH, {"first": month, "last": _last(month)})
            CountedMonth.objects.create(month=month)
    return len(missing)


def summed(period: Period, *names: str | Expression, narrowed: Q | None = None) -> list[tuple[Any, ...]]:
    """How many journeys of the period have each combination of these fields: (values…, number). One query; two where
    whole months are in the period."""
    days, months = _parts(period)
    rows: Counter[tuple[Any, ...]] = Counter()
    for model, within in ((JourneyDay, days), (JourneyMonth, months)):
        if within is None:
            continue
        found = model._default_manager.filter(within, window=period.window)
        if narrowed is not None:
            found = found.filter(narrowed)
        for *values, number in found.values_list(*names).annotate(number=Sum("journeys")).order_by():
            rows[tuple(values)] += number
    return [(*values, number) for values, number in rows.items()]


def number(period: Period) -> int:
    """How many journeys began in the period."""
    return sum(of_window for _window, of_window in summed(period, "window"))


def _parts(period: Period) -> tuple[Q | None, Q | None]:
    """What of the period is read from days, and what from months."""
    whole = list(_months(period.first, period.last))
    counted = sorted(CountedMonth.objects.filter(month__in=whole).values_list("month", flat=True)) if whole else []
    if not counted:
        return Q(day__range=(period.first, period.last)), None
    days, first = Q(pk__in=[]), period.first
    for month in counted:
        if first < month:
            days |= Q(day__range=(first, month - timedelta(days=1)))
        first = _last(month) + timedelta(days=1)
    if first <= period.last:
        days |= Q(day__range=(first, period.last))
    return days, Q(day__in=counted)


def _months(first: date, last: date) -> Iterator[date]:
    """The first days of the months that lie wholly between these days."""
    month = first if first.day == 1 else _next(first)
    while _last(month) <= last:
        yield month
        month = _next(month)


def _next(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _last(month: date) -> date:
    return _next(month) - timedelta(days=1)

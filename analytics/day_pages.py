"""Pages of long lists, newest first, that open only the days whose rows they show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from analytics import shop_days

_LAST_DAYS = (2, 9, 16, 60)  # the second: an outcome is known a week later
_FAR = 1_000  # rows, up to which nothing is gained by looking at a part


class DayPages:
    """For a Paginator: how many there are, and a stretch of them. `found` has the rows, each at its moment `field`;
    `by_day` how many of them each day has, as they were counted last: rows that came since push the oldest off the last
    page until they are counted, too."""

    ordered = True

    def __init__(self, found: QuerySet[Any], field: str, by_day: Mapping[date, int]) -> None:
        self._found, self._field = found, field
        self._days = sorted(by_day.items(), reverse=True)

    def count(self) -> int:
        return sum(number for _day, number in self._days)

    __len__ = count

    def __getitem__(self, part: slice) -> list[Any]:
        newest, skipped, seen = None, 0, 0
        for day, number in self._days:
            if newest is None and seen + number > part.start:
                newest, skipped = day, seen
            seen += number
            if seen >= part.stop:
                here = slice(part.start - skipped, part.stop - skipped)
                return self._rows(newest, day, here, seen - skipped) or self._rows(newest, None, here)
        return self._rows(newest, None, slice(part.start - skipped, part.stop - skipped))

    def _rows(self, newest: date | None, oldest: date | None, part: slice, number: int = 0) -> list[Any]:
        """Of the days from `oldest` (None: the first) to `newest`; of so many rows, where that is known, those nearer
        to the end are counted from there."""
        found = self._found
        if newest is not None:
            found = found.filter(**{f"{self._field}__lt": shop_days.begin(newest + timedelta(days=1))})
        if oldest is not None:
            found = found.filter(**{f"{self._field}__gte": shop_days.begin(oldest)})
        if part.start > max(number // 2, _FAR) and number:
            last_first = found.order_by(self._field, "id")
            rows = list(last_first[max(0, number - part.stop) : number - part.start])[::-1]
        else:
            rows = list(found.order_by(f"-{self._field}", "-id")[part])
        is_short = oldest is not None and len(rows) < part.stop - part.start
        return [] if is_short else rows


class Newest:
    """For a Paginator: `found`, newest first by its moment `field`, of which none is at `end` or after. Most rows of a
    long period are never looked at: those of the last days do, where they are enough, or those of the first days for
    the last pages. `known`: how many there are, where counts of days tell it, and `recent` how many the period's last
    days have, each."""

    ordered = True

    def __init__(
        self,
        found: QuerySet[Any],
        field: str,
        *,
        end: datetime,
        known: int | None = None,
        recent: Mapping[date, int] | None = None,
    ) -> None:
        self._found, self._field, self._end, self._known, self._recent = found, field, end, known, recent or {}

    def count(self) -> int:
        if self._known is None:
            self._known = self._found.count()
        return self._known

    __len__ = count

    def __getitem__(self, part: slice) -> list[Any]:
        if part.stop <= sum(self._recent.values()):
            return DayPages(self._found, self._field, self._recent)[part]
        newest_first = self._found.order_by(f"-{self._field}", "-id")
        if part.start > max(self.count() // 2, _FAR):
            from_the_end = slice(max(0, self.count() - part.stop), self.count() - part.start)
            return list(self._found.order_by(self._field, "id")[from_the_end])[::-1]
        for days in _LAST_DAYS if self.count() > _FAR else ():
            last = newest_first.filter(**{f"{self._field}__gte": self._end - timedelta(days=days)})
            rows = list(last[part])
            if len(rows) == part.stop - part.start:
                return rows
        return list(newest_first[part])

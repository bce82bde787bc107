"""Pages of a list that is too long to be looked at whole: the counts of days say in which days a page's rows lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet

from analytics import shop_days


@dataclass(frozen=True)
class ByDay:
    """Newest first, as a paginator asks for it: how many, and a stretch. `found` is in that order by `moment`."""

    found: QuerySet[Any]
    moment: str
    counted: Mapping[date, int]

    ordered = True

    def count(self) -> int:
        return sum(self.counted.values())

    __len__ = count

    def __getitem__(self, part: slice) -> list[Any]:
        passed = within_days = 0  # rows of newer days, and of those that the stretch lies in
        days: list[date] = []
        for day in sorted(self.counted, reverse=True):
            if not days and passed + self.counted[day] <= part.start:
                passed += self.counted[day]
            elif passed + within_days < part.stop:
                days.append(day)
                within_days += self.counted[day]
        if not days:
            return []
        within = {
            f"{self.moment}__gte": shop_days.begin(days[-1]),
            f"{self.moment}__lt": shop_days.begin(days[0] + timedelta(days=1)),
        }
        return list(self.found.filter(**within)[part.start - passed : part.stop - passed])

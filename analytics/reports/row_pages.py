"""Rows of a list, the newest first, told all by and by or a page at a time. A page begins after a place (the moment and
id of a row), so that rows which come meanwhile move none to another page, and no page costs what is before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Q, QuerySet

from analytics.periods import Period
from analytics.reports.tables import Value

AT_ONCE = 1_000  # rows that are kept while they are written
ID_SHOWN = 8  # characters of an id of a visitor or person, as on the screens
_STRETCH = timedelta(hours=1)  # the first of those in which a page is looked for; each is twice as long as the last
_LEAST = timedelta(microseconds=1)

Cells = tuple[Value, ...]
Tell = Callable[[Sequence[Any]], list[Cells]]


@dataclass(frozen=True)
class Place:
    """A row's among those of its list: what comes after it is older."""

    at: datetime
    id: int | UUID


@dataclass(frozen=True)
class Page:
    """`last` leads on; None at the end. A page can be short of rows and lead on all the same."""

    rows: list[Cells]
    last: Place | None


class Rows(Protocol):
    def __iter__(self) -> Iterator[Cells]:
        """All of them, none of which is kept."""

    def page(self, most: int, after: Place | None = None) -> Page: ...


class ByPages(ABC):
    """Rows that are read page by page also where all are told."""

    at_once = AT_ONCE

    def __iter__(self) -> Iterator[Cells]:
        page = self.page(self.at_once)
        yield from page.rows
        while page.last is not None:
            page = self.page(self.at_once, page.last)
            yield from page.rows

    @abstractmethod
    def page(self, most: int, after: Place | None = None) -> Page: ...


class Stored:
    """The rows of `found`, by their `moment` and id. `within`: of a table that has no index by time, whose pages are
    looked for from the end of these days on, in stretches."""

    def __init__(self, found: QuerySet[Any], moment: str, tell: Tell, *, within: Period | None = None) -> None:
        self._found = found.order_by(f"-{moment}", "-pk")
        self._moment, self._tell, self._within = moment, tell, within

    def __iter__(self) -> Iterator[Cells]:
        rows = self._found.iterator(chunk_size=AT_ONCE)
        while part := list(islice(rows, AT_ONCE)):
            yield from self._tell(part)

    def page(self, most: int, after: Place | None = None) -> Page:
        rows = self._first(most + 1, after)
        told = rows[:most]
        last = told[-1] if len(rows) > most else None
        return Page(self._tell(told), Place(getattr(last, self._moment), last.pk) if last else None)

    def _first(self, number: int, after: Place | None) -> list[Any]:
        found = self._found
        if after is not None:
            # The moment twice: an index by it is entered at the place.
            found = found.filter(Q(**{f"{self._moment}__lt": after.at}) | Q(pk__lt=after.id))
            found = found.filter(**{f"{self._moment}__lte": after.at})
        if self._within is None:
            return list(found[:number])
        until, stretch = after.at + _LEAST if after else self._within.end, _STRETCH
        rows: list[Any] = []
        while len(rows) < number and until > self._within.start:
            since = max(self._within.start, until - stretch)
            part = found.filter(**{f"{self._moment}__gte": since, f"{self._moment}__lt": until})
            rows += part[: number - len(rows)]
            until, stretch = since, 2 * stretch
        return rows

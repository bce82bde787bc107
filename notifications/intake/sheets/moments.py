"""Dates and times as shops write them. All the values of a file decide which of two numbers is the month. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from zoneinfo import ZoneInfo

EARLIEST, LATEST = 1990, 2100  # a year outside is a slip of the pen
_NUMBERS = re.compile(r"(\d{1,4})([/.\-])(\d{1,2})\2(\d{2,4})(?:[T,]?\s*(\d.*))?$")
_NAMED = re.compile(r"(?:[^\W\d]+,?\s+)?(\d{1,2})(?:st|nd|rd|th|º|\.)?[\s-]+(?:de\s+)?([^\W\d]{3,})\.?,?[\s-]+(?:de\s+)?(\d{4})(?:,?\s+(?:at\s+)?(\d.*))?$", re.IGNORECASE)  # fmt: skip  # noqa: E501
_NAMED_US = re.compile(r"([^\W\d]{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?:,?\s+(?:at\s+)?(\d.*))?$", re.IGNORECASE)  # fmt: skip  # noqa: E501
_TIME = re.compile(r"(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*([ap]\.?m\.?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$", re.IGNORECASE)  # fmt: skip  # noqa: E501
_COMPACT = re.compile(r"(?:19|20)\d{6}$")
_EPOCH = re.compile(r"1\d{9}(?:\d{3})?$")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene gen", "feb fev fév fevr", "mar mär maa mrt", "apr abr avr",
            "may mai mei mag maj",
            "jun jui giu juin", "jul lug juil", "aug ago aoû aou", "sep set",
            "oct okt out ott", "nov", "dec dez dic déc",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip


class DateOrder(StrEnum):
    """What the first number of 03/04/2017 is."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


class NotAMoment(Exception):
    """The text says why and how to write it."""


@dataclass(frozen=True)
class Moment:
    """An aware moment. `is_day`: the text named a day and no time; `at` is its beginning."""

    at: datetime
    is_day: bool

    @property
    def end(self) -> datetime:
        """The moment, or the end of the day."""
        return datetime.combine(self.at.date(), time(23, 59, 59), self.at.tzinfo) if self.is_day else self.at


@dataclass
class Evidence:
    """What the values of a file's columns of dates say about the order of day and month."""

    day_first: int = 0  # values that make sense with the day first only
    month_first: int = 0
    either: int = 0
    example: str = ""
    _seen: set[str] = field(default_factory=set, repr=False)

    def hear(self, text: str) -> None:
        if text[:4].isdigit():  # the year first
            return
        head = text[:10]
        if head in self._seen:  # a day is written many times
            return
        if len(self._seen) < 50_000:
            self._seen.add(head)
        match = _NUMBERS.match(text)
        if match is None or len(match[1]) == 4 or match[2] == ".":
            return
        first, second = int(match[1]), int(match[3])
        if first > 12 >= second:
            self.day_first += 1
        elif second > 12 >= first:
            self.month_first += 1
        elif first != second:
            self.either += 1
            self.example = self.example or text

    def decide(self) -> DateOrder | None:
        """None where somebody has to say: nothing speaks for either, or something for both."""
        if self.day_first and not self.month_first:
            return DateOrder.DAY_FIRST
        if self.month_first and not self.day_first:
            return DateOrder.MONTH_FIRST
        if not self.either and not self.day_first:
            return DateOrder.DAY_FIRST  # no value depends on it
        return None


def share_of_dates(values: Iterable[str]) -> float:
    """How many of the values that are not empty can be dates, 0 to 1; 0 where all are empty."""
    filled = [value for value in values if value]
    return sum(map(_looks_like_one, filled)) / len(filled) if filled else 0.0


def _looks_like_one(text: str) -> bool:
    for order in DateOrder:
        try:
            Reader(order, ZoneInfo("UTC")).read(text)
        except NotAMoment:
            continue
        return True
    return False


class Reader:
    """Reads one file's dates. A time without a zone is local to `zone`."""

    def __init__(self, order: DateOrder, zone: ZoneInfo) -> None:
        self._order, self._zone = order, zone

    def read(self, text: str) -> Moment:
        """Raises NotAMoment."""
        found = self._iso(text) if len(text) >= 10 and text[4] == "-" else None
        found = found or self._numbers(text) or self._named(text) or self._plain(text)
        if found is None:
            raise NotAMoment(f"{text[:40]!r} is not a date that exists. Write it like 2017-11-24 18:30.")
        if not EARLIEST <= found.at.year <= LATEST:
            raise NotAMoment(f"the year {found.at.year} cannot be. It must be from {EARLIEST} to {LATEST}.")
        return found

    def _iso(self, text: str) -> Moment | None:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            match = _TIME.match(text[11:].strip()) if len(text) > 11 else None
            day = self._day(text[:4], text[5:7], text[8:10])
            return self._at(day, match) if match is not None and day is not None else None
        return Moment(at if at.tzinfo else at.replace(tzinfo=self._zone), len(text) == 10)

    def _numbers(self, text: str) -> Moment | None:
        if (match := _NUMBERS.match(text)) is None:
            return None
        first, separator, second, third = match[1], match[2], match[3], match[4]
        if len(first) == 4:
            day = self._day(first, second, third)
        elif separator == "." or self._order is DateOrder.DAY_FIRST:  # nobody writes month.day.year
            day = self._day(third, second, first)
        else:
            day = self._day(third, first, second)
        return self._with_time(day, match[5])

    def _named(self, text: str) -> Moment | None:
        if (match := _NAMED.match(text)) is not None:
            day, month, year, rest = match[1], match[2], match[3], match[4]
        elif (match := _NAMED_US.match(text)) is not None:
            day, month, year, rest = match[2], match[1], match[3], match[4]
        else:
            return None
        number = _MONTHS.get(month.lower()[:4]) or _MONTHS.get(month.lower()[:3])
        return self._with_time(self._day(year, str(number), day), rest) if number else None

    def _plain(self, text: str) -> Moment | None:
        if _COMPACT.match(text):
            return self._with_time(self._day(text[:4], text[4:6], text[6:]), None)
        if _EPOCH.match(text):
            seconds = int(text[:10])
            return Moment(datetime.fromtimestamp(seconds, UTC), False)
        return None

    def _with_time(self, day: date | None, rest: str | None) -> Moment | None:
        if day is None:
            return None
        if not rest:
            return Moment(datetime.combine(day, time(), self._zone), True)
        match = _TIME.match(rest.strip())
        return None if match is None else self._at(day, match)

    def _at(self, day: date, match: re.Match[str]) -> Moment | None:
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        if match[4]:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if match[4].lower().startswith("p") else 0)
        try:
            at = datetime.combine(day, time(hour, minute, second), self._zone)
        except ValueError:
            return None
        if (said := match[5]) is None:
            return Moment(at, False)
        offset = timedelta()
        if said[0] in "+-":
            offset = timedelta(hours=int(said[1:3]), minutes=int(said[-2:])) * (-1 if said[0] == "-" else 1)
        return Moment(at.replace(tzinfo=timezone(offset)), False)

    @staticmethod
    def _day(year: str, month: str, day: str) -> date | None:
        try:
            return date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
        except ValueError:
            return None

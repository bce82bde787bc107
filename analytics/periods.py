"""The days, the window, the comparison and the segment that a screen is about, read from its address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from django.conf import settings
from django.utils.translation import gettext as _

from analytics import settling, shop_days
from contacts.models import ContactSource
from core import languages

DAYS, MOST_DAYS = 28, 1_100
NAMES = ("from", "to", "days", "window", "compare", "locale", "source")  # what of an address is about the period
_YEAR = timedelta(days=364)  # so that Mondays stand against Mondays


class Compare(StrEnum):
    """What a period is held against."""

    BEFORE = "before"  # as many days, ending the day before it begins
    YEAR = "year"  # the same weekdays 52 weeks earlier
    NONE = "none"


@dataclass(frozen=True)
class Segment:
    """Which contacts are counted; an empty word narrows nothing."""

    locale: str = ""
    source: str = ""

    @property
    def query(self) -> dict[str, str]:
        return {name: value for name, value in (("locale", self.locale), ("source", self.source)) if value}


@dataclass(frozen=True)
class Period:
    """From the beginning of `first` to the end of `last`, days of the shop; outcomes by `window` days."""

    first: date
    last: date
    window: int
    compare: Compare = Compare.BEFORE
    segment: Segment = Segment()

    @property
    def start(self) -> datetime:
        return shop_days.begin(self.first)

    @property
    def end(self) -> datetime:
        """Exclusive."""
        return shop_days.begin(self.last + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def per_28(self, number: int) -> float:
        """As many as it would be in 28 days."""
        return number * 28 / self.days

    def before(self) -> Period:
        """What it is held against; as many days, ending the day before this begins, unless a year was asked for."""
        back = _YEAR if self.compare is Compare.YEAR else timedelta(days=self.days)
        return replace(self, first=self.first - back, last=self.last - back)

    @property
    def query(self) -> dict[str, str]:
        """What its address says; what was left as it is by itself is left out."""
        days = {"from": self.first.isoformat(), "to": self.last.isoformat(), "window": str(self.window)}
        return days | self.beside

    @property
    def beside(self) -> dict[str, str]:
        """The query without days and window."""
        compared = {} if self.compare is Compare.BEFORE else {"compare": str(self.compare)}
        return compared | self.segment.query

    def lasting(self, *, today: date) -> dict[str, str]:
        """The query, which a period that ends today says without dates: opened tomorrow, it ends tomorrow."""
        if self.last != today:
            return self.query
        return {"days": str(self.days), "window": str(self.window)} | self.beside

    def address(self, url: str, **more: object) -> str:
        """`url` about this period, with `more` parameters; those that are None are left out."""
        given = {key: str(value) for key, value in more.items() if value is not None}
        return f"{url}?{urlencode(self.query | given)}"


def read(parameters: Mapping[str, str], *, now: datetime) -> tuple[Period, list[str]]:
    """The period asked for by the parameters NAMES, and what of it made no sense (sentences for the reader).

    What is missing or makes no sense falls back: the last 28 days, the shop's own window, against the days before, all
    contacts.
    """
    wrong: list[str] = []
    today = shop_days.day_of(now)
    last = _day(parameters, "to", wrong) or today
    first = _day(parameters, "from", wrong) or last - timedelta(days=_days(parameters) - 1)
    if first > last:
        wrong.append(
            _("The period ended (%(last)s) before it began (%(first)s), so the two were swapped.")
            % {"first": first, "last": last}
        )
        first, last = last, first
    compare = _one_of(parameters, "compare", list(Compare), wrong) or Compare.BEFORE
    segment = Segment(
        _one_of(parameters, "locale", languages.served(), wrong),
        _one_of(parameters, "source", [str(value) for value in ContactSource.values], wrong),
    )
    return Period(first, last, _window(parameters, wrong), Compare(compare), segment), wrong


def _day(parameters: Mapping[str, str], name: str, wrong: list[str]) -> date | None:
    if not (text := parameters.get(name, "").strip()):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        wrong.append(_("“%(text)s” is no date; write it like 2026-03-31.") % {"text": text[:40]})
        return None
    if not 2000 <= day.year <= 2200:
        wrong.append(_("The year of “%(text)s” is out of range.") % {"text": text[:40]})
        return None
    return day


def _days(parameters: Mapping[str, str]) -> int:
    text = parameters.get("days", "").strip()
    return int(text) if text.isascii() and text.isdecimal() and 1 <= int(text[:5]) <= MOST_DAYS else DAYS


def _one_of(parameters: Mapping[str, str], name: str, known: Iterable[str], wrong: list[str]) -> str:
    text = parameters.get(name, "").strip()
    if text and text not in known:
        wrong.append(_("“%(text)s” is nothing to choose for “%(name)s”.") % {"text": text[:40], "name": name})
        return ""
    return text


def _window(parameters: Mapping[str, str], wrong: list[str]) -> int:
    text = parameters.get("window", "").strip()
    if text in {str(days) for days in settling.windows()}:
        return int(text)
    if text:
        known = ", ".join(str(days) for days in settling.windows())
        wrong.append(
            _("There is no window of “%(text)s” days; there are %(known)s.") % {"text": text[:40], "known": known}
        )
    return int(settings.OUTCOME_WINDOW_DAYS)

"""The days and the window that a screen is about, read from its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from analytics import settling

DAYS = 28


@dataclass(frozen=True)
class Period:
    """From the beginning of `first` to the end of `last`, days of the shop; outcomes by `window` days."""

    first: date
    last: date
    window: int

    @property
    def start(self) -> datetime:
        return _midnight(self.first)

    @property
    def end(self) -> datetime:
        """Exclusive."""
        return _midnight(self.last + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> Period:
        """As many days, ending the day before this begins."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1), self.window)

    @property
    def query(self) -> dict[str, str]:
        return {"from": self.first.isoformat(), "to": self.last.isoformat(), "window": str(self.window)}

    def address(self, url: str, **more: object) -> str:
        """`url` about this period, with `more` parameters; those that are None are left out."""
        given = {key: str(value) for key, value in more.items() if value is not None}
        return f"{url}?{urlencode(self.query | given)}"


def read(parameters: Mapping[str, str], *, now: datetime) -> tuple[Period, list[str]]:
    """The period asked for by `from`, `to` and `window`, and what of it made no sense (sentences for the reader).

    What is missing or makes no sense falls back: the last 28 days, the shop's own window.
    """
    wrong: list[str] = []
    today = now.astimezone(shop_zone()).date()
    last = _day(parameters, "to", wrong) or today
    first = _day(parameters, "from", wrong) or last - timedelta(days=DAYS - 1)
    if first > last:
        wrong.append(
            _("The period ended (%(last)s) before it began (%(first)s), so the two were swapped.")
            % {"first": first, "last": last}
        )
        first, last = last, first
    return Period(first, last, _window(parameters, wrong)), wrong


def shop_zone() -> ZoneInfo:
    return ZoneInfo(settings.SHOP_TIME_ZONE)


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


def _midnight(day: date) -> datetime:
    """The beginning of the shop's day."""
    return datetime.combine(day, time.min, shop_zone())

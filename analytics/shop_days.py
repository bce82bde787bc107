"""Days as the shop has them, which every count and screen goes by."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings


def zone() -> ZoneInfo:
    return ZoneInfo(settings.SHOP_TIME_ZONE)


def day_of(at: datetime) -> date:
    """The day of the shop that `at` is in."""
    return at.astimezone(zone()).date()


def begin(day: date) -> datetime:
    """The moment at which the shop's day begins."""
    return datetime.combine(day, time.min, zone())


def span(first: date, last: date) -> list[date]:
    """The days from `first` to `last`, both among them."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]

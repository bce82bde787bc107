"""The day that a parcel is expected by its lane's times, where a nightly forecast has named one."""

from __future__ import annotations

from datetime import date, datetime

from notifications.expectations import Expectation
from notifications.models import Forecast, Shipment

_GOOD_FOR = 1  # days; an older forecast knows too little


def expected(shipment: Shipment, today: date) -> Expectation | None:
    """In days from `today`; None where there is no fresh forecast.

    Forecasts name days only while the lanes' times have been better on later orders than the carriers' own
    (notifications/prediction/nightly.py).
    """
    forecast: Forecast | None = getattr(shipment, "forecast", None) if shipment.pk else None
    return named(forecast, today, handed_over_at=shipment.handed_over_at)


def named(found: Forecast | None, today: date, *, handed_over_at: datetime | None) -> Expectation | None:
    """What expected() says where the parcel's forecast is at hand."""
    if found is None or not found.days:
        return None
    age = (today - found.made_on).days
    if not 0 <= age <= _GOOD_FOR:
        return None
    first, low, begin, middle, end, high, last = (max(0, day - age) for day in found.days)
    # A parcel handed over since goes by other times than the forecast knew.
    if handed_over_at is not None and handed_over_at.date() > found.made_on:
        return None
    return Expectation(low, middle, high, (begin, end), (first, last))

"""The WISMO rate: contacts about where an order is, to each hundred orders shipped in the same days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from analytics import spreads, streams
from analytics.periods import Compare, Period, Segment
from analytics.reports import contacts
from analytics.reports.contacts import ReasonRow
from analytics.stats import counts
from analytics.stats.counts import Change, PerUnit
from notifications.models import Shipment


@dataclass(frozen=True)
class Wismo:
    """`code`: the reason that is counted, with everything under it; `name` is empty where the tree has none of it.

    Everybody's contacts, whatever the page is narrowed to: orders have no language and no channel.
    """

    code: str
    name: str
    now: PerUnit
    before: PerUnit | None  # None where the period is held against nothing
    change: Change | None


def build(period: Period, *, now: datetime, rows: list[ReasonRow] | None = None) -> Wismo:
    """`rows`: the contacts by reason of this very period, where they are at hand and not narrowed."""
    whole = replace(period, segment=Segment())
    if rows is None or period.segment.query:
        rows = contacts.by_reason(whole, now=now)[1]
    code = settings.WISMO_REASON
    row = next((each for each in rows if each.code == code), None)
    compared = [] if period.compare is Compare.NONE else [whole.before()]
    shipped, *shipped_before = _shipped(whole, *compared)
    spread = spreads.known(period.window).count
    here = PerUnit(row.now if row else 0, shipped, spread)
    name = row.name if row else contacts.name_of(code)
    if not shipped_before:
        return Wismo(code, name, here, None, None)
    then = PerUnit(row.before if row else 0, shipped_before[0], spread)
    change = counts.change(here.hits, then.hits, of_now=here.of, of_before=then.of, spread=spread)
    return Wismo(code, name, here, then, change)


def _shipped(*periods: Period) -> list[int]:
    """Of each, orders of which a parcel was handed over in it. One query each, of an index alone."""
    with transaction.atomic():
        streams.more_memory()
        return [_shipped_in(period) for period in periods]


def _shipped_in(period: Period) -> int:
    parcels = Shipment.objects.filter(handed_over_at__gte=period.start, handed_over_at__lt=period.end)
    # Sorted, since they come nearly so: half the time of a hash of them.
    shipped: int = parcels.aggregate(orders=Count("order", distinct=True))["orders"]
    return shipped

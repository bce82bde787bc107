"""All that delays.py wants to know of many parcels, in a few queries: what their scans, carriers and lanes say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from notifications import delays, gaps, tracking
from notifications.delays import DelayKind, ParcelFacts
from notifications.models import ExpectedDate, Forecast, Shipment, ShipmentState, TrackingEvent, TroubleReason

_SPELLS = {
    ShipmentState.EXCEPTION: DelayKind.CARRIER_EXCEPTION,
    ShipmentState.AVAILABLE_FOR_PICKUP: DelayKind.HELD_FOR_PICKUP,
    ShipmentState.RETURNED: DelayKind.RETURNED,
}
_OVER = (ShipmentState.DELIVERED, ShipmentState.RETURNED)
# Where a customer, or we, must do something before the parcel can go on.
_URGENT = (TroubleReason.ADDRESS, TroubleReason.CUSTOMS, TroubleReason.DAMAGED)


def facts_of(shipment: Shipment) -> ParcelFacts:
    """One shipment (with its order)."""
    return facts_of_many([shipment])[shipment.pk]


def facts_of_many(shipments: Sequence[Shipment]) -> dict[int, ParcelFacts]:
    """By shipment's id. At most four queries; the shipments need their orders at hand."""
    found = {shipment.pk: tracking.facts_of(shipment) for shipment in shipments}
    spells = [one for one in shipments if one.state in _SPELLS]
    for shipment_id, spell in _spells(spells).items():
        found[shipment_id] = replace(found[shipment_id], **spell)
    usual = gaps.usual([one for one in shipments if one.state not in _OVER and one.last_event_at])
    for shipment_id, gap in usual.items():
        found[shipment_id] = replace(found[shipment_id], usual_gap=gap)
    late = [one for one in shipments if _is_expected_late(one)]
    for shipment_id, since in _expected_late(late).items():
        found[shipment_id] = replace(found[shipment_id], expected_late_since=since)
    asked = [one.pk for one in shipments if one.state not in _OVER and one.expected_by is None]
    for shipment_id, late_since in Forecast.objects.filter(
        shipment__any_of=asked, late_since__isnull=False
    ).values_list("shipment_id", "late_since"):
        found[shipment_id] = replace(found[shipment_id], forecast_late_since=late_since)
    return found


def _spells(shipments: Sequence[Shipment]) -> dict[int, dict[str, Any]]:
    """Since when these have been in a state of trouble, as fields of ParcelFacts."""
    if not shipments:
        return {}
    scans: dict[int, list[tuple[datetime, str, str]]] = defaultdict(list)
    for shipment_id, at, state, reason in (
        TrackingEvent.objects.filter(shipment__in=shipments, is_dated=True)
        .exclude(state="")
        .order_by("at", "pk")
        .values_list("shipment_id", "at", "state", "reason")
    ):
        scans[shipment_id].append((at, state, reason))
    found: dict[int, dict[str, Any]] = {}
    for shipment in shipments:
        known = scans[shipment.pk]
        kind = _SPELLS[ShipmentState(shipment.state)]
        # A scan of a lower rank never moves a parcel back, so it does not end a spell either.
        moments = [(at, state == shipment.state) for at, state, _ in known if _counts(state, shipment.state)]
        since = delays.spell_start(moments, within=delays.SAME_WITHIN[kind])
        reasons = [(at, reason) for at, state, reason in known if state == shipment.state]
        last = max(reasons, default=(None, ""))[1]
        if kind is DelayKind.CARRIER_EXCEPTION:
            is_lost = last == TroubleReason.LOST
            found[shipment.pk] = {
                "exception_since": since,
                "is_urgent_exception": last in _URGENT,
                "lost_since": since if is_lost else None,
            }
        else:
            found[shipment.pk] = {"held_since" if kind is DelayKind.HELD_FOR_PICKUP else "returned_at": since}
    return found


def _counts(state: str, current: str) -> bool:
    return state == current or tracking.RANK[state] >= tracking.RANK[current]


def _is_expected_late(shipment: Shipment) -> bool:
    promise = shipment.order.promised_deliver_by
    return (
        shipment.state not in _OVER
        and shipment.expected_by is not None
        and promise is not None
        and shipment.expected_by > promise
    )


def _expected_late(shipments: Sequence[Shipment]) -> dict[int, datetime]:
    """Since when the carrier's day has been after the promise, without a word in time since."""
    if not shipments:
        return {}
    promises = {one.pk: one.order.promised_deliver_by for one in shipments}
    words: dict[int, list[tuple[datetime, bool]]] = defaultdict(list)
    for shipment_id, said_at, by in ExpectedDate.objects.filter(shipment__in=shipments).values_list(
        "shipment_id", "said_at", "expected_by"
    ):
        promise = promises[shipment_id]
        words[shipment_id].append((said_at, promise is not None and by > promise))
    since = {pk: delays.spell_start(said, within=timedelta(0)) for pk, said in words.items()}
    return {pk: moment for pk, moment in since.items() if moment is not None}

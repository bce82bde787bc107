"""Carriers' facts about parcels: taken in once each, and what follows from them, in whatever order they arrive."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection, transaction

from notifications import delays
from notifications.models import Episode, Order, Shipment, ShipmentState, TrackingEvent

# How far a parcel has come. A scan of a lower rank never moves a parcel back; among scans of one rank the latest
# counts, so that a failed attempt can be followed by a new one. RETURNED is above DELIVERED because carriers report
# a parcel that came back to the sender as "delivered" too.
RANK: dict[str, int] = {
    ShipmentState.CREATED: 0,
    ShipmentState.HANDED_OVER: 1,
    ShipmentState.IN_TRANSIT: 2,
    ShipmentState.EXCEPTION: 2,
    ShipmentState.OUT_FOR_DELIVERY: 2,
    ShipmentState.ATTEMPT_FAILED: 2,
    ShipmentState.AVAILABLE_FOR_PICKUP: 3,
    ShipmentState.DELIVERED: 4,
    ShipmentState.RETURNED: 5,
}


@dataclass(frozen=True)
class Scan:
    """One fact about one parcel. `state` is empty where the carrier's word is unknown to us (`raw_status` keeps it).

    `is_dated` is False where the source says that it happened and not when; `at` is then the latest it can have been.
    """

    state: str
    at: datetime
    raw_status: str = ""
    text: str = ""
    place: str = ""
    is_dated: bool = True
    oddity: str = ""  # what its source finds odd about it

    @property
    def fingerprint(self) -> str:
        said = "\x1f".join((self.state, self.raw_status, self.at.astimezone(UTC).isoformat(), self.place, self.text))
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True)
class Progress:
    """What a parcel's scans amount to."""

    state: str
    handed_over_at: datetime | None
    delivered_at: datetime | None
    last_event_at: datetime | None


class Known(NamedTuple):
    """What derive() needs of a scan."""

    state: str
    at: datetime
    is_dated: bool


def derive(scans: Iterable[Known]) -> Progress:
    """The parcel's progress from all its scans: the same for every order in which they arrived."""
    known = [scan for scan in scans if scan.state]
    # The state's name decides between two scans of one rank at one moment; any fixed choice will do.
    best = max(known, key=lambda scan: (RANK[scan.state], scan.at, scan.state), default=None)
    return Progress(
        state=ShipmentState.CREATED if best is None else best.state,
        handed_over_at=min((scan.at for scan in known if RANK[scan.state] >= 1 and scan.is_dated), default=None),
        delivered_at=min(
            (scan.at for scan in known if scan.state == ShipmentState.DELIVERED and scan.is_dated), default=None
        ),
        last_event_at=max((scan.at for scan in known if scan.is_dated), default=None),
    )


def oddity_of(scan: Scan, *, placed_at: datetime, now: datetime) -> str:
    """What is odd about a scan, in plain words; empty where nothing is. An odd scan is taken in all the same."""
    if not scan.is_dated:
        return f"{scan.state}, but the source gives no date"
    if scan.at < placed_at:
        return "before the order was placed"
    if scan.at > now:
        return "in the future"
    return scan.oddity


def facts_of(shipment: Shipment) -> delays.ParcelFacts:
    """A shipment (with its order) as delays.py wants it."""
    order = shipment.order
    return _facts(shipment.state, order.promised_ship_by, order.promised_deliver_by, order.cancelled_at)


def record(shipment: Shipment, scan: Scan, *, now: datetime) -> bool:
    """Take in one fact about a parcel. False if it was known. `shipment` is not refreshed."""
    return record_many({shipment.pk: [scan]}, now=now) == 1


def record_many(scans: Mapping[int, Sequence[Scan]], *, now: datetime) -> int:
    """Take in facts about many parcels, by shipment id, in a fixed number of queries. Returns how many were new.

    Moves each touched shipment on by rank and sets when the sweep must look at it.
    """
    if not scans:
        return 0
    with transaction.atomic():
        parcels = _lock(scans)
        heard: dict[int, list[Known]] = defaultdict(list)
        seen: set[tuple[int, str]] = set()
        for shipment_id, fingerprint, state, at, is_dated in (
            TrackingEvent.objects.filter(shipment__in=list(scans))
            .order_by()
            .values_list("shipment_id", "fingerprint", "state", "at", "is_dated")
        ):
            heard[shipment_id].append(Known(state, at, is_dated))
            seen.add((shipment_id, fingerprint))
        new: list[tuple[_Parcel, Scan]] = []
        for parcel in parcels:
            for scan in scans[parcel.id]:
                if (key := (parcel.id, scan.fingerprint)) not in seen:
                    seen.add(key)
                    heard[parcel.id].append(Known(scan.state, scan.at, scan.is_dated))
                    new.append((parcel, scan))
        _insert(new, now=now)
        touched = list({parcel.id: parcel for parcel, _ in new}.values())
        for parcel in touched:
            parcel.progress = derive(heard[parcel.id])
        _write(touched, now=now)
        return len(new)


def recheck(shipment_ids: Iterable[int], *, now: datetime) -> None:
    """Set when the sweep must look at these shipments, after a promise or a cancellation changed."""
    with transaction.atomic():
        _write(_lock(shipment_ids), now=now)


def first_check(
    promised_ship_by: datetime | None, promised_deliver_by: datetime | None, *, now: datetime
) -> datetime | None:
    """When the sweep must look at a parcel of which nothing is known but the promises."""
    return _due(_facts(ShipmentState.CREATED, promised_ship_by, promised_deliver_by, None), now=now)


@dataclass
class _Parcel:
    """A shipment's row, locked, with what its order promised. Not a model: imports pass tens of thousands."""

    id: int
    progress: Progress
    placed_at: datetime
    promised_ship_by: datetime | None
    promised_deliver_by: datetime | None
    cancelled_at: datetime | None


def _lock(shipment_ids: Iterable[int]) -> list[_Parcel]:
    # By id, so that two writers never wait for each other in a circle.
    locked = list(
        Shipment.objects.select_for_update()
        .filter(pk__in=list(shipment_ids))
        .order_by("pk")
        .values_list("pk", "order_id", "state", "handed_over_at", "delivered_at", "last_event_at")
    )
    # Not joined: on tables that have just grown from nothing the planner takes the join for a small one.
    orders = Order.objects.only("placed_at", "promised_ship_by", "promised_deliver_by", "cancelled_at").in_bulk(
        {row[1] for row in locked}
    )
    return [
        _Parcel(
            pk,
            Progress(state, handed_over_at, delivered_at, last_event_at),
            placed_at=orders[order_id].placed_at,
            promised_ship_by=orders[order_id].promised_ship_by,
            promised_deliver_by=orders[order_id].promised_deliver_by,
            cancelled_at=orders[order_id].cancelled_at,
        )
        for pk, order_id, state, handed_over_at, delivered_at, last_event_at in locked
    ]


def _facts(
    state: str, ship_by: datetime | None, deliver_by: datetime | None, cancelled_at: datetime | None
) -> delays.ParcelFacts:
    return delays.ParcelFacts(
        promised_ship_by=ship_by,
        promised_deliver_by=deliver_by,
        is_handed_over=RANK[state] >= 1,
        is_delivered=state == ShipmentState.DELIVERED,
        is_ready_to_collect=state == ShipmentState.AVAILABLE_FOR_PICKUP,
        is_returned=state == ShipmentState.RETURNED,
        is_cancelled=cancelled_at is not None,
    )


def _due(facts: delays.ParcelFacts, *, now: datetime) -> datetime | None:
    return now if delays.find_delays(facts, now=now) else delays.next_check(facts, now=now)


def _insert(new: Sequence[tuple[_Parcel, Scan]], *, now: datetime) -> None:
    if not new:
        return
    rows = [
        {
            "shipment_id": parcel.id,
            "fingerprint": scan.fingerprint,
            "state": scan.state,
            "raw_status": scan.raw_status,
            "at": scan.at,
            "is_dated": scan.is_dated,
            "recorded_at": now,
            "text": scan.text,
            "place": scan.place,
            "oddity": oddity_of(scan, placed_at=parcel.placed_at, now=now),
        }
        for parcel, scan in new
    ]
    _execute(
        """
        INSERT INTO notifications_trackingevent
            (shipment_id, fingerprint, state, raw_status, at, is_dated, recorded_at, text, place, oddity)
        SELECT * FROM jsonb_to_recordset(%s::jsonb) AS n (
            shipment_id bigint, fingerprint text, state text, raw_status text, at timestamptz, is_dated boolean,
            recorded_at timestamptz, text text, place text, oddity text)
        ON CONFLICT DO NOTHING
        """,
        rows,
    )


def _write(parcels: Sequence[_Parcel], *, now: datetime) -> None:
    """Store progress and check_at of many shipments in one statement (bulk_update needs a CASE per row and field)."""
    if not parcels:
        return
    # With an open episode the sweep must look at once: the news may be its end.
    in_trouble = set(
        Episode.objects.filter(shipment__in=[parcel.id for parcel in parcels], closed_at=None).values_list(
            "shipment_id", flat=True
        )
    )
    rows = []
    for parcel in parcels:
        progress = parcel.progress
        facts = _facts(progress.state, parcel.promised_ship_by, parcel.promised_deliver_by, parcel.cancelled_at)
        rows.append(
            {
                "id": parcel.id,
                "state": progress.state,
                "handed_over_at": progress.handed_over_at,
                "delivered_at": progress.delivered_at,
                "last_event_at": progress.last_event_at,
                "check_at": now if parcel.id in in_trouble else _due(facts, now=now),
            }
        )
    _execute(
        """
        UPDATE notifications_shipment AS s
        SET state = n.state, handed_over_at = n.handed_over_at, delivered_at = n.delivered_at,
            last_event_at = n.last_event_at, check_at = n.check_at
        FROM jsonb_to_recordset(%s::jsonb) AS n (
            id bigint, state text, handed_over_at timestamptz, delivered_at timestamptz,
            last_event_at timestamptz, check_at timestamptz)
        WHERE s.id = n.id
        """,
        rows,
    )


def _execute(statement: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Run a statement over many rows given as one JSON text: arrays cost psycopg ten times as long to write."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(rows, default=datetime.isoformat)])

"""Carriers' facts about parcels: taken in once each, and what follows from them, in whatever order they arrive."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction

from notifications import delays, occasions
from notifications.models import MILESTONES, Shipment, ShipmentState

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
    reason: str = ""  # a TroubleReason
    is_present: bool = False  # what the source says of the parcel as it is now, told again with every change of it

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
    order, state = shipment.order, shipment.state
    return delays.ParcelFacts(
        promised_ship_by=order.promised_ship_by,
        promised_deliver_by=order.promised_deliver_by,
        is_handed_over=RANK[state] >= 1,
        is_delivered=state == ShipmentState.DELIVERED,
        is_ready_to_collect=state == ShipmentState.AVAILABLE_FOR_PICKUP,
        is_returned=state == ShipmentState.RETURNED,
        is_cancelled=order.cancelled_at is not None,
        last_news_at=shipment.last_event_at,
        expected_by=shipment.expected_by,
    )


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
        parcels = {parcel.id: parcel for parcel in _lock(scans)}
        told = {
            (pk, scan.fingerprint): scan for pk in parcels for scan in reversed(scans[pk])
        }  # the first of those with one fingerprint
        new = _insert({key: (parcels[key[0]], scan) for key, scan in told.items()}, now=now)
        heard: dict[int, list[Known]] = defaultdict(list)
        for key in new:
            scan = told[key]
            heard[key[0]].append(Known(scan.state, scan.at, scan.is_dated))
        # The row holds what its earlier scans amount to, but for the moment of the one that decided the state.
        tied = [
            pk
            for pk, own in heard.items()
            if any(RANK.get(one.state) == RANK[parcels[pk].progress.state] for one in own)
        ]
        decided = _decided_at(tied)
        moved = set()
        for pk, own in heard.items():
            before, parcels[pk].progress = parcels[pk].progress, _further(parcels[pk].progress, decided.get(pk), own)
            if before.state != parcels[pk].progress.state:
                moved.add(pk)
        _write([parcels[pk] for pk in heard], now=now, moved=moved)
        return len(new)


def _decided_at(shipment_ids: Sequence[int]) -> dict[int, datetime]:
    """When each shipment's present state was last said."""
    if not shipment_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.id, extract(epoch FROM (
                SELECT max(e.at) FROM notifications_trackingevent e WHERE e.shipment_id = s.id AND e.state = s.state
            ))::float8
            FROM notifications_shipment s WHERE s.id = ANY(%s)
            """,
            [list(shipment_ids)],
        )
        return {pk: datetime.fromtimestamp(at, UTC) for pk, at in cursor.fetchall() if at is not None}


def _further(before: Progress, decided_at: datetime | None, heard: Sequence[Known]) -> Progress:
    """derive() of all scans, from what the earlier ones amount to and the new ones."""
    after = derive(heard)
    state = before.state
    if RANK[after.state] > RANK[state]:
        state = after.state
    elif RANK[after.state] == RANK[state] and decided_at is not None:
        same = [Known(before.state, decided_at, True), *heard]
        state = derive(same).state
    return Progress(
        state=state,
        handed_over_at=_first(before.handed_over_at, after.handed_over_at),
        delivered_at=_first(before.delivered_at, after.delivered_at),
        last_event_at=max(filter(None, (before.last_event_at, after.last_event_at)), default=None),
    )


def _first(*moments: datetime | None) -> datetime | None:
    return min(filter(None, moments), default=None)


def recheck(shipment_ids: Iterable[int], *, now: datetime) -> None:
    """Set when the sweep must look at these shipments, after a promise or a cancellation changed."""
    with transaction.atomic():
        _write(_lock(shipment_ids), now=now)


def first_check(
    promised_ship_by: datetime | None, promised_deliver_by: datetime | None, *, now: datetime
) -> datetime | None:
    """When the sweep must look at a parcel of which nothing is known but the promises."""
    return _due(ShipmentState.CREATED, promised_ship_by, promised_deliver_by, now=now)


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
    # Moments as seconds: psycopg takes ten times as long to read a timestamptz, and a batch has tens of thousands.
    with connection.cursor() as cursor:
        # By id, so that two writers never wait for each other in a circle.
        cursor.execute(
            """
            SELECT id, order_id, state, extract(epoch FROM handed_over_at)::float8,
                extract(epoch FROM delivered_at)::float8, extract(epoch FROM last_event_at)::float8
            FROM notifications_shipment WHERE id = ANY(%s) ORDER BY id FOR UPDATE
            """,
            [list(shipment_ids)],
        )
        locked = cursor.fetchall()
        # Not joined: on tables that have just grown from nothing the planner takes the join for a small one.
        cursor.execute(
            """
            SELECT id, extract(epoch FROM placed_at)::float8, extract(epoch FROM promised_ship_by)::float8,
                extract(epoch FROM promised_deliver_by)::float8, extract(epoch FROM cancelled_at)::float8
            FROM notifications_order WHERE id = ANY(%s)
            """,
            [list({row[1] for row in locked})],
        )
        orders = {row[0]: row[1:] for row in cursor.fetchall()}
    parcels = []
    for pk, order_id, state, *moments in locked:
        placed_at, ship_by, deliver_by, cancelled_at = map(_moment, orders[order_id])
        assert placed_at is not None  # noqa: S101 - the column is never null
        parcels.append(
            _Parcel(pk, Progress(state, *map(_moment, moments)), placed_at, ship_by, deliver_by, cancelled_at)
        )
    return parcels


def _moment(seconds: float | None) -> datetime | None:
    """Exact to the microsecond until the year 2255."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


# The sweep looks that long after a scan whether silence is unusual on this lane, and sets the exact moment.
_FIRST_LOOK = timedelta(days=2)
# Troubles of their own: since when, only all the parcel's scans tell, and the sweep reads them.
_TROUBLED = (ShipmentState.EXCEPTION, ShipmentState.AVAILABLE_FOR_PICKUP, ShipmentState.RETURNED)


def _due(
    state: str,
    ship_by: datetime | None,
    deliver_by: datetime | None,
    *,
    now: datetime,
    last_event_at: datetime | None = None,
) -> datetime | None:
    """When the sweep must look at a parcel of an order that is not cancelled; None where nothing can go wrong."""
    if state in _TROUBLED:
        return now
    if state == ShipmentState.DELIVERED:
        return None
    is_handed_over = RANK[state] >= 1
    breaks = delays.promise_breaks(ship_by, deliver_by, is_handed_over=is_handed_over)
    if breaks is not None and breaks <= now:
        return now
    if last_event_at is None or not is_handed_over:
        return breaks
    look = max(now, last_event_at + _FIRST_LOOK)
    return look if breaks is None else min(look, breaks)


def _insert(told: Mapping[tuple[int, str], tuple[_Parcel, Scan]], *, now: datetime) -> list[tuple[int, str]]:
    """Store scans by (shipment id, fingerprint). Returns those that were new."""
    if not told:
        return []
    recorded_at = now.isoformat()
    rows = [
        {
            "shipment_id": parcel.id,
            "fingerprint": fingerprint,
            "state": scan.state,
            "raw_status": scan.raw_status,
            "at": scan.at.isoformat(),
            "is_dated": scan.is_dated,
            "recorded_at": recorded_at,
            "reason": scan.reason,
            "text": scan.text,
            "place": scan.place,
            "oddity": oddity_of(scan, placed_at=parcel.placed_at, now=now),
        }
        for (_, fingerprint), (parcel, scan) in told.items()
    ]
    return _execute(
        """
        INSERT INTO notifications_trackingevent
            (shipment_id, fingerprint, state, raw_status, at, is_dated, recorded_at, reason, text, place, oddity)
        SELECT * FROM jsonb_to_recordset(%s::jsonb) AS n (
            shipment_id bigint, fingerprint text, state text, raw_status text, at timestamptz, is_dated boolean,
            recorded_at timestamptz, reason text, text text, place text, oddity text)
        ON CONFLICT DO NOTHING RETURNING shipment_id, fingerprint
        """,
        rows,
    )


def _write(parcels: Sequence[_Parcel], *, now: datetime, moved: Collection[int] = ()) -> None:
    """Store progress and check_at of many shipments in one statement (bulk_update needs a CASE per row and field).

    `moved`: those whose state has changed.
    """
    if not parcels:
        return
    # With an open episode the sweep must look at once: the news may be its end. After one that is over, a new state may
    # mean that what we wrote was wrong.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT shipment_id, bool_or(closed_at IS NULL) FROM notifications_episode
            WHERE shipment_id = ANY(%s) GROUP BY shipment_id
            """,
            [[parcel.id for parcel in parcels]],
        )
        at_once = {pk for pk, is_open in cursor.fetchall() if is_open or pk in moved}
    if moved and occasions.wanted(MILESTONES):
        at_once |= set(moved)
    rows = []
    for parcel in parcels:
        progress = parcel.progress
        if parcel.id in at_once:
            check_at: datetime | None = now
        elif parcel.cancelled_at is not None:
            check_at = None
        else:
            check_at = _due(
                progress.state,
                parcel.promised_ship_by,
                parcel.promised_deliver_by,
                now=now,
                last_event_at=progress.last_event_at,
            )
        rows.append(
            {
                "id": parcel.id,
                "state": progress.state,
                "handed_over_at": progress.handed_over_at,
                "delivered_at": progress.delivered_at,
                "last_event_at": progress.last_event_at,
                "check_at": check_at,
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


def _execute(statement: str, rows: Sequence[Mapping[str, object]]) -> list[tuple[Any, ...]]:
    """Run a statement over many rows given as one JSON text: arrays cost psycopg ten times as long to write."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(rows, default=datetime.isoformat)])
        return cursor.fetchall() if cursor.description else []

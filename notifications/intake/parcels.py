"""Parcels of orders, and what carriers say about them, found by number or by despatch whoever tells."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Q

from notifications import tracking
from notifications.intake import numbers, writing
from notifications.intake.facts import Expected, Fact, Packed, Scanned, Withdrawn
from notifications.models import ExpectedDate, Order, OrderLine, Shipment, ShipmentLine, ShipmentState, TrackingEvent

_SHOPS_WORD = Q(state=ShipmentState.HANDED_OVER, raw_status="")
_OVER = (ShipmentState.DELIVERED, ShipmentState.RETURNED)


def store(facts: Sequence[Packed], left: list[Fact], *, source: str, now: datetime) -> tuple[int, int]:
    """How many parcels were new, and of how many the number was corrected.

    What is in a known one, once said, stands. `left` gets those of unknown orders.
    """
    orders = list(
        Order.objects.filter(source=source, external_id__in={fact.order_id for fact in facts})
        .select_for_update()
        .order_by("pk")
    )
    by_id = {order.external_id: order for order in orders}
    # A parcel whose order was refused has nothing to hang on; the refusal was told already.
    left += [fact for fact in facts if fact.order_id not in by_id]
    facts = [fact for fact in facts if fact.order_id in by_id]
    known = numbers.Numbers(orders)
    new: list[Shipment] = []
    come: list[Shipment] = []
    sent: list[Shipment] = []
    for fact in sorted(facts, key=lambda one: one.as_of or now):
        order, said_at = by_id[fact.order_id], fact.as_of or now
        if (parcel := known.find(order, fact, said_at=said_at)) is None:
            if (parcel := known.take_awaited(order)) is not None:
                parcel.carrier, parcel.tracking_no = fact.carrier, fact.tracking_no
                parcel.despatch_id = fact.despatch_id
                come.append(parcel)
            else:
                check_at = tracking.first_check(order.promised_ship_by, order.promised_deliver_by, now=now)
                parcel = Shipment(
                    order=order, carrier=fact.carrier, tracking_no=fact.tracking_no, check_at=check_at, despatch_id=""
                )
                new.append(parcel)
            known.add(order, fact, parcel, said_at=said_at)
        if fact.despatch_id and not parcel.despatch_id:
            parcel.despatch_id = fact.despatch_id
            sent.append(parcel)
    Shipment.objects.bulk_update(come, ["carrier", "tracking_no", "despatch_id", "numbered_as_of"])
    # As with orders: a number that is another order's parcel is a fault, and the fact stays out.
    Shipment.objects.bulk_create(new)
    Shipment.objects.bulk_update([parcel for parcel in sent if parcel not in new], ["despatch_id"])
    corrected = known.save()
    _fill(facts, by_id, known)
    return len(new) + len(come), corrected


def _fill(facts: Sequence[Packed], by_id: dict[str, Order], known: numbers.Numbers) -> None:
    """What is in each parcel."""
    rows = OrderLine.objects.filter(order__in=by_id.values())
    by_place = {(line.order_id, line.position): line for line in rows}
    by_line_id = {(line.order_id, line.external_id): line for line in rows if line.external_id}
    contents = []
    for fact in facts:
        order = by_id[fact.order_id]
        found = [(by_place.get((order.pk, place)), quantity) for place, quantity in fact.pieces]
        found += [(by_line_id.get((order.pk, line_id)), quantity) for line_id, quantity in fact.lines]
        contents += [
            ShipmentLine(shipment=known.get(order, fact), line=line, quantity=quantity)
            for line, quantity in found
            if line is not None and known.get(order, fact).tracking_no  # else it was called off since
        ]
    ShipmentLine.objects.bulk_create(contents, ignore_conflicts=True)


def withdraw(facts: Sequence[Withdrawn], *, source: str, now: datetime) -> int:
    """Let orders wait again whose despatch was called off before a carrier had it. Returns how many.

    That one without a number was sent (storing.Scanned without words of a carrier) was the shop's own word, and it
    takes it back.

    Unknown despatches are none of ours: sources name those that are off with every change of their order.
    """
    off = {(fact.order_id, fact.despatch_id): fact.at for fact in facts}
    parcels = (
        Shipment.objects.filter(
            order__source=source,
            order__external_id__in={order_id for order_id, _ in off},
            despatch_id__in={despatch for _, despatch in off},
            state__in=(ShipmentState.CREATED, ShipmentState.HANDED_OVER),
        )
        .exclude(tracking_no="")
        .select_related("order")
        .select_for_update(of=("self", "order"))
        .order_by("pk")
    )
    count = 0
    for parcel in parcels:
        at = off.get((parcel.order.external_id, parcel.despatch_id))
        if at is None or (parcel.numbered_as_of is not None and at < parcel.numbered_as_of):
            continue
        if parcel.state == ShipmentState.HANDED_OVER and parcel.events.exclude(_SHOPS_WORD).exists():
            continue
        if parcel.order.shipments.filter(tracking_no="").exists():
            if not parcel.episodes.exists():  # what was said about it stays
                parcel.delete()
            continue
        if parcel.state == ShipmentState.HANDED_OVER:
            parcel.events.all().delete()
            parcel.state, parcel.handed_over_at, parcel.last_event_at = ShipmentState.CREATED, None, None
            parcel.save(update_fields=["state", "handed_over_at", "last_event_at"])
        numbers.withdraw(parcel, at=at)
        tracking.recheck([parcel.pk], now=now)
        count += 1
    return count


def hear(facts: Sequence[Scanned | Expected], left: list[Fact], *, source: str, now: datetime) -> tuple[int, int]:
    """Take in what carriers say. Returns how many scans, and how many days named, were new.

    `left` gets what is about unknown parcels.
    """
    if not facts:
        return 0, 0
    found, once = _find(facts, source=source)
    scans: dict[int, list[tracking.Scan]] = defaultdict(list)
    days: dict[int, list[Expected]] = defaultdict(list)
    for fact in facts:
        ids = found[_key(fact)]
        if not ids:
            ids = _once(once.get(fact.tracking_no, []), fact)
            if ids and isinstance(fact, Scanned) and _is_shops_word(fact.scan) and _is_waiting(ids):
                continue  # it has taken that back
        if not ids:
            left.append(fact)
        for pk in ids:
            if isinstance(fact, Scanned):
                scans[pk].append(fact.scan)
            else:
                days[pk].append(fact)
    return tracking.record_many(_news(scans), now=now), _expect(days, now=now)


def _is_shops_word(scan: tracking.Scan) -> bool:
    return scan.state == ShipmentState.HANDED_OVER and not scan.raw_status


def _is_waiting(ids: Sequence[int]) -> bool:
    return Shipment.objects.filter(pk__in=ids, tracking_no="").exists()


def _news(scans: Mapping[int, list[tracking.Scan]]) -> Mapping[int, list[tracking.Scan]]:
    """Without the present states (Scan.is_present) that tell nothing new: sources repeat them with every change."""
    present = [pk for pk, own in scans.items() if any(scan.is_present for scan in own)]
    if not present:
        return scans
    states = dict(Shipment.objects.filter(pk__in=present).values_list("pk", "state"))
    unknown = TrackingEvent.objects.filter(shipment__in=present, state="").order_by()
    words = set(unknown.values_list("shipment", "raw_status"))
    news: dict[int, list[tracking.Scan]] = {pk: own for pk, own in scans.items() if pk not in states}
    for pk, state in states.items():
        told = []
        for scan in sorted(scans[pk], key=lambda one: (one.at, one.is_present)):
            rank = tracking.RANK.get(scan.state, -1)
            is_known = (
                scan.state == state or rank < tracking.RANK[state] if scan.state else (pk, scan.raw_status) in words
            )
            if scan.is_present and is_known:
                continue
            told.append(scan)
            words.add((pk, scan.raw_status))
            if rank >= tracking.RANK[state]:
                state = scan.state
        if told:
            news[pk] = told
    return news


def _once(parcels: Sequence[numbers.Once], fact: Scanned | Expected) -> list[int]:
    """Of the parcels that went by the fact's number the one that did so then."""
    at = fact.scan.at if isinstance(fact, Scanned) else fact.at
    return _which([(one.carrier, one.shipment_id) for one in parcels if at <= one.until], fact.carrier)


def _key(fact: Scanned | Expected) -> tuple[str, str, str]:
    return fact.carrier, fact.tracking_no, "" if fact.tracking_no else fact.despatch_id


def _find(
    facts: Iterable[Scanned | Expected], *, source: str
) -> tuple[dict[tuple[str, str, str], list[int]], dict[str, list[numbers.Once]]]:
    """The ids of the parcels that facts are about, by _key(); none where it is unknown, or cannot be told which.
    And by numbers that no parcel has, those that had them.
    """
    keys = {_key(fact) for fact in facts}
    wanted = {number for _, number, _ in keys} - {""}
    despatches = {despatch for _, _, despatch in keys} - {""}
    by_number: dict[str, list[tuple[str, int]]] = defaultdict(list)
    by_despatch: dict[str, list[int]] = defaultdict(list)
    if wanted:
        # Django's own "in" takes longer to write thousands of numbers than the database to find them.
        rows = Shipment.objects.extra(where=["tracking_no = ANY(%s)"], params=[list(wanted)]).values_list(
            "tracking_no", "carrier", "pk"
        )
        for number, carrier, pk in rows:
            by_number[number].append((carrier, pk))
    if despatches:
        own = Q(despatch_id__in=despatches, order__source=source)
        for despatch, pk in Shipment.objects.filter(own).exclude(despatch_id="").values_list("despatch_id", "pk"):
            by_despatch[despatch].append(pk)
    unknown = wanted - by_number.keys()
    found = {
        key: by_despatch[despatch] if despatch else _which(by_number[number], carrier)
        for key in keys
        for carrier, number, despatch in (key,)
    }
    return found, numbers.former(unknown) if unknown else {}


def _which(parcels: Sequence[tuple[str, int]], carrier: str) -> list[int]:
    """Of the parcels with one number the one meant. Two carriers may have given the same."""
    if len(parcels) > 1:
        parcels = [one for one in parcels if one[0] == carrier] or [one for one in parcels if _alike(one[0], carrier)]
    return [parcels[0][1]] if len(parcels) == 1 else []


def _alike(one: str, other: str) -> bool:
    """Whether two names are of one carrier: "DHL Express" and "dhl-express", "UPS" and "ups-mi"."""
    first, second = ("".join(filter(str.isalnum, name.lower())) for name in (one, other))
    return bool(first and second) and (first.startswith(second) or second.startswith(first))


def _expect(days: dict[int, list[Expected]], *, now: datetime) -> int:
    """Keep the days that carriers named, and let the sweep look at parcels whose day is another. How many were new."""
    if not days:
        return 0
    parcels = list(
        Shipment.objects.filter(pk__in=days)
        .select_for_update()
        .order_by("pk")
        .values_list("pk", "state", "expected_by")
    )
    history: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for pk, said_at, by in (
        ExpectedDate.objects.filter(shipment__in=list(days))
        .order_by()
        .values_list("shipment_id", "said_at", "expected_by")
    ):
        history[pk].append((said_at, by))
    new: list[dict[str, object]] = []
    moved: list[dict[str, object]] = []
    for parcel_id, state, expected_by in parcels:
        told = history[parcel_id]
        for fact in sorted(days[parcel_id], key=lambda one: one.at):
            last = max((one for one in told if one[0] <= fact.at), default=None)
            # Carriers repeat the day with every scan: only another one is news.
            if last is None or last[1] != fact.by:
                told.append((fact.at, fact.by))
                new.append(
                    {
                        "shipment_id": parcel_id,
                        "said_at": fact.at.isoformat(),
                        "expected_by": fact.by.isoformat(),
                        "recorded_at": now.isoformat(),
                    }
                )
        latest = max(told)[1]
        if latest != expected_by:
            moved.append({"id": parcel_id, "by": latest.isoformat(), "look": state not in _OVER})
    writing.insert(ExpectedDate, new, ignore_conflicts=True)
    if moved:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, [now, json.dumps(moved)])
    return len(new)


_MOVE = """
    UPDATE notifications_shipment AS s
    SET expected_by = n.by, check_at = CASE WHEN n.look THEN %s ELSE s.check_at END
    FROM jsonb_to_recordset(%s::jsonb) AS n (id bigint, by timestamptz, look boolean)
    WHERE s.id = n.id
"""

"""Facts of any source into rows: many at once, each once, an order whole or not at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DataError, IntegrityError, transaction

from core.people import normalise_email, person_key
from notifications import tracking
from notifications.intake import parcels, parking, updating, writing
from notifications.intake.facts import (
    Cancelled,
    CustomerFact,
    Expected,
    Fact,
    Packed,
    Placed,
    Promised,
    Scanned,
    Withdrawn,
    in_time_order,
)
from notifications.models import Customer, Order, OrderLine, Shipment, ShipmentState

BATCH = 1000  # facts in one transaction


@dataclass
class Stored:
    """What storing changed. Facts that were known already count nowhere."""

    customers: int = 0
    orders: int = 0
    changed: int = 0  # known orders that something was new about
    parcels: int = 0  # further ones of an order
    scans: int = 0
    expected: int = 0  # days that carriers named
    cancellations: int = 0
    refused: list[str] = field(default_factory=list)  # sentences
    refused_orders: dict[str, str] = field(default_factory=dict)  # order id → the same
    left: list[Fact] = field(default_factory=list)  # about orders and parcels that are not known

    def __iadd__(self, other: Stored) -> Stored:
        self.customers += other.customers
        self.orders += other.orders
        self.changed += other.changed
        self.parcels += other.parcels
        self.scans += other.scans
        self.expected += other.expected
        self.cancellations += other.cancellations
        self.refused += other.refused
        self.refused_orders |= other.refused_orders
        self.left += other.left
        return self


def in_batches(facts: Sequence[Fact], size: int = BATCH) -> Iterator[Sequence[Fact]]:
    """Slices of about `size` facts that keep their order."""
    for start in range(0, len(facts), size):
        yield facts[start : start + size]


def store(facts: Sequence[Fact], *, source: str, now: datetime, park: bool = False) -> Stored:
    """Take in facts, in one transaction. `facts` must be in time order (an order before what befell it).

    What the database cannot take is narrowed down to the one order, which is left out whole and told in `refused`.
    `park`: keep what is about unknown orders and parcels until they come; without it that is told in `left` only.
    """
    return _halve(facts, source=source, now=now, park=park, is_again=False)


def _halve(facts: Sequence[Fact], *, source: str, now: datetime, park: bool, is_again: bool) -> Stored:
    try:
        with transaction.atomic():
            return _store(facts, source=source, now=now, park=park)
    except (DataError, IntegrityError) as error:
        groups = list(dict.fromkeys(map(_about, facts)))
        if len(groups) == 1 and isinstance(error, IntegrityError) and not is_again:
            # Somebody else may have stored the same at the same moment: then it is there to be found now.
            return _halve(facts, source=source, now=now, park=park, is_again=True)
        if len(groups) == 1:
            why = str(error).splitlines()[0]
            sentence = f"{groups[0]} was left out, the database refused it: {why}"
            return Stored(refused=[sentence], refused_orders={facts[0].order_id: sentence})
        stored = Stored()
        for half in (set(groups[: len(groups) // 2]), set(groups[len(groups) // 2 :])):
            part = [fact for fact in facts if _about(fact) in half]
            stored += _halve(part, source=source, now=now, park=park, is_again=False)
        return stored


def _about(fact: Fact) -> str:
    """What a fact stands or falls with."""
    if fact.order_id or not isinstance(fact, Scanned | Expected):
        return f"Order {fact.order_id}"
    return f"Parcel {fact.tracking_no or fact.despatch_id}"


def _store(facts: Sequence[Fact], *, source: str, now: datetime, park: bool) -> Stored:
    stored = Stored()
    placed: dict[str, Placed] = {}
    for fact in facts:
        if isinstance(fact, Placed):
            older = placed.get(fact.order_id)
            if older is None or updating.as_of(fact, now=now) >= updating.as_of(older, now=now):
                placed[fact.order_id] = fact
    new: set[str] = set()
    if placed:
        new, stored.customers, stored.changed = _store_orders(placed, source=source, now=now)
        stored.orders = len(new)
    if promised := [fact for fact in facts if isinstance(fact, Promised)]:
        stored.changed += updating.promise(promised, stored.left, source=source, now=now)
    packed = [fact for fact in facts if isinstance(fact, Packed)]
    packed += _numbered(placed, except_of=new | {fact.order_id for fact in packed})
    if packed:
        stored.parcels, corrected = parcels.store(packed, stored.left, source=source, now=now)
        stored.changed += corrected
    if withdrawn := [fact for fact in facts if isinstance(fact, Withdrawn)]:
        stored.changed += parcels.withdraw(withdrawn, source=source, now=now)
    heard = [fact for fact in facts if isinstance(fact, Scanned | Expected)]
    stored.scans, stored.expected = parcels.hear(heard, stored.left, source=source, now=now)
    called_off = {fact.order_id: fact for fact in facts if isinstance(fact, Cancelled)}
    stored.cancellations = _cancel(called_off, stored.left, source=source, now=now)
    if park and stored.left:
        parking.park(stored.left, source=source, now=now)
        stored.left = []
    if new or packed:
        numbers = {fact.tracking_no for fact in placed.values()} | {fact.tracking_no for fact in packed}
        numbers -= {""}
        despatches = {fact.despatch_id for fact in packed} - {""}
        waiting = parking.waiting(source=source, orders=new, numbers=numbers, despatches=despatches)
        stored += take_parked(waiting, now=now)
    return stored


def _numbered(placed: Mapping[str, Placed], *, except_of: Collection[str]) -> list[Packed]:
    """The parcels of known orders that are told with the order: it may have had no number yet, or another."""
    return [
        Packed(
            fact.at, order_id, fact.carrier, fact.tracking_no, (),
            numbers=(fact.tracking_no,), are_all=False, as_of=fact.as_of,
        )
        for order_id, fact in placed.items()
        if fact.tracking_no and order_id not in except_of
    ]  # fmt: skip


def take_parked(waiting: Sequence[parking.Parked], *, now: datetime) -> Stored:
    """Take in what has waited for its order or parcel; what still has to wait stays. In the open transaction."""
    stored = Stored()
    for source in sorted({one.source for one in waiting}):
        own = [one for one in waiting if one.source == source]
        told = _halve(in_time_order(one.fact for one in own), source=source, now=now, park=False, is_again=False)
        if not told.refused:
            parking.let_go([one.pk for one in own if one.fact not in told.left])
        told.left = []
        stored += told
    return stored


def _store_orders(placed: dict[str, Placed], *, source: str, now: datetime) -> tuple[set[str], int, int]:
    """The new orders' ids; how many customers were new, and how many known orders were changed."""
    known = set(Order.objects.filter(source=source, external_id__in=placed).values_list("external_id", flat=True))
    new = {order_id: fact for order_id, fact in placed.items() if order_id not in known}
    told = {fact.customer.external_id: updating.as_of(fact, now=now) for fact in placed.values()}
    customers, new_customers = _store_customers([fact.customer for fact in placed.values()], told, source=source)
    # Another import may have been quicker with some of them since: those are its own, with their lines and parcels.
    orders = writing.insert(
        Order,
        [
            {
                "source": source,
                "external_id": order_id,
                "number": fact.number,
                "customer_id": customers[fact.customer.external_id],
                "placed_at": fact.at.isoformat(),
                "promised_ship_by": fact.promised_ship_by and fact.promised_ship_by.isoformat(),
                "promised_deliver_by": fact.promised_deliver_by and fact.promised_deliver_by.isoformat(),
                "ship_to_country": fact.ship_to.country,
                "ship_to_region": fact.ship_to.region,
                "as_of": (as_of := updating.as_of(fact, now=now).isoformat()),
                "promised_as_of": as_of if fact.promised_ship_by or fact.promised_deliver_by else None,
            }
            for order_id, fact in sorted(new.items())
        ],
        key="external_id",
        ignore_conflicts=True,
    )
    writing.insert(
        OrderLine,
        [
            {
                "order_id": pk,
                "position": position,
                "title": line.title,
                "quantity": line.quantity,
                "external_id": line.line_id,
            }
            for order_id, pk in orders.items()
            for position, line in enumerate(new[order_id].lines, start=1)
        ],
    )
    # Not "on conflict do nothing": a parcel's number that is another order's is a fault, and the order stays out.
    writing.insert(
        Shipment,
        [
            {
                "order_id": pk,
                "carrier": fact.carrier,
                "tracking_no": fact.tracking_no,
                "state": ShipmentState.CREATED.value,
                "ship_from_country": fact.ship_from.country,
                "ship_from_region": fact.ship_from.region,
                "numbered_as_of": updating.as_of(fact, now=now).isoformat() if fact.tracking_no else None,
                "check_at": check_at and check_at.isoformat(),
            }
            for order_id, pk in orders.items()
            for fact in (new[order_id],)
            for check_at in (tracking.first_check(fact.promised_ship_by, fact.promised_deliver_by, now=now),)
        ],
    )
    changed = 0
    if len(orders) < len(placed):
        rest = {order_id: fact for order_id, fact in placed.items() if order_id not in orders}
        changed = updating.update(rest, customers, source=source, now=now)
    known_customers = [fact for fact in placed.values() if fact.customer.external_id not in new_customers]
    if known_customers:
        updating.customers(known_customers, source=source, now=now)
    return set(orders), len(new_customers), changed


def _store_customers(
    facts: Iterable[CustomerFact], told: dict[str, datetime], *, source: str
) -> tuple[dict[str, int], set[str]]:
    """Ids by external id, and which were new. `told`: as of when each is as it is said here."""
    wanted = {fact.external_id: fact for fact in facts}
    known = Customer.objects.filter(source=source, external_id__in=wanted).values_list("external_id", "pk")
    ids = dict(known)
    new = writing.insert(
        Customer,
        [
            {
                "source": source,
                "external_id": external_id,
                "email": normalise_email(fact.email),
                "person": person_key(fact.email),
                "first_name": fact.first_name,
                "last_name": "",
                "locale": fact.locale,
                "time_zone": fact.time_zone,
                "as_of": told[external_id].isoformat(),
            }
            for external_id, fact in sorted(wanted.items())
            if external_id not in ids
        ],
        key="external_id",
        ignore_conflicts=True,
    )
    ids |= new
    if len(ids) < len(wanted):  # another import was quicker with some of them
        ids |= dict(known.all())
    return ids, set(new)


def _cancel(called_off: dict[str, Cancelled], left: list[Fact], *, source: str, now: datetime) -> int:
    """Mark orders as cancelled; a cancellation that is known already stands. Returns how many were new."""
    if not called_off:
        return 0
    orders = list(Order.objects.filter(source=source, external_id__in=called_off).select_for_update().order_by("pk"))
    known = {order.external_id for order in orders}
    left += [fact for order_id, fact in called_off.items() if order_id not in known]
    orders = [order for order in orders if order.cancelled_at is None]
    for order in orders:
        order.cancelled_at = called_off[order.external_id].at
    if orders:
        Order.objects.bulk_update(orders, ["cancelled_at"])
        updating.recheck([order.pk for order in orders], now=now)
    return len(orders)

"""Facts of any source into rows: many at once, each once, an order whole or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DataError, IntegrityError, transaction

from core.people import normalise_email, person_key
from notifications import tracking
from notifications.intake.facts import Cancelled, CustomerFact, Fact, Placed, Scanned
from notifications.models import Customer, Order, OrderLine, Shipment

BATCH = 1000  # facts in one transaction


@dataclass
class Stored:
    """What storing changed. Facts that were known already count nowhere."""

    customers: int = 0
    orders: int = 0
    scans: int = 0
    cancellations: int = 0
    refused: list[str] = field(default_factory=list)  # sentences

    def __iadd__(self, other: Stored) -> Stored:
        self.customers += other.customers
        self.orders += other.orders
        self.scans += other.scans
        self.cancellations += other.cancellations
        self.refused += other.refused
        return self


def in_batches(facts: Sequence[Fact], size: int = BATCH) -> Iterator[Sequence[Fact]]:
    """Slices of about `size` facts that keep their order."""
    for start in range(0, len(facts), size):
        yield facts[start : start + size]


def store(facts: Sequence[Fact], *, source: str, now: datetime) -> Stored:
    """Take in facts, in one transaction. `facts` must be in time order (an order before what befell it).

    What the database cannot take is narrowed down to the one order, which is left out whole and told in `refused`.
    """
    try:
        with transaction.atomic():
            return _store(facts, source=source, now=now)
    except (DataError, IntegrityError) as error:
        orders = list(dict.fromkeys(fact.order_id for fact in facts))
        if len(orders) == 1:
            why = str(error).splitlines()[0]
            return Stored(refused=[f"Order {orders[0]} was left out, the database refused it: {why}"])
        stored = Stored()
        for half in (set(orders[: len(orders) // 2]), set(orders[len(orders) // 2 :])):
            stored += store([fact for fact in facts if fact.order_id in half], source=source, now=now)
        return stored


def _store(facts: Sequence[Fact], *, source: str, now: datetime) -> Stored:
    stored = Stored()
    placed = {fact.order_id: fact for fact in facts if isinstance(fact, Placed)}
    if placed:
        stored.orders, stored.customers = _store_orders(placed, source=source, now=now)
    stored.scans = _store_scans([fact for fact in facts if isinstance(fact, Scanned)], now=now)
    called_off = {fact.order_id: fact.at for fact in facts if isinstance(fact, Cancelled)}
    stored.cancellations = _cancel(called_off, source=source, now=now)
    return stored


def _store_orders(placed: dict[str, Placed], *, source: str, now: datetime) -> tuple[int, int]:
    """How many orders and customers were new."""
    known = set(Order.objects.filter(source=source, external_id__in=placed).values_list("external_id", flat=True))
    new = [fact for order_id, fact in placed.items() if order_id not in known]
    customers, new_customers = _store_customers([fact.customer for fact in new], source=source)
    orders = Order.objects.bulk_create(
        [
            Order(
                source=source,
                external_id=fact.order_id,
                number=fact.number,
                customer_id=customers[fact.customer.external_id],
                placed_at=fact.at,
                promised_ship_by=fact.promised_ship_by,
                promised_deliver_by=fact.promised_deliver_by,
            )
            for fact in new
        ]
    )
    OrderLine.objects.bulk_create(
        OrderLine(order=order, position=position, title=line.title, quantity=line.quantity)
        for order, fact in zip(orders, new, strict=True)
        for position, line in enumerate(fact.lines, start=1)
    )
    # Not "on conflict do nothing": a parcel's number that is another order's is a fault, and the order stays out.
    Shipment.objects.bulk_create(
        Shipment(
            order=order,
            carrier=fact.carrier,
            tracking_no=fact.tracking_no,
            check_at=tracking.first_check(fact.promised_ship_by, fact.promised_deliver_by, now=now),
        )
        for order, fact in zip(orders, new, strict=True)
    )
    return len(orders), new_customers


def _store_customers(facts: Iterable[CustomerFact], *, source: str) -> tuple[dict[str, int], int]:
    """Ids by external id, and how many were new."""
    wanted = {fact.external_id: fact for fact in facts}
    ids = dict(Customer.objects.filter(source=source, external_id__in=wanted).values_list("external_id", "pk"))
    new = Customer.objects.bulk_create(
        Customer(
            source=source,
            external_id=fact.external_id,
            email=normalise_email(fact.email),
            person=person_key(fact.email),
            first_name=fact.first_name,
            locale=fact.locale,
            time_zone=fact.time_zone,
        )
        for fact in wanted.values()
        if fact.external_id not in ids
    )
    return ids | {customer.external_id: customer.pk for customer in new}, len(new)


def _store_scans(facts: Sequence[Scanned], *, now: datetime) -> int:
    if not facts:
        return 0
    wanted = {(fact.carrier, fact.tracking_no) for fact in facts}
    ids = {
        (carrier, tracking_no): pk
        for carrier, tracking_no, pk in Shipment.objects.filter(
            carrier__in={carrier for carrier, _ in wanted}, tracking_no__in={number for _, number in wanted}
        ).values_list("carrier", "tracking_no", "pk")
    }
    scans: dict[int, list[tracking.Scan]] = defaultdict(list)
    for fact in facts:
        # A scan of a parcel whose order was refused has nothing to hang on; the refusal was told already.
        if (pk := ids.get((fact.carrier, fact.tracking_no))) is not None:
            scans[pk].append(fact.scan)
    return tracking.record_many(scans, now=now)


def _cancel(called_off: dict[str, datetime], *, source: str, now: datetime) -> int:
    """Mark orders as cancelled; a cancellation that is known already stands. Returns how many were new."""
    if not called_off:
        return 0
    orders = list(
        Order.objects.filter(source=source, external_id__in=called_off, cancelled_at=None)
        .select_for_update()
        .order_by("pk")
    )
    for order in orders:
        order.cancelled_at = called_off[order.external_id]
    Order.objects.bulk_update(orders, ["cancelled_at"])
    tracking.recheck(Shipment.objects.filter(order__in=orders).values_list("pk", flat=True), now=now)
    return len(orders)

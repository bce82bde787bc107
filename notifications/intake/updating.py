"""What sources say anew about orders that are known: addresses, lines, promises. The latest said counts, whenever it
comes in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from core.people import normalise_email, person_key
from notifications import tracking
from notifications.intake import writing
from notifications.intake.facts import Fact, LineFact, Placed, Promised
from notifications.models import Customer, Order, OrderLine, Shipment


def as_of(fact: Placed, *, now: datetime) -> datetime:
    """When the source said what stands in `fact`."""
    return fact.as_of or now


def update(placed: Mapping[str, Placed], customers: Mapping[str, int], *, source: str, now: datetime) -> int:
    """Take over what is newer about known orders. Returns how many of them were changed."""
    orders = list(Order.objects.filter(source=source, external_id__in=placed).select_for_update().order_by("pk"))
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order__in=orders).order_by("position"):
        lines[line.order_id].append(line)
    changed: set[int] = set()
    touched: list[Order] = []
    promised: list[int] = []
    for order in orders:
        fact = placed[order.external_id]
        said_at = as_of(fact, now=now)
        if _promise(order, fact.promised_ship_by, fact.promised_deliver_by, said_at):
            changed.add(order.pk)
            promised.append(order.pk)
        if order.as_of is not None and said_at < order.as_of:
            touched.append(order)
            continue
        order.as_of = said_at
        touched.append(order)
        before = (order.customer_id, order.number, order.ship_to_country, order.ship_to_region)
        order.customer_id, order.number = customers[fact.customer.external_id], fact.number
        if fact.ship_to.country:
            order.ship_to_country, order.ship_to_region = fact.ship_to.country, fact.ship_to.region
        is_other = (order.customer_id, order.number, order.ship_to_country, order.ship_to_region) != before
        if _lines(order, lines[order.pk], fact.lines) or is_other:
            changed.add(order.pk)
    writing.update(
        touched,
        [
            "customer", "number", "ship_to_country", "ship_to_region", "as_of",
            "promised_ship_by", "promised_deliver_by", "promised_as_of",
        ],
    )  # fmt: skip
    recheck(promised, now=now)
    return len(changed)


def promise(facts: Sequence[Promised], left: list[Fact], *, source: str, now: datetime) -> int:
    """Take over promises that are newer than those we know. `left` gets those of unknown orders."""
    by_id: dict[str, list[Promised]] = defaultdict(list)
    for fact in facts:
        by_id[fact.order_id].append(fact)
    orders = list(Order.objects.filter(source=source, external_id__in=by_id).select_for_update().order_by("pk"))
    known = {order.external_id for order in orders}
    left += [fact for fact in facts if fact.order_id not in known]
    changed = []
    for order in orders:
        told = sorted(by_id[order.external_id], key=lambda one: one.at)
        moved = [_promise(order, fact.promised_ship_by, fact.promised_deliver_by, fact.at) for fact in told]
        if any(moved):
            changed.append(order.pk)
    writing.update(orders, ["promised_ship_by", "promised_deliver_by", "promised_as_of"])
    recheck(changed, now=now)
    return len(changed)


def customers(facts: Sequence[Placed], *, source: str, now: datetime) -> None:
    """Take over names and addresses that are newer. A customer has many orders: the latest word of any counts."""
    said: dict[str, Placed] = {}
    for fact in sorted(facts, key=lambda one: as_of(one, now=now)):
        said[fact.customer.external_id] = fact
    rows = list(Customer.objects.filter(source=source, external_id__in=said).select_for_update().order_by("pk"))
    changed = []
    for row in rows:
        fact = said[row.external_id]
        if row.as_of is not None and as_of(fact, now=now) < row.as_of:
            continue
        row.as_of, told = as_of(fact, now=now), fact.customer
        # An order without an address (paid in the shop, say) does not take away the one that we know.
        if email := normalise_email(told.email):
            row.email, row.person = email, person_key(email)
        row.first_name = told.first_name or row.first_name
        row.locale, row.time_zone = told.locale or row.locale, told.time_zone or row.time_zone
        changed.append(row)
    writing.update(changed, ["email", "person", "first_name", "locale", "time_zone", "as_of"])


def _promise(order: Order, ship_by: datetime | None, deliver_by: datetime | None, said_at: datetime) -> bool:
    """Whether this changed what is promised. None leaves a promise as it was."""
    if ship_by is None and deliver_by is None:
        return False
    if order.promised_as_of is not None and said_at < order.promised_as_of:
        return False
    before = (order.promised_ship_by, order.promised_deliver_by)
    order.promised_ship_by = ship_by or order.promised_ship_by
    order.promised_deliver_by = deliver_by or order.promised_deliver_by
    order.promised_as_of = said_at
    return (order.promised_ship_by, order.promised_deliver_by) != before


def _lines(order: Order, known: list[OrderLine], told: Sequence[LineFact]) -> bool:
    """Make an order's lines those that are told; whether any was another. One that is in a parcel stays."""
    if not told:
        return False
    by_id = {line.external_id: line for line in known if line.external_id}
    by_place = {line.position: line for line in known if not line.external_id}
    kept, new, changed = set(), [], []
    for place, fact in enumerate(told, start=1):
        line = by_id.get(fact.line_id) if fact.line_id else by_place.get(place)
        if line is None:
            new.append(fact)
            continue
        kept.add(line.pk)
        if (line.title, line.quantity) != (fact.title, fact.quantity):
            line.title, line.quantity = fact.title, fact.quantity
            changed.append(line)
    if changed:
        OrderLine.objects.bulk_update(changed, ["title", "quantity"])
    gone = OrderLine.objects.filter(pk__in=[line.pk for line in known if line.pk not in kept], parcels=None)
    removed = gone.delete()[0] if len(kept) < len(known) else 0
    if not new:
        return bool(changed or removed)
    last = max((line.position for line in known), default=0)
    OrderLine.objects.bulk_create(
        OrderLine(order=order, position=position, title=one.title, quantity=one.quantity, external_id=one.line_id)
        for position, one in enumerate(new, start=last + 1)
    )
    return True


def recheck(orders: Sequence[int], *, now: datetime) -> None:
    """Let the sweep look at the parcels of these orders, by id, when it must now."""
    if orders:
        tracking.recheck(Shipment.objects.filter(order__in=orders).values_list("pk", flat=True), now=now)

"""Facts that come in about people who asked to be forgotten: the order's part is taken in, the person's is not.

An order belongs to the time before the erasure where it was placed before it. What the same person orders later is told
to us anew, and taken in like anybody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core import erasure
from core.people import person_key, stand_in
from notifications.intake.facts import CustomerFact, Fact, Placed, Region, Scanned
from notifications.models import Customer, Order, Shipment


def without_the_erased(facts: Sequence[Fact], *, source: str) -> Sequence[Fact]:
    """`facts` with nothing in them that says who an erased person is."""
    about = _about(facts, source=source)
    return [_without(fact, about, source=source) for fact in facts] if about is not None else facts


def is_named(facts: Sequence[Fact], *, source: str) -> bool:
    """Whether any of the facts is about an order of an erased person."""
    about = _about(facts, source=source)
    return about is not None and any(about.has(fact, source=source) for fact in facts)


class _About:
    """What is known of erased people among the orders, parcels and customers that some facts name."""

    def __init__(self, facts: Sequence[Fact], *, source: str) -> None:
        placed = [fact for fact in facts if isinstance(fact, Placed)]
        self.until = erasure.erased({person_key(fact.customer.email) for fact in placed})
        orders = Order.objects.filter(
            source=source, external_id__in={fact.order_id for fact in facts} - {""}, customer__is_erased=True
        )
        self.orders = dict(orders.values_list("external_id", "customer__external_id"))
        parcels = Shipment.objects.filter(
            tracking_no__in={getattr(fact, "tracking_no", "") for fact in facts} - {""},
            order__customer__is_erased=True,
        )
        self.numbers = set(parcels.values_list("tracking_no", flat=True))
        self.customers = self._customers(placed, source=source)

    def _customers(self, placed: Sequence[Placed], *, source: str) -> dict[str, datetime]:
        """Stand-ins of erased customers among those named, and the last that they ordered until their erasure."""
        ids = {stand_in(source, fact.customer.external_id) for fact in placed}
        rows = Customer.objects.filter(source=source, external_id__in=ids, is_erased=True, orders__isnull=False)
        found: dict[str, datetime] = {}
        for external_id, placed_at in rows.values_list("external_id", "orders__placed_at"):
            found[external_id] = max(placed_at, found.get(external_id, placed_at))
        return found

    def has(self, fact: Fact, *, source: str) -> bool:
        if fact.order_id in self.orders or (getattr(fact, "tracking_no", "") or None) in self.numbers:
            return True
        if not isinstance(fact, Placed):
            return False
        person = person_key(fact.customer.email)
        last = self.customers.get(stand_in(source, fact.customer.external_id))
        return (person in self.until and fact.at <= self.until[person]) or (last is not None and fact.at <= last)


def _about(facts: Sequence[Fact], *, source: str) -> _About | None:
    return _About(facts, source=source) if erasure.is_any() else None


def _without(fact: Fact, about: _About, *, source: str) -> Fact:
    if not about.has(fact, source=source):
        return fact
    if isinstance(fact, Placed):
        said = fact.customer
        customer_id = about.orders.get(fact.order_id) or stand_in(source, said.external_id)
        return replace(
            fact,
            customer=CustomerFact(external_id=customer_id, email="", first_name="", locale=said.locale),
            ship_to=Region(fact.ship_to.country),
        )
    if isinstance(fact, Scanned):
        return replace(fact, scan=replace(fact.scan, text="", place=""))
    return fact

"""Which parcel a tracking number means, also one that was corrected.

A parcel's number is corrected where its source names all the numbers of a despatch (Shopify's fulfilment, our API's
shipment with an id) or of an order (WooCommerce, a file of orders), and the number that we know is none of them any
more. The parcel keeps its scans and troubles, and its former number with the moment of the correction: what a carrier
dated before that is still about this parcel, what it dates later is somebody else's. One that has come or gone back
already stays as it is: then the new number is another parcel, sent in its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from notifications.intake import writing
from notifications.intake.facts import Packed
from notifications.models import FormerNumber, Order, Shipment, ShipmentState

_OVER = (ShipmentState.DELIVERED, ShipmentState.RETURNED)
# A file may hold today's parcels only: what a carrier has in hand is a parcel of its own, not a slip of the pen.
_NOT_SEEN_YET = (ShipmentState.CREATED, ShipmentState.HANDED_OVER)


class Numbers:
    """The parcels of some orders, by every number that they have or had. Changes are stored by save()."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self._of_order: dict[int, list[Shipment]] = defaultdict(list)
        self._by_number: dict[tuple[int, str], Shipment] = {}
        self._awaited: dict[int, Shipment] = {}
        self._renumbered: dict[int, Shipment] = {}
        self._former: dict[tuple[int, str], FormerNumber] = {}
        self._back: list[tuple[int, str]] = []
        self._dated: dict[int, Shipment] = {}
        parcels = list(Shipment.objects.filter(order__in=orders).order_by("-pk"))
        by_pk = {parcel.pk: parcel for parcel in parcels}
        for row in FormerNumber.objects.filter(shipment__in=parcels):
            self._by_number[by_pk[row.shipment_id].order_id, row.tracking_no] = by_pk[row.shipment_id]
        for parcel in parcels:
            if parcel.tracking_no:
                self._of_order[parcel.order_id].insert(0, parcel)
                self._by_number[parcel.order_id, parcel.tracking_no] = parcel
            else:
                self._awaited[parcel.order_id] = parcel

    def find(self, order: Order, fact: Packed, *, said_at: datetime) -> Shipment | None:
        """The parcel that a fact is about, with its number corrected if need be; None where it is a new one."""
        # Within an order the number says which it is; carriers' names are written in many ways.
        parcel = self._by_number.get((order.pk, fact.tracking_no))
        if parcel is None or (parcel.tracking_no != fact.tracking_no and fact.numbers):
            parcel = self._meant(order, fact, parcel, said_at=said_at)
        if parcel is not None and parcel.tracking_no == fact.tracking_no:
            self._said(parcel, fact, said_at=said_at)
        return parcel

    def add(self, order: Order, fact: Packed, parcel: Shipment, *, said_at: datetime) -> None:
        """A parcel that is new, or has only now got its number."""
        self._of_order[order.pk].append(parcel)
        self._by_number[order.pk, fact.tracking_no] = parcel
        if fact.numbers:
            parcel.numbered_as_of = said_at

    def take_awaited(self, order: Order) -> Shipment | None:
        """The parcel that the order has waited for, once."""
        return self._awaited.pop(order.pk, None)

    def get(self, order: Order, fact: Packed) -> Shipment:
        """The parcel of a fact that was found or added."""
        return self._by_number[order.pk, fact.tracking_no]

    def save(self) -> int:
        """To be called when new parcels are stored. Returns how many known ones have another number."""
        writing.update(list(self._dated.values()), ["numbered_as_of"])
        writing.update(list(self._renumbered.values()), ["carrier", "tracking_no"])
        for pk, number in self._back:  # as a rule there is none: it is a number that was corrected back
            FormerNumber.objects.filter(shipment=pk, tracking_no=number).delete()
        FormerNumber.objects.bulk_create(self._former.values(), ignore_conflicts=True)
        return len(self._renumbered)

    def _meant(self, order: Order, fact: Packed, former: Shipment | None, *, said_at: datetime) -> Shipment | None:
        """`former`: the parcel that went by the fact's number once."""
        if former is not None:
            is_older = former.numbered_as_of is not None and said_at <= former.numbered_as_of
            if is_older:  # told late
                return former
            # The number is there again: the parcel's own, or that of one more.
            wrong = None if former.tracking_no in fact.numbers else former
        else:
            wrong = self._wrong(order, fact)
        if wrong is None:
            return None
        if wrong.numbered_as_of is not None and said_at < wrong.numbered_as_of:
            # What it was called before, told after: a correction that has come in first.
            self._keep(wrong, fact.carrier, fact.tracking_no, until=wrong.numbered_as_of)
        else:
            self._keep(wrong, wrong.carrier, wrong.tracking_no, until=said_at)
            self._former.pop((id(wrong), fact.tracking_no), None)
            wrong.carrier, wrong.tracking_no = fact.carrier or wrong.carrier, fact.tracking_no
            if wrong.pk:  # else it is stored for the first time with the number that it has now
                self._back.append((wrong.pk, fact.tracking_no))
                self._renumbered[wrong.pk] = wrong
        self._by_number[order.pk, fact.tracking_no] = wrong
        return wrong

    def _wrong(self, order: Order, fact: Packed) -> Shipment | None:
        """The first parcel whose number is none of the despatch's, or of the order's, any more."""
        for parcel in self._of_order[order.pk]:
            if not fact.numbers or parcel.tracking_no in fact.numbers or parcel.state in _OVER:
                continue
            # Parcels of which others told, as by a list of scans, the source may not know at all.
            is_of_it = (
                parcel.despatch_id == fact.despatch_id
                if fact.despatch_id
                else parcel.numbered_as_of is not None and not parcel.despatch_id
            )
            if is_of_it and (fact.are_all or parcel.state in _NOT_SEEN_YET):
                return parcel
        return None

    def _keep(self, parcel: Shipment, carrier: str, number: str, *, until: datetime) -> None:
        self._former[id(parcel), number] = FormerNumber(
            shipment=parcel, carrier=carrier, tracking_no=number, until=until
        )

    def _said(self, parcel: Shipment, fact: Packed, *, said_at: datetime) -> None:
        if not fact.numbers:
            return
        # The same file once more, which does not say of when it is, changes nothing.
        if parcel.numbered_as_of is None or (fact.as_of is not None and said_at > parcel.numbered_as_of):
            parcel.numbered_as_of = said_at
            if parcel.pk:
                self._dated[parcel.pk] = parcel


def withdraw(parcel: Shipment, *, at: datetime) -> None:
    """A parcel that was called off is the one that its order waits for, without number and contents."""
    FormerNumber.objects.update_or_create(
        shipment=parcel, tracking_no=parcel.tracking_no, defaults={"carrier": parcel.carrier, "until": at}
    )
    parcel.contents.all().delete()
    parcel.carrier, parcel.tracking_no, parcel.numbered_as_of = "", "", at
    parcel.save(update_fields=["carrier", "tracking_no", "numbered_as_of"])


class Once(NamedTuple):
    """A parcel that went by a number until some moment."""

    carrier: str
    shipment_id: int
    until: datetime


def former(numbers: Iterable[str]) -> dict[str, list[Once]]:
    """The parcels that went by these numbers."""
    found: dict[str, list[Once]] = defaultdict(list)
    rows = FormerNumber.objects.extra(where=["tracking_no = ANY(%s)"], params=[list(numbers)])
    for number, *once in rows.values_list("tracking_no", "carrier", "shipment_id", "until"):
        found[number].append(Once(*once))
    return found

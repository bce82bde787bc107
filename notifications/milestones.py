"""An order's milestones (it came in, left, is brought today, is there), found at the sweep's look; once a parcel."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Min

from notifications import tracking
from notifications.models import Episode, EpisodeKind, Shipment, ShipmentState
from notifications.occasions import Occasion

# Longer ago when we learn of it, it is no news: an import of old orders writes to nobody.
NEWS_FOR = timedelta(hours=24)


def find(
    shipments: Sequence[Shipment], known: Mapping[int, Collection[Episode]], *, wanted: Collection[str]
) -> Iterator[tuple[Shipment, Occasion]]:
    """The milestones among `wanted` that these have reached (shipments with order) and no episode is about."""
    is_first = _first_of_orders(shipments) if EpisodeKind.ORDER_CONFIRMED in wanted else frozenset()
    for shipment in shipments:
        had = {episode.kind for episode in known.get(shipment.pk, ())}
        for occasion in _reached(shipment, is_first=shipment.pk in is_first):
            if occasion.kind in wanted and occasion.kind not in had:
                yield shipment, occasion


def _reached(shipment: Shipment, *, is_first: bool) -> Iterator[Occasion]:
    order, state = shipment.order, shipment.state

    def reached(kind: EpisodeKind, since: datetime | None, *, lacks_a_fact: bool = False) -> Occasion:
        return Occasion(kind, since or order.placed_at, since, NEWS_FOR, lacks_a_fact)

    if is_first and order.cancelled_at is None:
        lacks = order.promised_deliver_by is None
        yield reached(EpisodeKind.ORDER_CONFIRMED, order.placed_at, lacks_a_fact=lacks)
    if tracking.RANK[state] >= 1 and state != ShipmentState.RETURNED:
        yield reached(EpisodeKind.SHIPPED, shipment.handed_over_at, lacks_a_fact=not shipment.carrier)
    if state == ShipmentState.OUT_FOR_DELIVERY:
        yield reached(EpisodeKind.OUT_FOR_DELIVERY, shipment.last_event_at)
    if state == ShipmentState.DELIVERED:
        yield reached(EpisodeKind.DELIVERED, shipment.delivered_at)


def _first_of_orders(shipments: Sequence[Shipment]) -> frozenset[int]:
    """The parcels that stand for their orders: the first of each."""
    orders = {shipment.order_id for shipment in shipments}
    firsts = Shipment.objects.filter(order__in=orders).order_by().values("order").annotate(first=Min("pk"))
    return frozenset(firsts.values_list("first", flat=True))

"""A small shop: Ada, Bo and Cy, their orders and parcels, made as any source of orders makes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from notifications import tracking
from notifications.intake import storing
from notifications.intake.facts import Cancelled, CustomerFact, LineFact, Placed
from notifications.models import Customer, EpisodeKind, Order, Rule, Shipment

# Thursday noon. Everything in these tests is told from here.
NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def parcel(
    number: str = "FH-1001",
    *,
    name: str = "Ada",
    email: str | None = None,
    placed_at: datetime = NOW - 10 * DAY,
    ship_by: datetime | None = NOW - 7 * DAY,
    deliver_by: datetime | None = NOW - timedelta(hours=12),
    now: datetime = NOW - 10 * DAY,
    locale: str = "en",
) -> Shipment:
    """An order with one parcel. By default it was promised for yesterday and nobody has scanned it yet."""
    address = f"{name.lower()}@example.com" if email is None else email
    storing.store(
        [
            Placed(
                at=placed_at,
                order_id=number,
                number=number,
                customer=CustomerFact(name.lower(), address, name, locale=locale, time_zone="Europe/London"),
                lines=(LineFact("Desk lamp", 1),),
                promised_ship_by=ship_by,
                promised_deliver_by=deliver_by,
                carrier="Parcel Post",
                tracking_no=f"PP{number}",
            )
        ],
        source="test",
        now=now,
    )
    return Shipment.objects.select_related("order__customer").get(tracking_no=f"PP{number}")


def scan(shipment: Shipment, state: str, at: datetime = NOW, *, now: datetime | None = None) -> Shipment:
    """The carrier says `state`; the shipment as it then stands."""
    tracking.record(shipment, tracking.Scan(state=state, at=at), now=now or at)
    shipment.refresh_from_db()
    return shipment


def cancel(shipment: Shipment, at: datetime = NOW) -> None:
    storing.store([Cancelled(at, shipment.order.external_id)], source="test", now=at)


def rules(*also: EpisodeKind, holdout_share: float) -> None:
    """The two rules of a new shop, and some. Made here: tests with real transactions empty the tables for others."""
    Rule.objects.all().delete()
    for kind in (EpisodeKind.NOT_HANDED_OVER, EpisodeKind.PROMISE_PASSED, *also):
        key = kind.replace("_", "-")
        Rule.objects.create(key=key, name=key, kind=kind.value, template=f"delay_{kind}", holdout_share=holdout_share)


def hold_out_nobody() -> None:
    if Rule.objects.exists():
        Rule.objects.update(holdout_share=0.0)
    else:
        rules(holdout_share=0.0)


def person_of(name: str) -> str:
    return Customer.objects.filter(external_id=name.lower()).values_list("person", flat=True)[0]


def order_of(number: str) -> Order:
    return Order.objects.get(number=number)

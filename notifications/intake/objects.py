"""The objects of our own API, in a webhook or anywhere else: order, shipment, tracking event. docs/desk-sources.md has
them field by field.
"""

from __future__ import annotations

from notifications.intake.carrier_names import known_as
from notifications.intake.facts import (
    Cancelled,
    CustomerFact,
    Expected,
    Fact,
    LineFact,
    Packed,
    Placed,
    Region,
    Scanned,
)
from notifications.intake.reading import At, place
from notifications.models import ShipmentState, TroubleReason
from notifications.tracking import Scan


def order(told: At) -> list[Fact]:
    """An order with its customer, lines and promises, and the shipments that it names."""
    order_id = told.needed("id")
    customer, ship_from = told.object("customer"), told.object("ship_from")
    facts: list[Fact] = [
        Placed(
            at=told.needed_moment("placed_at"),
            order_id=order_id,
            number=told.name("number", longest=60) or order_id[:60],
            customer=CustomerFact(
                external_id=customer.name("id") or f"guest:{order_id}"[:200],
                email=customer.text("email"),
                first_name=customer.text("first_name", longest=80),
                locale=(customer.text("locale") or "en").replace("_", "-")[:10],
                time_zone=customer.text("time_zone", longest=60),
            ),
            lines=tuple(
                LineFact(line.text("title", longest=200) or "–", line.count("quantity"), line.name("id", longest=60))
                for line in told.each("lines")
            ),
            promised_ship_by=told.day_end("promised_ship_by"),
            promised_deliver_by=told.day_end("promised_deliver_by"),
            carrier="",
            tracking_no="",
            ship_to=_region(told.object("ship_to")),
            ship_from=_region(ship_from),
            as_of=told.moment("updated_at"),
        )
    ]
    for one in told.each("shipments"):
        facts += shipment(one, order_id=order_id)
    if (cancelled_at := told.moment("cancelled_at")) is not None:
        facts.append(Cancelled(cancelled_at, order_id))
    return facts


def shipment(told: At, *, order_id: str = "") -> list[Fact]:
    """A parcel of an order, what is in it, the day that its carrier named, and its tracking events."""
    order_id = order_id or told.needed("order_id")
    at = told.needed_moment("created_at")
    carrier, number = _carrier(told), _number(told)
    lines = tuple((line.needed("id", longest=60), line.count("quantity")) for line in told.each("lines"))
    despatch = told.name("id")
    facts: list[Fact] = [
        Packed(
            at, order_id, carrier, number, (), lines, despatch,
            numbers=(number,) if despatch else (), as_of=told.moment("updated_at"),
        )
    ]  # fmt: skip
    if (by := told.day_end("expected_by")) is not None:
        facts.append(Expected(told.moment("expected_said_at") or at, order_id, carrier, number, by))
    facts += [_scanned(event, order_id, carrier, number) for event in told.each("tracking_events")]
    return facts


def tracking_event(told: At) -> list[Fact]:
    """What a carrier said about a parcel."""
    return [_scanned(told, told.name("order_id"), _carrier(told), _number(told))]


def _scanned(told: At, order_id: str, carrier: str, number: str) -> Scanned:
    at, said = told.needed_moment("at"), told.needed("status", longest=80)
    reason = told.text("reason")
    if reason and reason not in TroubleReason.values:
        raise told.at("reason").unreadable(f"one of {', '.join(TroubleReason.values)} is needed")
    is_known = said in ShipmentState.values
    scan = Scan(
        state=said if is_known else "",
        at=at,
        raw_status="" if is_known else said,
        text=told.text("text", longest=300),
        place=place(told.text("place")),
        reason=reason,
    )
    return Scanned(at, order_id, carrier, number, scan)


def _carrier(told: At) -> str:
    return known_as(told.name("carrier", longest=60))


def _number(told: At) -> str:
    return "".join(told.needed("tracking_no").split())


def _region(told: At) -> Region:
    country = told.text("country").upper()
    if country and (len(country) != 2 or not country.isalpha()):
        raise told.at("country").unreadable("two letters of ISO 3166 are needed")
    return Region(country, told.text("region", longest=40))

"""Shopify's webhooks: orders, fulfilments (which one or more parcels make), and what carriers say about fulfilments.

Documented at shopify.dev (Admin REST resources Order, Fulfillment, FulfillmentEvent; webhooks). The topic is in a
header, which Shopify does not sign: everything that a payload does here follows from its body, the topic says its
shape only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from notifications.intake import signatures
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
    Withdrawn,
)
from notifications.intake.meanings import Meaning, Words
from notifications.intake.reading import At, end_of_day, place, region
from notifications.intake.source import Headers, Source
from notifications.intake.troubles import reason_in
from notifications.models import ShipmentState, TroubleReason
from notifications.tracking import Scan

SIGNATURE = "x-shopify-hmac-sha256"
TOPIC = "x-shopify-topic"
EVENT_ID = "x-shopify-event-id"

WORDS = Words(
    statuses={
        "label_purchased": Meaning(ShipmentState.CREATED),
        "label_printed": Meaning(ShipmentState.CREATED),
        "confirmed": Meaning(ShipmentState.CREATED),
        "carrier_picked_up": Meaning(ShipmentState.HANDED_OVER),
        "in_transit": Meaning(ShipmentState.IN_TRANSIT),
        "delayed": Meaning(ShipmentState.EXCEPTION, TroubleReason.OTHER),
        "out_for_delivery": Meaning(ShipmentState.OUT_FOR_DELIVERY),
        "attempted_delivery": Meaning(ShipmentState.ATTEMPT_FAILED, TroubleReason.RECIPIENT),
        "ready_for_pickup": Meaning(ShipmentState.AVAILABLE_FOR_PICKUP, TroubleReason.PICKUP),
        "ready_for_recipient_pickup": Meaning(ShipmentState.AVAILABLE_FOR_PICKUP, TroubleReason.PICKUP),
        "picked_up": Meaning(ShipmentState.DELIVERED),
        "delivered": Meaning(ShipmentState.DELIVERED),
        "failure": Meaning(ShipmentState.EXCEPTION, TroubleReason.OTHER),
        "returning_to_sender": Meaning(ShipmentState.RETURNED, TroubleReason.RETURN),
        "buyer_action_required": Meaning(ShipmentState.EXCEPTION, TroubleReason.RECIPIENT),
    },
    details={},
)

# Orders have no field for a promise. What the shop or one of its apps writes into an order's attributes, by name in
# small letters with _ for spaces and dashes.
_SHIP_BY = ("promised_ship_by", "ship_by", "shipping_date", "dispatch_date")
_DELIVER_BY = ("promised_deliver_by", "deliver_by", "delivery_date", "delivery_by")
_DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")


def verify(body: bytes, headers: Headers, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the app's secrets signed this body."""
    return signatures.base64_hmac(headers.get(SIGNATURE, ""), body, secrets)


def dedupe_id(body: bytes, headers: Headers) -> str:
    """The event's id with the topic: one event is told under several topics. The body's hash where there is no id."""
    event = headers.get(EVENT_ID, "") or hashlib.sha256(body).hexdigest()
    return f"{event}:{headers.get(TOPIC, '')}"


def read(payload: Any, headers: Headers) -> list[Fact]:
    """The facts of a topic of ours; none of any other. Raises Unreadable."""
    reader = _READERS.get(headers.get(TOPIC, ""))
    return reader(At(payload)) if reader else []


def _order(order: At) -> list[Fact]:
    order_id = order.needed("id")
    updated_at = order.moment("updated_at")
    attributes = _attributes(order)
    placed = Placed(
        at=order.needed_moment("created_at"),
        order_id=order_id,
        number=(order.name("name", longest=60) or order.name("order_number", longest=60) or order_id).lstrip("#"),
        customer=_customer(order, order_id),
        lines=tuple(_lines(order)),
        promised_ship_by=_promise(attributes, _SHIP_BY),
        promised_deliver_by=_promise(attributes, _DELIVER_BY),
        carrier="",
        tracking_no="",
        ship_to=_region(order.object("shipping_address")),
        as_of=updated_at,
    )
    facts: list[Fact] = [placed]
    for fulfilment in order.each("fulfillments"):
        facts += _fulfilment(fulfilment)
    # By the body alone, whatever the topic says: see above.
    if (cancelled_at := order.moment("cancelled_at")) is not None:
        facts.append(Cancelled(cancelled_at, order_id))
    return facts


def _customer(order: At, order_id: str) -> CustomerFact:
    customer, address = order.object("customer"), order.object("shipping_address")
    locale = order.text("customer_locale") or customer.text("locale") or "en"
    return CustomerFact(
        # Somebody who paid without an account is known by this order alone.
        external_id=customer.name("id") or f"guest:{order_id}",
        email=order.text("email") or order.text("contact_email") or customer.text("email"),
        first_name=customer.text("first_name", longest=80) or address.text("first_name", longest=80),
        locale=locale.replace("_", "-")[:10],
    )


def _lines(order: At) -> list[LineFact]:
    found = []
    for line in order.each("line_items"):
        # What was taken out of an order stays in its list, with none of it left.
        left = line.at("current_quantity")
        quantity = line.count("quantity") if left.is_missing else line.count("current_quantity")
        if quantity:
            title = line.text("name", longest=200) or line.text("title", longest=200)
            found.append(LineFact(title or "–", quantity, line.name("id", longest=60)))
    return found


def _region(address: At) -> Region:
    return region(address.text("country_code"), address.text("province_code"), address.text("zip"))


def _fulfilment(fulfilment: At) -> list[Fact]:
    despatch, order_id = fulfilment.needed("id"), fulfilment.needed("order_id")
    at = fulfilment.needed_moment("created_at")
    updated_at = fulfilment.moment("updated_at") or at
    if fulfilment.text("status") in ("cancelled", "error", "failure"):
        return [Withdrawn(updated_at, order_id, despatch)]
    carrier = known_as(fulfilment.text("tracking_company", longest=60))
    numbers = _numbers(fulfilment)
    lines = tuple((line.needed("id", longest=60), line.count("quantity")) for line in fulfilment.each("line_items"))
    # Which piece is in which of several parcels nobody says.
    contents = lines if len(numbers) <= 1 else ()
    # Without a number no carrier will ever say anything: that the shop sent it is all there will be.
    names = tuple(numbers or [fulfilment.name("name") or f"{order_id}-{despatch}"])
    facts: list[Fact] = [
        Packed(at, order_id, carrier, number, (), contents, despatch, numbers=names, as_of=updated_at)
        for number in names
    ]
    if not numbers:
        sent = Scan(ShipmentState.HANDED_OVER, at, text="")
        facts.append(Scanned(at, order_id, carrier, names[0], sent))
    # Of several parcels nobody says which one it is the status of.
    if len(names) == 1 and (status := fulfilment.text("shipment_status", longest=80)):
        scan = _scan(status, updated_at, text="", where="")
        facts.append(Scanned(updated_at, order_id, carrier, names[0], dataclasses.replace(scan, is_present=True)))
    return facts


def _numbers(fulfilment: At) -> list[str]:
    told = [one.value for one in fulfilment.each("tracking_numbers")] or [fulfilment.at("tracking_number").value]
    cells = At({str(place): value for place, value in enumerate(told)}, fulfilment.at("tracking_numbers").place)
    numbers = ("".join(cells.name(name).split()) for name in cells.value)
    return list(dict.fromkeys(number for number in numbers if number))


def _event(event: At) -> list[Fact]:
    despatch, order_id = event.needed("fulfillment_id"), event.name("order_id")
    at = event.moment("happened_at") or event.needed_moment("created_at")
    where = place(event.text("city"), event.text("province"), event.text("country"))
    scan = _scan(event.needed("status", longest=80), at, text=event.text("message", longest=300), where=where)
    facts: list[Fact] = [Scanned(at, order_id, "", "", scan, despatch)]
    if (by := event.day_end("estimated_delivery_at")) is not None:
        facts.append(Expected(at, order_id, "", "", by, despatch))
    return facts


def _scan(status: str, at: datetime, *, text: str, where: str) -> Scan:
    meaning, raw = WORDS.read(status.lower(), "")
    reason = meaning.reason
    if meaning.state == ShipmentState.EXCEPTION and reason == TroubleReason.OTHER:
        reason = reason_in(text) or reason
    return Scan(meaning.state, at, raw_status=raw, text=text, place=where, reason=reason)


def _attributes(order: At) -> dict[str, str]:
    found = {}
    for attribute in order.each("note_attributes"):
        name = re.sub(r"[\s-]+", "_", attribute.text("name").strip().lower())
        found[name] = attribute.text("value") if isinstance(attribute.at("value").value, str) else ""
    return found


def _promise(attributes: dict[str, str], names: Sequence[str]) -> datetime | None:
    """The end of the named day. What is no day in the order year, month, day is somebody's note, not a promise."""
    for name in names:
        if match := _DAY.match(attributes.get(name, "")):
            try:
                return end_of_day(date(*map(int, match.groups())))
            except (ValueError, OverflowError):
                continue
    return None


_READERS: dict[str, Callable[[At], list[Fact]]] = {
    "orders/create": _order,
    "orders/updated": _order,
    "orders/cancelled": _order,
    "fulfillments/create": _fulfilment,
    "fulfillments/update": _fulfilment,
    "fulfillment_events/create": _event,
}

SOURCE = Source("shopify", "Shopify", verify, dedupe_id, read, kept_headers=(TOPIC, EVENT_ID))

"""WooCommerce's webhooks order.created, order.updated and order.deleted: the order as its REST API (v3) tells it.

Documented at developer.woocommerce.com (REST API, Webhooks). It signs with base64 HMAC-SHA256 of the body. Moments
whose field ends in `_gmt` are UTC without saying so; those without are in the shop's zone. Parcels come from the
plugins Shipment Tracking and Advanced Shipment Tracking, promised days from the common plugins for delivery dates: both
write them into the order's `meta_data`. Decided here, since WooCommerce does not say:
- an order that waits for its payment (pending, failed, a draft) is not placed yet; on-hold is;
- a whole refund ends an order as a cancellation does: nothing more is owed. A part of it changes nothing;
- a deleted order has no date: it counts from when it is read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from core import clock, languages
from core.people import person_key
from notifications.intake import signatures
from notifications.intake.carrier_names import known_as
from notifications.intake.facts import Cancelled, CustomerFact, Fact, LineFact, Packed, Placed, Region, Scanned
from notifications.intake.reading import EARLIEST, LATEST, At, end_of_day, region
from notifications.intake.source import Headers, Source
from notifications.models import ShipmentState
from notifications.tracking import Scan

SIGNATURE = "x-wc-webhook-signature"
TOPIC = "x-wc-webhook-topic"
_GREETING = re.compile(rb"webhook_id=[0-9]{1,20}")
_TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")


class Stage(Enum):
    """What a status says of the order as a whole."""

    NOT_YET = "waits for its payment"
    PLACED = "placed, on its way or done"
    CALLED_OFF = "will not be fulfilled"


# A plugin's own status ("shipped", "partial-shipped") is one of a placed order.
STAGES = {
    "auto-draft": Stage.NOT_YET,
    "checkout-draft": Stage.NOT_YET,
    "pending": Stage.NOT_YET,
    "failed": Stage.NOT_YET,
    "on-hold": Stage.PLACED,
    "processing": Stage.PLACED,
    "completed": Stage.PLACED,
    "cancelled": Stage.CALLED_OFF,
    "refunded": Stage.CALLED_OFF,
    "trash": Stage.CALLED_OFF,
}

TRACKING = "_wc_shipment_tracking_items"
# Keys of meta_data, the first that is there counts.
LANGUAGE = ("wpml_language", "trp_language")  # WPML, TranslatePress; Polylang has a field of the order, "lang"
DELIVER_BY = (
    "_orddd_timestamp",  # Order Delivery Date Pro: Unix time of the day
    "_orddd_lite_timestamp",  # the same, Lite
    "_delivery_date",  # Order Delivery: 2026-11-30
    "ywcdd_order_delivery_date",  # YITH Delivery Date: 2026-11-30
    "lpac_dps_delivery_date",  # Chwazi: 2026-11-30
    "jckwds_date_ymd",  # Iconic Delivery Slots: 20261130
)
SHIP_BY = ("_shipping_date",)  # Order Delivery: 2026-11-28


def verify(body: bytes, headers: Headers, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the secrets signed the body. The signature has no time: an old call is known by its hash."""
    return signatures.base64_hmac(headers.get(SIGNATURE, ""), body, secrets)


def dedupe_id(body: bytes, headers: Headers) -> str:
    """A hash of the topic and the body. X-WC-Webhook-Delivery-ID is no id: it is made of the second, so that two orders
    of one second share it, and it is not signed.
    """
    return hashlib.sha256(headers.get(TOPIC, "").encode(errors="replace") + b"\n" + body).hexdigest()


def read(payload: Any, headers: Headers) -> list[Fact]:
    """The order, its parcels, and whether it was called off. Raises Unreadable."""
    if headers.get(TOPIC, "") not in _TOPICS:
        return []
    order = At(payload)
    order_id = order.needed("id")
    # The topic is not signed; what is deleted comes with its id only, and nothing else does.
    if set(order.value) == {"id"}:
        return [Cancelled(clock.now(), order_id)]
    stage = STAGES.get(order.text("status"), Stage.PLACED)
    if stage is Stage.NOT_YET:
        return []
    placed = _placed(order, order_id)
    facts: list[Fact] = [placed]
    meta = _meta(order)
    if TRACKING in meta:
        items = list(_entries(meta[TRACKING]))
        numbers = tuple(filter(None, (item.name("tracking_number") for item in items)))
        for item in items:
            facts += _parcel(item, placed, numbers)
    if stage is Stage.CALLED_OFF:
        facts.append(Cancelled(placed.as_of or placed.at, order_id))
    return facts


def _placed(order: At, order_id: str) -> Placed:
    meta = _meta(order)
    placed_at = order.moment("date_created_gmt") or order.needed_moment("date_created", zone=_shop_zone())
    return Placed(
        at=placed_at,
        order_id=order_id,
        number=order.name("number", longest=60) or order_id,
        customer=_customer(order, order_id, meta),
        lines=tuple(
            LineFact(line.text("name", longest=200), line.count("quantity"), line.name("id", longest=60))
            for line in order.each("line_items")
        ),
        promised_ship_by=_promise(SHIP_BY, meta),
        promised_deliver_by=_promise(DELIVER_BY, meta),
        carrier="",
        tracking_no="",
        ship_to=_region(order),
        as_of=order.moment("date_modified_gmt") or placed_at,
    )


def _customer(order: At, order_id: str, meta: Mapping[str, At]) -> CustomerFact:
    billing = order.object("billing")
    email = billing.name("email", longest=254)
    email = email if "@" in email else ""
    customer_id = order.name("customer_id")
    if customer_id in ("", "0"):  # a guest: known by the address, if at all
        customer_id = f"guest:{person_key(email)}" if email else f"order:{order_id}"
    spoken = [order.text("lang"), *(meta[key].value for key in LANGUAGE if key in meta)]
    served = [languages.nearest(code[:20]) for code in spoken if isinstance(code, str) and code]
    return CustomerFact(
        external_id=customer_id,
        email=email,
        first_name=billing.text("first_name", longest=80),
        locale=next(filter(None, served), languages.served()[0]),
    )


def _region(order: At) -> Region:
    """Where the order goes: the address for shipping, else that of the bill."""
    for name in ("shipping", "billing"):
        address = order.object(name)
        if found := address.text("country"):
            return region(found, address.text("state"), address.text("postcode"))
    return Region()


def _parcel(item: At, placed: Placed, numbers: tuple[str, ...]) -> list[Fact]:
    """A parcel of the tracking plugin, and that it was handed over where a day is given. `numbers`: all the order's."""
    if not (tracking_no := item.name("tracking_number")):
        return []
    carrier = item.name("tracking_provider", longest=60) or item.name("custom_tracking_provider", longest=60)
    carrier = known_as(carrier)
    lines = []
    if not (products := item.at("products_list")).is_missing:
        lines = [(entry.name("item_id", longest=60), entry.count("qty")) for entry in _entries(products)]
    shipped_at = _shipped_at(item.at("date_shipped"))
    # The plugin knows a day, which begins before an order of the same day.
    at = max(shipped_at or placed.at, placed.at)
    parcel: list[Fact] = [
        Packed(
            at, placed.order_id, carrier, tracking_no, (),
            lines=tuple(line for line in lines if all(line)), numbers=numbers, as_of=placed.as_of,
        )
    ]  # fmt: skip
    if shipped_at is not None:
        scan = Scan(ShipmentState.HANDED_OVER, at)
        parcel.append(Scanned(at, placed.order_id, carrier, tracking_no, scan))
    return parcel


def _shipped_at(found: At) -> datetime | None:
    """A day as Unix time or like 2026-11-22, as a moment; None where it is missing."""
    if found.is_missing:
        return None
    if (day := _day(found.value)) is None:
        raise found.unreadable("a day is needed, in Unix time or like 2026-11-22")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _promise(keys: Sequence[str], meta: Mapping[str, At]) -> datetime | None:
    """The end of the promised day; None without one. A day in words, as some shops have it, promises nothing here."""
    days = (_day(meta[key].value) for key in keys if key in meta)
    day = next(filter(None, days), None)
    return end_of_day(day) if day else None


def _day(value: object) -> date | None:
    """The day that plugins mean by Unix time (made as if the shop were in UTC), 20261130, or 2026-11-30…"""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**10:
        value = str(value)
    if not isinstance(value, str) or not value.isascii():
        return None
    try:
        if value.isdigit() and len(value) in (9, 10):
            day = datetime.fromtimestamp(int(value), UTC).date()
        else:
            day = date.fromisoformat(value if len(value) == 8 else value[:10])
    except (ValueError, OverflowError, OSError):
        return None
    return day if EARLIEST <= day.year <= LATEST else None


def _meta(order: At) -> dict[str, At]:
    """The plugins' entries by key; of two with one key the latter."""
    return {entry.text("key"): entry.at("value") for entry in order.each("meta_data")}


def _entries(found: At) -> Iterator[At]:
    """A list as PHP writes it: as an object where its numbers have a gap."""
    if found.is_missing:
        return
    if isinstance(found.value, dict):
        pairs = [(f"{found.place}.{key}", value) for key, value in found.value.items()]
    elif isinstance(found.value, list):
        pairs = [(f"{found.place}[{place}]", value) for place, value in enumerate(found.value)]
    else:
        raise found.unreadable("a list is needed")
    for place, value in pairs:
        yield At(value, place)


def _shop_zone() -> ZoneInfo:
    return ZoneInfo(settings.SHOP_TIME_ZONE)


def is_greeting(body: bytes) -> bool:
    """Whether this is the unsigned form that WooCommerce posts when a webhook is saved, to see whether 200 comes."""
    return _GREETING.fullmatch(body) is not None


SOURCE = Source(
    "woocommerce",
    "WooCommerce",
    verify,
    dedupe_id,
    read,
    kept_headers=(TOPIC, "x-wc-webhook-delivery-id"),
    is_greeting=is_greeting,
)

"""Shopify's calls about one order: placed, sent, delivered."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.notifications.intake.samples import Call, End, Key, Samples

ORDER_ID, FULFILMENT_ID = 5_910_000_000_123, 4_120_000_000_777

ORDER: dict[str, Any] = {
    "id": ORDER_ID,
    "admin_graphql_api_id": f"gid://shopify/Order/{ORDER_ID}",
    "name": "#1042",
    "order_number": 1042,
    "email": "Ada@Example.com",
    "contact_email": "ada@example.com",
    "created_at": "2026-03-01T09:15:00+00:00",
    "processed_at": "2026-03-01T09:15:00+00:00",
    "updated_at": "2026-03-01T09:15:01+00:00",
    "cancelled_at": None,
    "cancel_reason": None,
    "currency": "EUR",
    "customer_locale": "de-DE",
    "financial_status": "paid",
    "fulfillment_status": None,
    "note": None,
    "note_attributes": [
        {"name": "gift", "value": "yes"},
        {"name": "Ship-By", "value": "2026-03-03"},
        {"name": "Delivery Date", "value": "2026/03/06"},
    ],
    "total_price": "84.00",
    "customer": {"id": 7_001, "email": "ada@example.com", "first_name": "Ada", "last_name": "Berg"},
    "shipping_address": {
        "first_name": "Ada",
        "last_name": "Berg",
        "address1": "Lange Strasse 5",
        "city": "Berlin",
        "zip": "10115",
        "province": "Berlin",
        "province_code": "BE",
        "country": "Germany",
        "country_code": "DE",
    },
    "line_items": [
        {"id": 91_001, "title": "Desk lamp", "name": "Desk lamp - brass", "quantity": 1, "current_quantity": 1},
        {"id": 91_002, "title": "Bulb", "name": "Bulb", "quantity": 4, "current_quantity": 4},
    ],
    "fulfillments": [],
}
FULFILMENT: dict[str, Any] = {
    "id": FULFILMENT_ID,
    "order_id": ORDER_ID,
    "name": "#1042.1",
    "status": "success",
    "created_at": "2026-03-02T14:00:00+00:00",
    "updated_at": "2026-03-02T14:00:00+00:00",
    "tracking_company": "DHL Express",
    "tracking_number": "JD014600003SE",
    "tracking_numbers": ["JD014600003SE", "JD014600004SE"],
    "tracking_url": "https://www.dhl.com/track?id=JD014600003SE",
    "shipment_status": None,
    "line_items": [{"id": 91_001, "quantity": 1}, {"id": 91_002, "quantity": 4}],
}


def event(number: int, status: str, at: str, **more: Any) -> dict[str, Any]:
    return {
        "id": 8_000 + number,
        "fulfillment_id": FULFILMENT_ID,
        "order_id": ORDER_ID,
        "status": status,
        "message": None,
        "happened_at": at,
        "created_at": at,
        "updated_at": at,
        "city": "Leipzig",
        "province": None,
        "country": "DE",
        "zip": None,
        "estimated_delivery_at": None,
        **more,
    }


def call(topic: str, event_id: str, payload: Any) -> Call:
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Event-Id": event_id,
        "X-Shopify-Shop-Domain": "fernhill.myshopify.com",
        "X-Shopify-Api-Version": "2026-01",
    }
    return Call(payload, headers)


def sign(body: bytes, signing: Any, headers: Mapping[str, str], at: datetime) -> dict[str, str]:
    mac = base64.b64encode(hmac.new(signing.encode(), body, hashlib.sha256).digest()).decode()
    return {**headers, "X-Shopify-Hmac-Sha256": mac}


SAMPLES = Samples(
    name="shopify",
    keys=(Key("shpss_one", "shpss_one"), Key("shpss_two", "shpss_two")),
    sign=sign,
    story=(
        call("orders/create", "e-1", ORDER),
        call("orders/updated", "e-2", {**ORDER, "email": "ada.berg@example.com", "updated_at": "2026-03-01T10:00:00Z"}),
        call("fulfillments/create", "e-3", FULFILMENT),
        call("fulfillment_events/create", "e-4", event(1, "in_transit", "2026-03-03T08:00:00+00:00")),
        call("fulfillment_events/create", "e-5", event(2, "delivered", "2026-03-05T11:30:00+00:00")),
    ),
    ends=(End("JD014600003SE", "delivered", 2), End("JD014600004SE", "delivered", 2)),
    nothing=(call("products/update", "e-8", {"id": 5}),),
    wrong=(
        (call("orders/create", "e-9", {**ORDER, "created_at": "yesterday"}), "created_at"),
        (call("fulfillments/create", "e-10", {**FULFILMENT, "order_id": None}), "order_id"),
        (call("orders/updated", "e-11", [ORDER]), "object"),
    ),
)

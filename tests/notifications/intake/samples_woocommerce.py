"""WooCommerce: an order that goes in two parcels."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.notifications.intake.samples import Call, End, Key, Samples

FIRST, SECOND = "AB000000001GB", "AB000000002GB"
# The id is of the second of sending, and so the same for whatever is sent then.
CREATED = {"X-WC-Webhook-Topic": "order.created", "X-WC-Webhook-Delivery-ID": "0c9a3b5e7f1d2468ace013579bdf2468"}
UPDATED = {"X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Delivery-ID": "0c9a3b5e7f1d2468ace013579bdf2468"}


def order(modified: str, *parcels: dict[str, Any], status: str = "processing", **changes: Any) -> dict[str, Any]:
    """An order as of then, with what the tracking plugin knows of its parcels."""
    meta = [
        {"id": 101, "key": "_orddd_timestamp", "value": "1795651200"},  # 2026-11-26
        {"id": 102, "key": "wpml_language", "value": "de"},
    ]
    if parcels:
        meta.append({"id": 103, "key": "_wc_shipment_tracking_items", "value": list(parcels)})
    return {
        "id": 727,
        "parent_id": 0,
        "number": "727",
        "order_key": "wc_order_made_up",
        "created_via": "checkout",
        "version": "9.4.0",
        "status": status,
        "currency": "GBP",
        "date_created": "2026-11-16T10:00:00",
        "date_created_gmt": "2026-11-16T10:00:00",
        "date_modified": modified,
        "date_modified_gmt": modified,
        "total": "74.00",
        "customer_id": 26,
        "customer_note": "",
        "billing": {
            "first_name": "Imke",
            "last_name": "Sander",
            "address_1": "1 Made Up Street",
            "city": "Leeds",
            "state": "",
            "postcode": "LS1 4AP",
            "country": "GB",
            "email": "imke@example.com",
            "phone": "",
        },
        "shipping": {
            "first_name": "Imke",
            "last_name": "Sander",
            "address_1": "1 Made Up Street",
            "city": "Leeds",
            "state": "",
            "postcode": "LS1 4AP",
            "country": "GB",
        },
        "payment_method": "bacs",
        "date_paid_gmt": "2026-11-16T10:00:30",
        "date_completed_gmt": None,
        "meta_data": meta,
        "line_items": [
            {"id": 315, "name": "Walnut tray", "product_id": 93, "quantity": 2, "price": 18},
            {"id": 316, "name": "Tea towel – Größe M", "product_id": 22, "quantity": 1, "price": 38},
        ],
        "shipping_lines": [{"id": 317, "method_title": "Flat rate", "method_id": "flat_rate"}],
        "refunds": [],
        **changes,
    }


def parcel(number: str, shipped: str, **more: Any) -> dict[str, Any]:
    """A tracking item. `shipped` is the day in Unix time, as the plugin writes it."""
    return {
        "tracking_provider": "royal-mail",
        "custom_tracking_provider": "",
        "custom_tracking_link": "",
        "tracking_number": number,
        "date_shipped": shipped,
        "tracking_id": hashlib.md5(number.encode()).hexdigest(),
        **more,
    }


def sign(body: bytes, signing: str, headers: Mapping[str, str], at: datetime) -> dict[str, str]:
    said = base64.b64encode(hmac.new(signing.encode(), body, hashlib.sha256).digest()).decode()
    return {**headers, "X-WC-Webhook-Signature": said}


ONE = parcel(FIRST, "1795046400", products_list=[{"product": 93, "item_id": 315, "qty": 2}])  # 2026-11-19
TWO = parcel(SECOND, "1795132800", products_list=[{"product": 22, "item_id": 316, "qty": 1}])  # 2026-11-20

SAMPLES = Samples(
    name="woocommerce",
    keys=(Key("first", "first"), Key("second", "second")),
    sign=sign,
    story=(
        Call(order("2026-11-16T10:00:30"), CREATED),
        Call(order("2026-11-19T09:00:00", ONE), UPDATED),
        Call(order("2026-11-20T09:00:00", ONE, TWO, status="completed"), UPDATED),
    ),
    ends=(End(FIRST, "handed_over", 1), End(SECOND, "handed_over", 1)),
    nothing=(
        Call({"id": 22, "name": "Tea towel", "status": "publish"}, {"X-WC-Webhook-Topic": "product.updated"}),
        Call(order("2026-11-16T10:00:01", status="pending"), CREATED),
    ),
    wrong=(
        (Call({"status": "processing"}, CREATED), "id"),
        (Call(order("2026-11-16T10:00:30", line_items=[{"name": ["no"]}]), UPDATED), "line_items[0].name"),
        (
            Call(order("2026-11-19T09:00:00", {"tracking_number": {"no": 1}}), UPDATED),
            "meta_data[2].value[0].tracking_number",
        ),
    ),
)

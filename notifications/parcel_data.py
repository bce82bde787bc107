"""What a mailbox may show beside our mail: the parcel as schema.org's ParcelDelivery. Pure.

https://schema.org/ParcelDelivery. We keep no street addresses, so `deliveryAddress` names country and region only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.safestring import SafeString, mark_safe

# https://schema.org/OrderStatus, by the parcel's state.
_STATUS = {
    "created": "OrderProcessing",
    "handed_over": "OrderInTransit",
    "in_transit": "OrderInTransit",
    "out_for_delivery": "OrderInTransit",
    "attempt_failed": "OrderProblem",
    "available_for_pickup": "OrderPickupAvailable",
    "exception": "OrderProblem",
    "returned": "OrderReturned",
    "delivered": "OrderDelivered",
}

_JSON = json.JSONEncoder(ensure_ascii=False)


def of(facts: Mapping[str, Any], *, country: str = "", region: str = "") -> dict[str, Any]:
    """The parcel, from the facts of its mail. What is not known is left out."""
    day = facts["expected_by"] or facts["promised_by"]
    return _filled(
        {
            "@context": "https://schema.org",
            "@type": "ParcelDelivery",
            "carrier": _typed("Organization", name=facts["carrier"]),
            "trackingNumber": facts["tracking_no"],
            "trackingUrl": facts["tracking_url"],
            "expectedArrivalUntil": day.isoformat() if day else "",
            "deliveryAddress": _typed("PostalAddress", addressCountry=country, addressRegion=region),
            "itemShipped": [{"@type": "Product", "name": name} for name in facts["items"]],
            "partOfOrder": _filled(
                {
                    "@type": "Order",
                    "orderNumber": facts["order_number"],
                    "orderDate": facts["placed_on"].isoformat() if facts["placed_on"] else "",
                    "merchant": _typed("Organization", name=facts["shop_name"]),
                    "orderStatus": f"https://schema.org/{_status(facts)}",
                    "url": facts["order_url"],
                }
            ),
            "potentialAction": _typed("TrackAction", target=facts["order_url"]),
        }
    )


def script_text(data: Mapping[str, Any]) -> SafeString:
    """JSON that can stand in a <script>: nothing in it ends the element or begins another."""
    text = _JSON.encode(data)
    for sign, escaped in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(sign, escaped)
    return mark_safe(text)


def _status(facts: Mapping[str, Any]) -> str:
    return "OrderCancelled" if facts["is_cancelled"] else _STATUS[facts["state"]]


def _typed(kind: str, **fields: str) -> dict[str, Any]:
    found = _filled(fields)
    return {"@type": kind, **found} if found else {}


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}

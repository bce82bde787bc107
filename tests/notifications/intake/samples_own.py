"""Our own webhook's calls about one order: saved, sent in two parcels, scans."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.notifications.intake.samples import Call, End, Key, Samples

ORDER: dict[str, Any] = {
    "id": "A-77",
    "number": "FH-77",
    "placed_at": "2026-03-01T09:00:00Z",
    "updated_at": "2026-03-01T09:00:00Z",
    "customer": {"id": "c-9", "email": "cy@example.com", "first_name": "Cy", "locale": "es"},
    "lines": [{"id": "l1", "title": "Teapot", "quantity": 1}, {"id": "l2", "title": "Cup", "quantity": 6}],
    "promised_ship_by": "2026-03-03",
    "promised_deliver_by": "2026-03-06",
    "ship_to": {"country": "ES", "region": "28"},
}
SHIPMENT: dict[str, Any] = {
    "order_id": "A-77",
    "carrier": "Correos",
    "tracking_no": "PK7700001ES",
    "created_at": "2026-03-02T12:00:00Z",
    "lines": [{"id": "l1", "quantity": 1}, {"id": "l2", "quantity": 6}],
    "expected_by": "2026-03-05",
    "expected_said_at": "2026-03-02T12:00:00Z",
}


def call(call_id: str, kind: str, data: Any) -> Call:
    payload = {"type": kind, "timestamp": "2026-03-02T12:00:00Z", "data": data}
    return Call(payload, {"webhook-id": call_id})


def scan(status: str, at: str, **more: Any) -> dict[str, Any]:
    return {"carrier": "Correos", "tracking_no": "PK7700001ES", "status": status, "at": at, **more}


def sign(body: bytes, signing: Any, headers: Mapping[str, str], at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    signed_id = headers.get("webhook-id", "msg_1")
    said = f"{signed_id}.{stamp}.".encode() + body
    mac = base64.b64encode(hmac.new(signing, said, hashlib.sha256).digest()).decode()
    return {**headers, "webhook-id": signed_id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{mac}"}


def key(raw: bytes) -> Key:
    return Key(raw, f"whsec_{base64.b64encode(raw).decode()}")


SAMPLES = Samples(
    name="own",
    keys=(key(b"first secret of thirty-two bytes"), key(b"other secret of thirty-two bytes")),
    sign=sign,
    story=(
        call("m-1", "order.saved", ORDER),
        call("m-2", "shipment.saved", SHIPMENT),
        call("m-3", "tracking_event.created", scan("handed_over", "2026-03-02T18:00:00Z")),
        call("m-4", "tracking_event.created", scan("exception", "2026-03-04T07:00:00Z", reason="weather")),
        call("m-5", "tracking_event.created", scan("delivered", "2026-03-05T15:00:00Z", place="Madrid")),
    ),
    ends=(
        End(
            "PK7700001ES",
            "delivered",
            3,
            frozenset({"weather"}),
            expected_by=datetime(2026, 3, 5, 23, 59, 59, tzinfo=UTC),
        ),
    ),
    wrong=(
        (call("m-9", "order.deleted", {"id": "A-77"}), "type"),
        (call("m-10", "tracking_event.created", scan("delivered", "soon")), "data.at"),
        (call("m-11", "shipment.saved", {**SHIPMENT, "tracking_no": ""}), "data.tracking_no"),
        (call("m-12", "tracking_event.created", scan("delivered", "2026-03-05T15:00:00Z", reason="aliens")), "reason"),
    ),
)

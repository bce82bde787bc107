"""EasyPost: a parcel that the weather held up."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from notifications.intake.facts import CustomerFact, LineFact, Placed
from notifications.intake.reading import end_of_day
from tests.notifications.intake.samples import Call, End, Key, Samples

NUMBER = "9400100000000000000001"


def detail(at: str, status: str, status_detail: str, message: str, city: str | None = None) -> dict[str, Any]:
    """A TrackingDetail."""
    return {
        "object": "TrackingDetail",
        "message": message,
        "description": None,
        "status": status,
        "status_detail": status_detail,
        "datetime": at,
        "source": "USPS",
        "carrier_code": "",
        "tracking_location": {
            "object": "TrackingLocation",
            "city": city,
            "state": "CO" if city else None,
            "country": "US" if city else None,
            "zip": None,
        },
    }


HISTORY = (
    detail("2026-11-16T09:00:00Z", "pre_transit", "label_created", "Shipping Label Created"),
    detail("2026-11-17T15:20:00Z", "in_transit", "received_at_origin_facility", "Accepted at post office", "DENVER"),
    detail("2026-11-18T02:00:00-07:00", "in_transit", "weather_delay", "Delayed by snow", "DENVER"),
    detail("2026-11-21T08:10:00Z", "out_for_delivery", "out_for_delivery", "Out for Delivery", "BOULDER"),
    detail("2026-11-21T16:45:00Z", "delivered", "arrived_at_destination", "Delivered, Porch", "BOULDER"),
)


def event(event_id: str, scans: int, expected: str | None, updated_at: str) -> dict[str, Any]:
    """An Event that tells of the first so many scans."""
    history = list(HISTORY[:scans])
    return {
        "id": event_id,
        "object": "Event",
        "mode": "production",
        "description": "tracker.created" if scans == 1 else "tracker.updated",
        "previous_attributes": {"status": "unknown"},
        "pending_urls": ["https://help.example.com/hook"],
        "completed_urls": [],
        "created_at": updated_at,
        "updated_at": updated_at,
        "result": {
            "id": "trk_made_up_1",
            "object": "Tracker",
            "mode": "production",
            "tracking_code": NUMBER,
            "status": history[-1]["status"],
            "status_detail": history[-1]["status_detail"],
            "signed_by": None,
            "weight": 17.6,
            "est_delivery_date": expected,
            "shipment_id": None,
            "carrier": "USPS",
            "created_at": "2026-11-16T09:00:00Z",
            "updated_at": updated_at,
            "tracking_details": history,
            "carrier_detail": {"object": "CarrierDetail", "service": "GroundAdvantage", "container_type": None},
            "public_url": "https://track.example.com/1",
            "fees": [],
        },
    }


def sign(body: bytes, signing: str, headers: Mapping[str, str], at: datetime) -> dict[str, str]:
    key = unicodedata.normalize("NFKD", signing).encode()
    return {**headers, "X-Hmac-Signature": "hmac-sha256-hex=" + hmac.new(key, body, hashlib.sha256).hexdigest()}


SAMPLES = Samples(
    name="easypost",
    keys=(Key("première", "première"), Key("second", "second")),
    sign=sign,
    story=(
        Call(event("evt_1", 1, None, "2026-11-16T09:00:05Z")),
        Call(event("evt_2", 2, "2026-11-19T00:00:00Z", "2026-11-17T15:21:00Z")),
        Call(event("evt_3", 3, "2026-11-21T00:00:00Z", "2026-11-18T09:05:00Z")),
        Call(event("evt_4", 5, "2026-11-21T00:00:00Z", "2026-11-21T16:46:00Z")),
    ),
    ends=(End(NUMBER, "delivered", 5, frozenset({"weather"}), end_of_day(date(2026, 11, 21))),),
    order=Placed(
        at=datetime(2026, 11, 15, 20, 0, tzinfo=UTC),
        order_id="EP-1",
        number="EP-1",
        customer=CustomerFact("ep-1", "mara@example.com", "Mara"),
        lines=(LineFact("Wool blanket", 1),),
        promised_ship_by=datetime(2026, 11, 18, 17, 0, tzinfo=UTC),
        promised_deliver_by=datetime(2026, 11, 24, 23, 59, tzinfo=UTC),
        carrier="USPS",
        tracking_no=NUMBER,
    ),
    nothing=(Call({"id": "evt_5", "object": "Event", "description": "batch.created", "result": {"object": "Batch"}}),),
    wrong=(
        (Call({"id": "evt_6", "description": "tracker.updated", "result": {"tracking_code": {}}}), "tracking_code"),
        (
            Call(
                {
                    "id": "evt_7",
                    "description": "tracker.updated",
                    "result": {"tracking_code": NUMBER, "tracking_details": [{"datetime": "yesterday"}]},
                }
            ),
            "result.tracking_details[0].datetime",
        ),
    ),
)

"""Shippo: a parcel with a wrong address that goes back."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from notifications.intake.facts import CustomerFact, LineFact, Placed
from tests.notifications.intake.samples import Call, End, Key, Samples

NUMBER = "00340000000000000002"


def scan(at: str, status: str, code: str, details: str, city: str) -> dict[str, Any]:
    """A TrackingStatus."""
    return {
        "object_created": at.replace("Z", ".943Z"),
        "object_updated": at.replace("Z", ".943Z"),
        "object_id": hashlib.sha256(at.encode()).hexdigest()[:32],
        "status": status,
        "status_details": details,
        "status_date": at,
        "substatus": {"code": code, "text": details, "action_required": code == "address_issue"},
        "location": {"city": city, "state": "", "zip": "10115", "country": "DE"},
    }


HISTORY = (
    scan("2026-11-16T09:00:00Z", "PRE_TRANSIT", "information_received", "Label created.", "Leipzig"),
    scan("2026-11-16T18:30:00Z", "TRANSIT", "package_accepted", "Picked up.", "Leipzig"),
    scan("2026-11-18T07:40:00Z", "TRANSIT", "address_issue", "The address is incomplete.", "Berlin"),
    scan("2026-11-20T10:00:00Z", "RETURNED", "return_to_sender", "Going back to the sender.", "Berlin"),
)


def track(scans: int, eta: str | None) -> dict[str, Any]:
    """A call that tells of the first so many scans."""
    history = list(HISTORY[:scans])
    place = {"city": "Berlin", "state": "", "zip": "10115", "country": "DE"}
    return {
        "event": "track_updated",
        "test": False,
        "data": {
            "carrier": "dhl_germany",
            "tracking_number": NUMBER,
            "address_from": place | {"city": "Leipzig"},
            "address_to": place,
            "eta": eta,
            "original_eta": "2026-11-18T00:00:00Z",
            "messages": [],
            "metadata": "Order SP-1",
            "servicelevel": {"token": "dhl_germany_paket", "name": "DHL Paket"},
            "tracking_status": history[-1],
            "tracking_history": history,
            "transaction": None,
        },
    }


def sign(body: bytes, signing: str, headers: Mapping[str, str], at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    said = hmac.new(signing.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {**headers, "Shippo-Auth-Signature": f"t={stamp},v1={said}"}


SAMPLES = Samples(
    name="shippo",
    keys=(Key("first", "first"), Key("second", "second")),
    sign=sign,
    story=(
        Call(track(1, "2026-11-18T17:00:00Z")),
        Call(track(2, "2026-11-18T17:00:00Z")),
        Call(track(3, "2026-11-19T17:00:00Z")),
        Call(track(4, None)),
    ),
    ends=(End(NUMBER, "returned", 4, frozenset({"address", "return"}), datetime(2026, 11, 19, 17, 0, tzinfo=UTC)),),
    order=Placed(
        at=datetime(2026, 11, 15, 20, 0, tzinfo=UTC),
        order_id="SP-1",
        number="SP-1",
        customer=CustomerFact("sp-1", "jonas@example.com", "Jonas"),
        lines=(LineFact("Oak shelf", 2),),
        promised_ship_by=datetime(2026, 11, 17, 17, 0, tzinfo=UTC),
        promised_deliver_by=datetime(2026, 11, 20, 23, 59, tzinfo=UTC),
        carrier="DHL",
        tracking_no=NUMBER,
    ),
    nothing=(Call({"event": "transaction_created", "test": True, "data": {"object_id": "made-up"}}),),
    wrong=(
        (Call({"event": "track_updated", "data": {"carrier": "usps", "tracking_number": None}}), "tracking_number"),
        (
            Call({"event": "track_updated", "data": {"tracking_number": NUMBER, "tracking_history": {"0": {}}}}),
            "data.tracking_history",
        ),
    ),
)

"""ShipEngine: a parcel that customs held, and that waits at a shop in the end."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from notifications.intake.facts import CustomerFact, LineFact, Placed
from notifications.intake.reading import end_of_day
from tests.notifications.intake.samples import Call, End, Key, Samples

NUMBER = "1Z0000000000000003"


def jwk(key: rsa.RSAPublicKey, key_id: str) -> dict[str, str]:
    """A key as ShipEngine publishes it."""
    numbers = key.public_numbers()

    def written(number: int) -> str:
        whole = number.to_bytes((number.bit_length() + 7) // 8, "big")
        return base64.urlsafe_b64encode(whole).decode().rstrip("=")

    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": key_id,
        "n": written(numbers.n),
        "e": written(numbers.e),
    }


def pinned(*keys: dict[str, str]) -> str:
    """The keys as a secret of the source."""
    return base64.b64encode(json.dumps({"keys": keys}).encode()).decode()


def new_key(key_id: str) -> Key:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return Key((key_id, private), pinned(jwk(private.public_key(), key_id)))


def sign(
    body: bytes, signing: tuple[str, rsa.RSAPrivateKey], headers: Mapping[str, str], at: datetime
) -> dict[str, str]:
    key_id, private = signing
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = private.sign(stamp.encode() + b"." + body, padding.PKCS1v15(), hashes.SHA256())
    return {
        **headers,
        "X-ShipEngine-RSA-SHA256-Key-Id": key_id,
        "X-ShipEngine-RSA-SHA256-Signature": base64.b64encode(said).decode(),
        "X-ShipEngine-Timestamp": stamp,
    }


def event(at: str, status: str, code: str, description: str, city: str, country: str) -> dict[str, Any]:
    """A track event."""
    return {
        "occurred_at": at,
        "carrier_occurred_at": at.rstrip("Z"),
        "description": description,
        "city_locality": city,
        "state_province": "",
        "postal_code": "",
        "country_code": country,
        "company_name": "",
        "signer": "",
        "event_code": "X1",
        "carrier_detail_code": None,
        "status_code": status,
        "status_description": "",
        "status_detail_code": code,
        "status_detail_description": "",
        "carrier_status_code": "X1",
        "carrier_status_description": description,
        "latitude": None,
        "longitude": None,
    }


HISTORY = (
    event("2026-11-16T09:00:00Z", "AC", "ELEC_ADVICE_RECD_BY_CARRIER", "Label created", "", ""),
    event("2026-11-16T19:00:00Z", "AC", "COLLECTION_MADE", "Pickup scan", "Lyon", "FR"),
    event("2026-11-17T04:00:00Z", "IT", "HUB_SCAN_OUT", "Departed from facility", "Paris", "FR"),
    event("2026-11-18T11:00:00Z", "EX", "HELD_BY_IMPORT_CUSTOMS", "Waiting for papers", "Birmingham", "GB"),
    event("2026-11-20T15:30:00Z", "SP", "AWAITING_COLLECTION_FROM_PICKUP_POINT", "Ready to collect", "Leeds", "GB"),
)


def track(scans: int, expected: str | None) -> dict[str, Any]:
    """A call that tells of the first so many events, the newest first as it comes."""
    history = list(HISTORY[:scans])
    return {
        "resource_url": f"https://api.shipengine.com/v1/tracking?carrier_code=ups&tracking_number={NUMBER}",
        "resource_type": "API_TRACK",
        "data": {
            "label_url": None,
            "tracking_number": NUMBER,
            "tracking_url": "https://track.example.com/3",
            "status_code": history[-1]["status_code"],
            "status_detail_code": history[-1]["status_detail_code"],
            "carrier_code": "ups",
            "carrier_id": 3,
            "carrier_detail_code": None,
            "status_description": "",
            "carrier_status_code": "X1",
            "carrier_status_description": history[-1]["description"],
            "ship_date": "2026-11-16T00:00:00",
            "estimated_delivery_date": expected,
            "actual_delivery_date": None,
            "exception_description": None,
            "events": history[::-1],
        },
    }


SAMPLES = Samples(
    name="shipengine",
    keys=(new_key("key-1"), new_key("key-2")),
    sign=sign,
    story=(
        Call(track(1, "2026-11-18T00:00:00")),
        Call(track(3, "2026-11-18T00:00:00")),
        Call(track(4, "2026-11-20T00:00:00")),
        Call(track(5, "2026-11-20T00:00:00")),
    ),
    ends=(End(NUMBER, "available_for_pickup", 5, frozenset({"customs", "pickup"}), end_of_day(date(2026, 11, 20))),),
    order=Placed(
        at=datetime(2026, 11, 15, 20, 0, tzinfo=UTC),
        order_id="SE-1",
        number="SE-1",
        customer=CustomerFact("se-1", "lea@example.com", "Lea"),
        lines=(LineFact("Linen apron", 1),),
        promised_ship_by=datetime(2026, 11, 17, 17, 0, tzinfo=UTC),
        promised_deliver_by=datetime(2026, 11, 19, 23, 59, tzinfo=UTC),
        carrier="UPS",
        tracking_no=NUMBER,
    ),
    nothing=(Call({"resource_url": "https://api.shipengine.com/v1/batches/se-1", "resource_type": "API_BATCH"}),),
    wrong=(
        (Call({"resource_type": "API_TRACK", "data": {"events": []}}), "data.tracking_number"),
        (
            Call({"resource_type": "API_TRACK", "data": {"tracking_number": NUMBER, "events": [{"occurred_at": 17}]}}),
            "data.events[0].occurred_at",
        ),
    ),
)

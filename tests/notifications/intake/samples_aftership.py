"""AfterShip's calls about one parcel: on its way, stuck at customs, delivered."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from notifications.intake.facts import CustomerFact, LineFact, Placed
from tests.notifications.intake.samples import Call, End, Key, Samples

NUMBER = "9361289676091361892011"
PLACED_AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def checkpoint(at: str, tag: str, subtag: str, message: str, **more: Any) -> dict[str, Any]:
    return {
        "slug": "usps",
        "created_at": at,
        "checkpoint_time": at,
        "tag": tag,
        "subtag": subtag,
        "subtag_message": tag,
        "message": message,
        "city": "Oakland",
        "state": "CA",
        "country_iso3": "USA",
        "country_name": "United States",
        "zip": None,
        "raw_tag": None,
        **more,
    }


CHECKPOINTS = (
    checkpoint("2026-03-02T10:00:00+00:00", "InTransit", "InTransit_002", "Accepted at the counter"),
    checkpoint("2026-03-03T04:00:00+00:00", "Exception", "Exception_004", "Held at customs"),
    checkpoint("2026-03-05T16:20:00+00:00", "Delivered", "Delivered_001", "Left with the customer"),
)


def tracking(scans: int, updated_at: str, *, expected: str | None) -> dict[str, Any]:
    last = CHECKPOINTS[scans - 1]
    return {
        "id": "grhrexm6t3hiwkjwq37jd003",
        "tracking_number": NUMBER,
        "slug": "usps",
        "title": NUMBER,
        "active": scans < 3,
        "tag": last["tag"],
        "subtag": last["subtag"],
        "subtag_message": last["tag"],
        "updated_at": updated_at,
        "expected_delivery": expected,
        "destination_country_iso3": "USA",
        "emails": [],
        "order_id": None,
        "checkpoints": list(CHECKPOINTS[:scans]),
    }


def call(event_id: str, msg: Any, *, event: str = "tracking_update") -> Call:
    return Call({"ts": 1_772_400_000, "event": event, "event_id": event_id, "is_tracking_first_tag": True, "msg": msg})


def sign(body: bytes, signing: Any, headers: Mapping[str, str], at: datetime) -> dict[str, str]:
    mac = base64.b64encode(hmac.new(signing.encode(), body, hashlib.sha256).digest()).decode()
    return {**headers, "aftership-hmac-sha256": mac}


SAMPLES = Samples(
    name="aftership",
    keys=(Key("as-first", "as-first"), Key("as-second", "as-second")),
    sign=sign,
    story=(
        call("3f645f5e-530b-4062-8695-db6a64420af8", tracking(1, "2026-03-02T10:05:00+00:00", expected="2026-03-04")),
        call("3f645f5e-530b-4062-8695-db6a64420af9", tracking(2, "2026-03-03T04:05:00+00:00", expected="2026-03-07")),
        call("3f645f5e-530b-4062-8695-db6a64420afa", tracking(3, "2026-03-05T16:25:00+00:00", expected=None)),
    ),
    ends=(
        End(
            NUMBER,
            "delivered",
            3,
            frozenset({"customs"}),
            expected_by=datetime(2026, 3, 7, 23, 59, 59, tzinfo=UTC),
        ),
    ),
    order=Placed(
        at=PLACED_AT,
        order_id="FH-2001",
        number="FH-2001",
        customer=CustomerFact("bo", "bo@example.com", "Bo"),
        lines=(LineFact("Kettle", 1),),
        promised_ship_by=None,
        promised_deliver_by=None,
        carrier="USPS",
        tracking_no=NUMBER,
    ),
    nothing=(call("3f645f5e-530b-4062-8695-db6a64420afb", {"id": "x"}, event="tracking_pending_time"),),
    wrong=(
        (call("3f645f5e-530b-4062-8695-db6a64420afc", {"slug": "usps"}), "tracking_number"),
        (call("3f645f5e-530b-4062-8695-db6a64420afd", {"tracking_number": NUMBER, "checkpoints": 5}), "checkpoints"),
    ),
)

"""Shippo's webhook `track_updated`: a parcel's present state and its whole history.

Documented at docs.goshippo.com (Tracking, Webhooks, Webhook security). Moments are UTC. Shippo signs, where its support
has switched that on, with HMAC-SHA256 in hex over "<time>.<body>": `Shippo-Auth-Signature: t=<unix time>,v1=<hex>`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from notifications.intake import signatures, trackers
from notifications.intake.facts import Fact
from notifications.intake.meanings import Meaning, Words
from notifications.intake.reading import At, place
from notifications.intake.source import Headers, Source
from notifications.models import ShipmentState, TroubleReason
from notifications.tracking import Scan

SIGNATURE = "shippo-auth-signature"
_LONGEST_SIGNATURE = 200

_TROUBLE = Meaning(ShipmentState.EXCEPTION, TroubleReason.OTHER)
_MISSED = Meaning(ShipmentState.ATTEMPT_FAILED, TroubleReason.RECIPIENT)
_BACK = Meaning(ShipmentState.RETURNED, TroubleReason.RETURN)
_SILENT = Meaning()  # leaves what the status says, or says nothing of the parcel

WORDS = Words(
    statuses={
        "UNKNOWN": _SILENT,
        "PRE_TRANSIT": Meaning(ShipmentState.CREATED),
        "TRANSIT": Meaning(ShipmentState.IN_TRANSIT),
        "DELIVERED": Meaning(ShipmentState.DELIVERED),
        "RETURNED": _BACK,
        "FAILURE": _TROUBLE,
    },
    details={
        "information_received": _SILENT,
        "address_issue": Meaning(ShipmentState.EXCEPTION, TroubleReason.ADDRESS),
        "contact_carrier": _TROUBLE,
        "delayed": _TROUBLE,
        "delivery_attempted": _MISSED,
        "delivery_rescheduled": _SILENT,
        "delivery_scheduled": _SILENT,
        "location_inaccessible": Meaning(ShipmentState.ATTEMPT_FAILED, TroubleReason.ADDRESS),
        "notice_left": _MISSED,
        "out_for_delivery": Meaning(ShipmentState.OUT_FOR_DELIVERY),
        "package_accepted": Meaning(ShipmentState.HANDED_OVER),
        "package_arrived": _SILENT,
        "package_damaged": Meaning(ShipmentState.EXCEPTION, TroubleReason.DAMAGED),
        "package_departed": _SILENT,
        "package_forwarded": _SILENT,
        "package_held": _TROUBLE,
        "package_processed": _SILENT,
        "package_processing": _SILENT,
        "pickup_available": Meaning(ShipmentState.AVAILABLE_FOR_PICKUP, TroubleReason.PICKUP),
        "reschedule_delivery": _MISSED,
        "delivered": _SILENT,
        "return_to_sender": _BACK,
        "package_unclaimed": _BACK,
        "package_undeliverable": _TROUBLE,
        "package_disposed": _TROUBLE,
        "package_lost": Meaning(ShipmentState.EXCEPTION, TroubleReason.LOST),
        "other": _SILENT,
    },
)


def verify(body: bytes, headers: Headers, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the secrets signed this body with the time beside it.

    The time's age is not judged: Shippo documents no limit, and says nothing of when it signs what it sends again. An
    old call has no effect because the hash of its body is known.
    """
    header = headers.get(SIGNATURE, "")
    parts = dict(part.strip().partition("=")[::2] for part in header.split(",")) if header else {}
    stamp, given = parts.get("t", ""), parts.get("v1", "").lower().encode(errors="replace")
    if len(header) > _LONGEST_SIGNATURE or not (stamp.isascii() and stamp.isdigit()):
        return False
    matches = [hmac.compare_digest(given, _signature(body, stamp, secret)) for secret in secrets if secret]
    return any(matches)


def _signature(body: bytes, stamp: str, secret: str) -> bytes:
    return signatures.mac(secret, stamp.encode(), b".", body).hex().encode()


def dedupe_id(body: bytes, headers: Headers) -> str:
    """The body's hash: Shippo gives its calls no id."""
    return hashlib.sha256(body).hexdigest()


def read(payload: Any, headers: Headers) -> list[Fact]:
    """Every scan of the parcel's history, and the day that the carrier named. Raises Unreadable."""
    event = At(payload)
    if event.text("event") != "track_updated":
        return []
    track = event.object("data")
    latest = track.object("tracking_status")
    # A parcel that the carrier has not heard of has a state without a date.
    current = None if latest.at("status_date").is_missing else _scan(latest)
    return trackers.facts_of(
        carrier=track.name("carrier", longest=60),
        tracking_no=track.needed("tracking_number"),
        history=[_scan(entry) for entry in track.each("tracking_history")],
        current=current,
        expected_by=track.day_end("eta"),
        said_at=latest.moment("object_updated"),
    )


def _scan(entry: At) -> Scan:
    substatus, at = entry.object("substatus"), entry.object("location")
    meaning, raw = WORDS.read(entry.text("status"), substatus.text("code"))
    return Scan(
        state=meaning.state,
        at=entry.needed_moment("status_date"),
        raw_status=raw,
        text=entry.text("status_details", longest=300) or substatus.text("text", longest=300),
        place=place(at.text("city"), at.text("state"), at.text("country")),
        reason=meaning.reason,
    )


SOURCE = Source("shippo", "Shippo", verify, dedupe_id, read)

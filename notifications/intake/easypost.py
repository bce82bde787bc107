"""EasyPost's webhook: a Tracker in an Event, with the whole history of its parcel.

Documented at docs.easypost.com (Trackers, Events, Webhooks). Moments have an offset, or are UTC. EasyPost signs with
HMAC-SHA256 of the body, in hex, keyed with the secret's NFKD form, as its own client libraries compute it.
"""

from __future__ import annotations

import hmac
import unicodedata
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

SIGNATURE = "x-hmac-signature"
_BEGIN = "hmac-sha256-hex="
_OURS = ("tracker.created", "tracker.updated")

_TROUBLE = Meaning(ShipmentState.EXCEPTION, TroubleReason.OTHER)
_SILENT = Meaning()  # leaves what the status says, or says nothing of the parcel

WORDS = Words(
    statuses={
        "unknown": _SILENT,
        "pre_transit": Meaning(ShipmentState.CREATED),
        "in_transit": Meaning(ShipmentState.IN_TRANSIT),
        "out_for_delivery": Meaning(ShipmentState.OUT_FOR_DELIVERY),
        "delivered": Meaning(ShipmentState.DELIVERED),
        "available_for_pickup": Meaning(ShipmentState.AVAILABLE_FOR_PICKUP, TroubleReason.PICKUP),
        "return_to_sender": Meaning(ShipmentState.RETURNED, TroubleReason.RETURN),
        "failure": _TROUBLE,
        "cancelled": _SILENT,  # the label was taken back: the goods may go with another
        "error": _SILENT,  # EasyPost's own, not the parcel's
    },
    details={
        "address_correction": Meaning(ShipmentState.EXCEPTION, TroubleReason.ADDRESS),
        "arrived_at_destination": _SILENT,
        "arrived_at_facility": _SILENT,
        "arrived_at_pickup_location": Meaning(ShipmentState.AVAILABLE_FOR_PICKUP, TroubleReason.PICKUP),
        "awaiting_information": _SILENT,
        "cancelled": _SILENT,
        "damaged": Meaning(ShipmentState.EXCEPTION, TroubleReason.DAMAGED),
        "delayed": _TROUBLE,
        "delivery_exception": _TROUBLE,
        "departed_facility": _SILENT,
        "departed_origin_facility": _SILENT,
        "expired": _SILENT,
        "failure": _TROUBLE,
        "held": _TROUBLE,
        "in_transit": _SILENT,
        "label_created": _SILENT,
        "lost": Meaning(ShipmentState.EXCEPTION, TroubleReason.LOST),
        "missorted": _TROUBLE,
        "out_for_delivery": _SILENT,
        "received_at_destination_facility": _SILENT,
        "received_at_origin_facility": _SILENT,
        "refused": Meaning(ShipmentState.EXCEPTION, TroubleReason.RECIPIENT),
        "return": Meaning(ShipmentState.RETURNED, TroubleReason.RETURN),
        "status_update": _SILENT,
        "transferred_to_destination_carrier": _SILENT,
        "transit_exception": _TROUBLE,
        "unknown": _SILENT,
        "weather_delay": Meaning(ShipmentState.EXCEPTION, TroubleReason.WEATHER),
    },
)


def verify(body: bytes, headers: Headers, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the secrets signed the body. EasyPost's signature has no time: an old call is known by its id."""
    given = headers.get(SIGNATURE, "").strip().lower().encode(errors="replace")
    matches = [hmac.compare_digest(given, _signature(body, secret)) for secret in secrets if secret]
    return any(matches)


def _signature(body: bytes, secret: str) -> bytes:
    return (_BEGIN + signatures.mac(unicodedata.normalize("NFKD", secret), body).hex()).encode()


def dedupe_id(body: bytes, headers: Headers) -> str:
    """The event's id; of a body without one its hash."""
    return trackers.event_id(body, "id")


def read(payload: Any, headers: Headers) -> list[Fact]:
    """Every scan of the tracker's history, and the day that the carrier named. Raises Unreadable."""
    event = At(payload)
    if event.text("description") not in _OURS:
        return []
    tracker = event.object("result")
    tracking_no, carrier = tracker.needed("tracking_code"), tracker.name("carrier", longest=60)
    updated_at = tracker.moment("updated_at") or event.moment("created_at")
    history = [_scan(detail) for detail in tracker.each("tracking_details")]
    meaning, raw = WORDS.read(tracker.text("status"), tracker.text("status_detail"))
    newest = max((scan.at for scan in history), default=None)
    current = None
    if (moment := newest or updated_at) is not None:
        current = Scan(meaning.state, moment, raw_status=raw, reason=meaning.reason, is_dated=newest is not None)
    return trackers.facts_of(
        carrier=carrier,
        tracking_no=tracking_no,
        history=history,
        current=current,
        expected_by=tracker.day_end("est_delivery_date"),
        said_at=updated_at,
    )


def _scan(detail: At) -> Scan:
    meaning, raw = WORDS.read(detail.text("status"), detail.text("status_detail"))
    at = detail.object("tracking_location")
    return Scan(
        state=meaning.state,
        at=detail.needed_moment("datetime"),
        raw_status=raw,
        text=detail.text("message", longest=300) or detail.text("description", longest=300),
        place=place(at.text("city"), at.text("state"), at.text("country")),
        reason=meaning.reason,
    )


SOURCE = Source("easypost", "EasyPost", verify, dedupe_id, read)

"""ShipEngine's webhook `track` (ShipStation API): a parcel's present state and its whole history.

Documented at docs.shipstation.com (Webhooks, Webhook validation, Tracking). It signs with RSA (PKCS #1 v1.5) and
SHA-256 over "<time>.<body>"; a header says with which of the keys whose public parts it publishes. A "secret" of this
source is therefore public: see shipengine_keys.py. Scans' moments are UTC; `estimated_delivery_date` is a bare day.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from notifications.intake import shipengine_keys, trackers
from notifications.intake.facts import Fact
from notifications.intake.meanings import Meaning, Words
from notifications.intake.reading import At, place
from notifications.intake.source import Headers, Source
from notifications.models import ShipmentState, TroubleReason
from notifications.tracking import Scan

KEY_ID = "x-shipengine-rsa-sha256-key-id"
SIGNATURE = "x-shipengine-rsa-sha256-signature"
TIMESTAMP = "x-shipengine-timestamp"
TOLERANCE = timedelta(minutes=5)
_LONGEST_HEADER = 2000
_OURS = ("API_TRACK", "TRACK_EVENT_V2")  # the same payload, of the first and the second version of its API

_CREATED = Meaning(ShipmentState.CREATED)
_HANDED_OVER = Meaning(ShipmentState.HANDED_OVER)
_MOVING = Meaning(ShipmentState.IN_TRANSIT)
_OUT = Meaning(ShipmentState.OUT_FOR_DELIVERY)
_DELIVERED = Meaning(ShipmentState.DELIVERED)
_COLLECT = Meaning(ShipmentState.AVAILABLE_FOR_PICKUP, TroubleReason.PICKUP)
_BACK = Meaning(ShipmentState.RETURNED, TroubleReason.RETURN)
_MISSED = Meaning(ShipmentState.ATTEMPT_FAILED, TroubleReason.RECIPIENT)
_TROUBLE = Meaning(ShipmentState.EXCEPTION, TroubleReason.OTHER)
_CUSTOMS = Meaning(ShipmentState.EXCEPTION, TroubleReason.CUSTOMS)
_SILENT = Meaning()  # leaves what the status says, or says nothing of the parcel

WORDS = Words(
    statuses={
        "UN": _SILENT,
        "NY": _CREATED,
        "AC": _CREATED,  # its data: with "Shipping Label Created"; a detail says when the parcel itself was taken
        "IT": _MOVING,
        "DE": _DELIVERED,
        "EX": _TROUBLE,
        "AT": _MISSED,
        "SP": _COLLECT,
    },
    details={
        "COLLECTION_FAILED": _SILENT,
        "AWAITING_DESPATCH": _CREATED,
        "COLLECTION_REQUESTED": _CREATED,
        "DESPATCHED": _HANDED_OVER,
        "ELEC_ADVICE_RECD_BY_CARRIER": _CREATED,
        "NOT_YET_RECEIVED_BY_CARRIER": _CREATED,
        "COLLECTION_MADE": _HANDED_OVER,
        "SHIPMENT_CREATED": _CREATED,
        "AWAITING_PICKUP_DROP_OFF": _CREATED,
        "DROPPED_OFF": _HANDED_OVER,
        "PICKED_UP": _HANDED_OVER,
        "ATTEMPTED_DELIVERY": _MISSED,
        "ATTEMPTED_DELIVERY_2ND": _MISSED,
        "ATTEMPTED_DELIVERY_3RD": _MISSED,
        "ATTEMPTED_DELIVERY_FINAL": _MISSED,
        "COD_AMOUNT_NOT_PAID": _MISSED,
        "COD_AMOUNT_PAID": _SILENT,
        "CUSTOMER_CARDED": _MISSED,
        "CUSTOMER_IDENTIFICATION_FAILED": _MISSED,
        "INVALID_METHOD_OF_PAYMENT": _MISSED,
        "NO_ACCESS_TO_RECIPIENTS_ADDRESS": Meaning(ShipmentState.ATTEMPT_FAILED, TroubleReason.ADDRESS),
        "OUT_FOR_DELIVERY": _OUT,
        "DELIVERED": _DELIVERED,
        "DELIVERED_DAMAGED": Meaning(ShipmentState.DELIVERED, TroubleReason.DAMAGED),
        "DELIVERED_IN_PART": _DELIVERED,
        "DELIVERED_SPECIFIED_SAFE_PLACE": _DELIVERED,
        "DELIVERED_TO_ALTERNATIVE_DELIVERY_LOCATION": _DELIVERED,
        "DELIVERED_TO_NEIGHBOUR": _DELIVERED,
        "DELIVERED_TO_PO_BOX": _DELIVERED,
        "PARCEL_COLLECTED_FROM_PICKUP_POINT": _DELIVERED,
        "POST_TRANSIT_STATUS": _SILENT,
        "PROOF_OF_DELIVERY": _DELIVERED,
        "CANCELLED": _SILENT,  # the label was taken back: the goods may go with another
        "CANCELLED_BEFORE_DESPATCH": _SILENT,
        "CUSTOMER_MOVED": Meaning(ShipmentState.RETURNED, TroubleReason.ADDRESS),
        "HAZARDOUS_PROHIBITED": _BACK,
        "NOT_COLLECTED_FROM_PICKUP_POINT": _BACK,
        "NOT_DELIVERED": _BACK,
        "NOT_DELIVERED_ADDRESSEE_DECEASED": Meaning(ShipmentState.EXCEPTION, TroubleReason.RECIPIENT),
        "PARCEL_DAMAGED": Meaning(ShipmentState.RETURNED, TroubleReason.DAMAGED),
        "PARCEL_DISPOSED": _TROUBLE,
        "PARCEL_LOST": Meaning(ShipmentState.EXCEPTION, TroubleReason.LOST),
        "PARCEL_OUTSIDE_OF_SERVICE_CAPABILITY": _BACK,
        "REFUSED_BY_CUSTOMER": Meaning(ShipmentState.RETURNED, TroubleReason.RECIPIENT),
        "RETURN_TO_SENDER": _BACK,
        "ADDRESS_QUERY": Meaning(ShipmentState.EXCEPTION, TroubleReason.ADDRESS),
        "CARRIER_DELAYS": _TROUBLE,
        "CUSTOMS_CLEARED": _MOVING,
        "CUSTOMS_PROCESSING": _MOVING,
        "DELAYED_NOT_CARRIER": _TROUBLE,
        "DELIVERY_ARRANGED_WITH_RECIPIENT": _SILENT,
        "DELIVERY_SCHEDULED": _SILENT,
        "DELIVERY_RESCHEDULED": _SILENT,
        "HELD_BY_CARRIER": _TROUBLE,
        "HELD_BY_CARRIER_FOR_CLEARANCE_PRE_PROCESSING": _CUSTOMS,
        "HELD_BY_CUSTOMS": _CUSTOMS,
        "HELD_BY_EXPORT_CUSTOMS": _CUSTOMS,
        "HELD_BY_IMPORT_CUSTOMS": _CUSTOMS,
        "HUB_SCAN_IN": _MOVING,
        "HUB_SCAN_OUT": _MOVING,
        "HUB_PROCESSING": _MOVING,
        "IN_TRANSIT": _MOVING,
        "INCORRECT_DECLARATION": _TROUBLE,
        "INFORMATION": _SILENT,
        "MISSORTED": _TROUBLE,
        "PARCEL_OVER_LABELLED": _SILENT,
        "PARCEL_REDIRECTED": _SILENT,
        "PARCEL_REPACKED": Meaning(ShipmentState.EXCEPTION, TroubleReason.DAMAGED),
        "PARCEL_UPDATE_NOTIFICATION": _SILENT,
        "PARCEL_UPDATE_NOTIFICATION_VIA_EMAIL": _SILENT,
        "PARCEL_UPDATE_NOTIFICATION_VIA_SMS": _SILENT,
        "RECEIVED_BY_CARRIER": _HANDED_OVER,
        "RECEIVED_LOCAL_DELIVERY_DEPOT": _MOVING,
        "ROUTING_ERROR": _TROUBLE,
        "SUB_CONTRACTOR_EVENT": _SILENT,
        "SUB_CONTRACTOR_RECEIVED": _MOVING,
        "RECD_BY_CARRIER_NO_ELEC_ADVICE": _HANDED_OVER,
        "AWAITING_ELECTRONIC_ADVICE": _CREATED,
        "AWAITING_COLLECTION_FROM_PICKUP_POINT": _COLLECT,
        "COLLECT_AT_LOCAL_PO": _COLLECT,
        "CUSTOMER_TO_COLLECT_FROM_CARRIER": _COLLECT,
        "DELIVERED_TO_LOCKER_COLLECTION_POINT": _COLLECT,
        "CARRIER_STATUS_NOT_MAPPED": _SILENT,
    },
)


def verify(body: bytes, headers: Headers, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the public keys that `secrets` name signed this body, at most five minutes from `now`."""
    key_id, signature, stamp = (headers.get(name, "") for name in (KEY_ID, SIGNATURE, TIMESTAMP))
    if not (key_id and signature and stamp) or len(key_id + signature + stamp) > _LONGEST_HEADER:
        return False
    signed_at = _signed_at(stamp)
    if signed_at is None or abs(now - signed_at) > TOLERANCE:
        return False
    try:
        signed = base64.b64decode(signature, validate=True)
        said = stamp.encode() + b"." + body
    except (binascii.Error, ValueError):
        return False
    for secret in secrets:
        if (key := shipengine_keys.find(secret, key_id)) is not None:
            try:
                key.verify(signed, said, padding.PKCS1v15(), hashes.SHA256())
            except InvalidSignature:
                continue
            return True
    return False


def _signed_at(stamp: str) -> datetime | None:
    """A time in ISO 8601, as documented, or in Unix seconds or milliseconds; None where it is neither."""
    try:
        if re.fullmatch(r"[0-9]{1,13}", stamp):
            return datetime.fromtimestamp(int(stamp) / (1000 if len(stamp) > 11 else 1), UTC)
        moment = datetime.fromisoformat(stamp)
    except (ValueError, OverflowError, OSError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if 2000 < moment.year < 3000 else None


def dedupe_id(body: bytes, headers: Headers) -> str:
    """The body's hash: ShipEngine gives its calls no id, and signs what it sends again anew."""
    return hashlib.sha256(body).hexdigest()


def read(payload: Any, headers: Headers) -> list[Fact]:
    """Every scan of the parcel's history, and the day that the carrier named. Raises Unreadable."""
    call = At(payload)
    if call.text("resource_type") not in _OURS:
        return []
    data = call.object("data")
    history = [_scan(event) for event in data.each("events")]
    newest = max((scan.at for scan in history), default=None)
    return trackers.facts_of(
        carrier=data.name("carrier_code", longest=60) or _carrier_of(call.text("resource_url")),
        tracking_no=data.needed("tracking_number"),
        history=history,
        current=_current(data, newest or data.moment("actual_delivery_date")),
        expected_by=data.day_end("estimated_delivery_date"),
    )


def _current(data: At, at: datetime | None) -> Scan | None:
    """What it says of the parcel as a whole; None where that has no date. Older payloads' events have no status."""
    meaning, raw = WORDS.read(data.text("status_code"), data.text("status_detail_code"))
    if at is None:
        return None
    text = (
        data.text("exception_description", longest=300)
        or data.text("carrier_status_description", longest=300)
        or data.text("status_description", longest=300)
    )
    return Scan(meaning.state, at, raw_status=raw, text=text, reason=meaning.reason)


def _scan(event: At) -> Scan:
    status, detail = event.text("status_code"), event.text("status_detail_code")
    meaning, raw = WORDS.read(status, detail)
    return Scan(
        state=meaning.state,
        at=event.needed_moment("occurred_at"),
        raw_status=raw or ("" if meaning.state else event.name("event_code", longest=80)),
        text=event.text("description", longest=300) or event.text("carrier_status_description", longest=300),
        place=place(event.text("city_locality"), event.text("state_province"), event.text("country_code")),
        reason=meaning.reason,
    )


def _carrier_of(address: str) -> str:
    """Older payloads name the carrier in their address only: …/v1/tracking?carrier_code=ups&tracking_number=1Z…"""
    try:
        return parse_qs(urlsplit(address).query).get("carrier_code", [""])[0][:60]
    except ValueError:
        return ""


SOURCE = Source("shipengine", "ShipEngine", verify, dedupe_id, read, kept_headers=(KEY_ID, TIMESTAMP))

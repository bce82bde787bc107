"""AfterShip's tracking webhooks: a parcel with its whole history, known by its number.

Documented at aftership.com/docs/tracking (webhook, delivery statuses and sub-statuses).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from notifications.intake import signatures, trackers
from notifications.intake.facts import Fact
from notifications.intake.meanings import Meaning, Words
from notifications.intake.reading import At, place
from notifications.intake.source import Headers, Source
from notifications.intake.troubles import reason_in
from notifications.models import ShipmentState, TroubleReason
from notifications.tracking import Scan

SIGNATURE = "aftership-hmac-sha256"
_OURS = ("tracking_update", "edd_revise")

_SILENT = Meaning()
_MOVING = Meaning(ShipmentState.IN_TRANSIT)
_OUT = Meaning(ShipmentState.OUT_FOR_DELIVERY)
_DELIVERED = Meaning(ShipmentState.DELIVERED)
_MISSED = Meaning(ShipmentState.ATTEMPT_FAILED, TroubleReason.RECIPIENT)
_COLLECT = Meaning(ShipmentState.AVAILABLE_FOR_PICKUP, TroubleReason.PICKUP)


def _trouble(reason: TroubleReason) -> Meaning:
    return Meaning(ShipmentState.EXCEPTION, reason)


WORDS = Words(
    statuses={
        "Pending": _SILENT,
        "InfoReceived": Meaning(ShipmentState.CREATED),
        "InTransit": _MOVING,
        "OutForDelivery": _OUT,
        "AttemptFail": _MISSED,
        "Delivered": _DELIVERED,
        "AvailableForPickup": _COLLECT,
        "Exception": _trouble(TroubleReason.OTHER),
        "Expired": _trouble(TroubleReason.LOST),  # nothing was heard for thirty days
    },
    details={
        **dict.fromkeys((f"Pending_00{n}" for n in range(1, 7)), _SILENT),
        "InfoReceived_001": Meaning(ShipmentState.CREATED),
        "InTransit_001": _MOVING,
        "InTransit_002": Meaning(ShipmentState.HANDED_OVER),  # accepted by the carrier
        "InTransit_003": _MOVING,
        "InTransit_004": _MOVING,
        "InTransit_005": _MOVING,  # through customs
        "InTransit_006": Meaning(ShipmentState.IN_TRANSIT, TroubleReason.CUSTOMS),  # at customs
        "InTransit_007": _MOVING,
        "InTransit_008": _MOVING,  # its trouble is over
        "InTransit_009": Meaning(ShipmentState.IN_TRANSIT, TroubleReason.ADDRESS),  # sent on to another one
        "OutForDelivery_001": _OUT,
        "OutForDelivery_003": _OUT,
        "OutForDelivery_004": _OUT,
        "AttemptFail_001": _MISSED,
        "AttemptFail_002": _MISSED,
        "AttemptFail_003": _MISSED,
        "AvailableForPickup_001": _COLLECT,
        **dict.fromkeys((f"Delivered_00{n}" for n in range(1, 6)), _DELIVERED),
        "Exception_001": _trouble(TroubleReason.OTHER),
        "Exception_002": _trouble(TroubleReason.ADDRESS),  # the customer has moved
        "Exception_003": _trouble(TroubleReason.RECIPIENT),  # refused
        "Exception_004": _trouble(TroubleReason.CUSTOMS),
        "Exception_005": _trouble(TroubleReason.OTHER),  # whatever is outside the carrier's hands
        "Exception_006": _trouble(TroubleReason.RECIPIENT),  # held until somebody pays
        "Exception_007": _trouble(TroubleReason.ADDRESS),
        "Exception_008": _trouble(TroubleReason.PICKUP),  # not collected in time
        "Exception_009": _trouble(TroubleReason.OTHER),  # rejected by the carrier
        "Exception_010": _trouble(TroubleReason.RETURN),
        "Exception_011": Meaning(ShipmentState.RETURNED, TroubleReason.RETURN),
        "Exception_012": _trouble(TroubleReason.DAMAGED),
        "Exception_013": _trouble(TroubleReason.LOST),
        "Exception_016": _trouble(TroubleReason.CAPACITY),  # the carrier's own processing
        "Exception_017": _trouble(TroubleReason.WEATHER),
        "Exception_018": _trouble(TroubleReason.CUSTOMS),  # papers wrong or missing
        "Expired_001": _trouble(TroubleReason.LOST),
    },
)
_VAGUE = ("Exception_001", "Exception_005", "")  # where the carrier's own words may say more


def verify(body: bytes, headers: Headers, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the webhook secrets signed this body."""
    return signatures.base64_hmac(headers.get(SIGNATURE, ""), body, secrets)


def dedupe_id(body: bytes, headers: Headers) -> str:
    """The event's id, which the body holds; its hash where it has none."""
    return trackers.event_id(body, "event_id")


def read(payload: Any, headers: Headers) -> list[Fact]:
    """Every checkpoint, and the day that was named. Raises Unreadable."""
    call = At(payload)
    if call.text("event") not in _OURS:
        return []
    tracking = call.at("msg")
    if tracking.is_missing:
        raise tracking.unreadable("the tracking is needed")
    said_at = tracking.moment("updated_at") or _stamp(call)
    history = [scan for checkpoint in tracking.each("checkpoints") if (scan := _scan(checkpoint)) is not None]
    return trackers.facts_of(
        carrier=tracking.name("slug", longest=60),
        tracking_no="".join(tracking.needed("tracking_number").split()),
        history=history,
        current=_current(tracking, said_at, has_history=bool(history)),
        expected_by=_expected(tracking),
        said_at=said_at,
    )


def _scan(checkpoint: At) -> Scan | None:
    tag, subtag = checkpoint.text("tag"), checkpoint.text("subtag")
    if tag == "Pending":  # AfterShip itself, waiting for the carrier's first word
        return None
    meaning, raw = WORDS.read(tag, subtag)
    text = checkpoint.text("message", longest=300) or checkpoint.text("subtag_message", longest=300)
    if meaning.state == ShipmentState.EXCEPTION and subtag in _VAGUE:
        meaning = meaning._replace(reason=reason_in(text) or meaning.reason)
    country = checkpoint.text("country_name") or checkpoint.text("country_iso3")
    where = place(checkpoint.text("city"), checkpoint.text("state"), country)
    # Many carriers give the time on the clock of the place and do not say which: as UTC it is hours wrong, at most 14.
    at = checkpoint.needed_moment("checkpoint_time", zone=UTC)
    return Scan(meaning.state, at, raw_status=raw, text=text, place=where, reason=meaning.reason)


def _current(tracking: At, said_at: datetime | None, *, has_history: bool) -> Scan | None:
    """What AfterShip says of a parcel beyond its checkpoints: something where there are none, and that it gave up."""
    tag = tracking.text("tag")
    if said_at is None or (has_history and tag != "Expired") or tag in ("", "Pending"):
        return None
    meaning, raw = WORDS.read(tag, tracking.text("subtag"))
    scan = Scan(meaning.state, said_at, raw_status=raw, text=tracking.text("subtag_message", longest=300))
    return replace(scan, reason=meaning.reason)


def _expected(tracking: At) -> datetime | None:
    return (
        tracking.object("courier_estimated_delivery_date").day_end("estimated_delivery_date")
        or tracking.day_end("expected_delivery")
        or tracking.object("latest_estimated_delivery").day_end("datetime")
    )


def _stamp(call: At) -> datetime | None:
    stamp = call.at("ts").value
    if isinstance(stamp, bool) or not isinstance(stamp, int) or not 0 < stamp < 4_102_444_800:  # the year 2100
        return None
    return datetime.fromtimestamp(stamp, UTC)


SOURCE = Source("aftership", "AfterShip", verify, dedupe_id, read)

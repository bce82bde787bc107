"""SendGrid's event webhook: is it really SendGrid's, and what does it say in our words."""

from __future__ import annotations

import base64
import binascii
import functools
import json
import uuid
from datetime import UTC, datetime
from typing import Any, TypeGuard

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from notifications.providers.base import BadEvent, DeliveryKind, ProviderEvent

NAME = "sendgrid"
# Custom arguments, the only thing of ours in SendGrid's events. Prefixed because events are flat: a plain
# "attempt" would collide with the field of that name in SendGrid's own `deferred` event.
MESSAGE_ARG = "preempt_message_id"
ATTEMPT_ARG = "preempt_attempt"

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"

KINDS = {
    "processed": DeliveryKind.PROCESSED,
    "deferred": DeliveryKind.DEFERRED,
    "delivered": DeliveryKind.DELIVERED,
    "bounce": DeliveryKind.BOUNCED,
    "dropped": DeliveryKind.DROPPED,
    "spamreport": DeliveryKind.COMPLAINED,
    "unsubscribe": DeliveryKind.UNSUBSCRIBED,
    "group_unsubscribe": DeliveryKind.UNSUBSCRIBED,
    "open": DeliveryKind.OPENED,
    "click": DeliveryKind.CLICKED,
}

# The other reasons (a bad header, spam content, a package used up) are ours and say nothing about the person.
_DROPPED_FOR_THE_ADDRESS = frozenset({"Bounced Address", "Invalid", "Spam Reporting Address", "Unsubscribed Address"})

_LONGEST_ID = 200  # SendGrid's are under 100; a longer one is not an id
_LONGEST_ADDRESS = 320  # RFC 5321: 64 + @ + 255
_LONGEST_REASON = 300
_LONGEST_ROW = 2000
_LATEST = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


def verify(public_key: str, signature: str, timestamp: str, raw_body: bytes) -> bool:
    """Whether `raw_body` was signed by the owner of `public_key` (base64, as SendGrid's settings show it).

    ECDSA over P-256 and SHA-256 of timestamp + body, the bytes as they came. False without a key or a
    signature and for anything malformed: an unsigned webhook is never let in. The timestamp's age is not
    judged: SendGrid retries for 24 hours, and a replayed event has no effect because its id is known.
    """
    if not (public_key and signature and timestamp):
        return False
    key = _load(public_key)
    if key is None:
        return False
    try:
        signed = base64.b64decode(signature, validate=True)
        key.verify(signed, timestamp.encode() + raw_body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


@functools.lru_cache(maxsize=8)
def _load(public_key: str) -> ec.EllipticCurvePublicKey | None:
    try:
        key = serialization.load_der_public_key(base64.b64decode(public_key.strip(), validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return None
    return key


def parse_events(raw_body: bytes) -> list[ProviderEvent | BadEvent]:
    """Every row of a report, in its order. A row that cannot be read is a BadEvent and its siblings pass.

    A body that is no JSON array at all is one BadEvent at index 0.
    """
    try:
        rows = json.loads(raw_body)
    except (ValueError, RecursionError) as error:  # ValueError: bad JSON, bad UTF-8
        return [BadEvent(NAME, 0, f"the body is not JSON: {error}", repr(raw_body)[:_LONGEST_ROW])]
    if not isinstance(rows, list):
        return [_bad(0, "the body is not a JSON array of events", rows)]
    return [_parse(index, row) for index, row in enumerate(rows)]


def _parse(index: int, row: Any) -> ProviderEvent | BadEvent:
    if not isinstance(row, dict):
        return _bad(index, "the row is not a JSON object", row)
    word = row.get("event")
    if not isinstance(word, str) or not word:
        return _bad(index, "event: missing or not a text", row)
    event_id = row.get("sg_event_id")
    if not _is_id(event_id):
        return _bad(index, "sg_event_id: missing or not an id, so a repeat could not be told", row)
    address = row.get("email", "")
    if not isinstance(address, str) or len(address) > _LONGEST_ADDRESS:
        return _bad(index, "email: not an address", row)
    at = _moment(row.get("timestamp"))
    if at is None:
        return _bad(index, "timestamp: missing or not seconds since 1970", row)
    kind = KINDS.get(word, DeliveryKind.UNKNOWN)
    message_id = _message_id(row.get(MESSAGE_ARG))
    return ProviderEvent(
        provider=NAME,
        event_id=event_id,
        kind=kind,
        at=at,
        message_id=message_id,
        attempt=_attempt(row.get(ATTEMPT_ARG)) if message_id else None,
        address=_clean(address),
        reason=_text(word if kind is DeliveryKind.UNKNOWN else row.get("reason") or row.get("response")),
        # sg_message_id is the X-Message-Id of the answer, a dot, and where in SendGrid it was processed.
        provider_msg_id=_text(row.get("sg_message_id")).partition(".")[0][:_LONGEST_ID],
        permanent=_is_about_the_address(kind, row),
    )


def _is_about_the_address(kind: DeliveryKind, row: dict[str, Any]) -> bool:
    if kind is DeliveryKind.DROPPED:
        return row.get("reason") in _DROPPED_FOR_THE_ADDRESS
    # "blocked": the mailbox's server refused this mail; "bounce": the address is dead.
    return kind is DeliveryKind.BOUNCED and row.get("type") != "blocked"


def _is_id(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and _clean(value) == value


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LATEST:
        return None
    return datetime.fromtimestamp(value, tz=UTC)


def _message_id(value: Any) -> str | None:
    """Our message's id; None for a mail of another system on the same SendGrid account."""
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _attempt(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else None


def _text(value: Any) -> str:
    return _clean(value)[:_LONGEST_REASON] if isinstance(value, str) else ""


def _clean(text: str) -> str:
    """The text without what PostgreSQL cannot store: NUL and halves of surrogate pairs. JSON allows both."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _bad(index: int, reason: str, row: Any) -> BadEvent:
    try:
        text = json.dumps(row)
    except RecursionError:  # it was just shallow enough to be read
        text = "(nested too deep to be shown)"
    return BadEvent(NAME, index, reason, text[:_LONGEST_ROW])

"""Our own webhook, for a shop system that nobody has written a source for: Standard Webhooks (standardwebhooks.com)
around the objects of objects.py.

    {"type": "order.saved", "timestamp": "2026-11-22T18:30:00Z", "data": {"id": "1001", …}}
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from notifications.intake import objects, signatures
from notifications.intake.facts import Fact
from notifications.intake.reading import At
from notifications.intake.source import Headers, Source

ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"
TOLERANCE = timedelta(minutes=5)
_PREFIX = "whsec_"
_MOST_SIGNATURES = 10

_READERS: dict[str, Callable[[At], list[Fact]]] = {
    "order.saved": objects.order,
    "shipment.saved": objects.shipment,
    "tracking_event.created": objects.tracking_event,
}


def verify(body: bytes, headers: Headers, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the secrets signed id, moment and body, at most five minutes from `now`."""
    call, stamp, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (call and given and stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        return False
    if abs(now - datetime.fromtimestamp(int(stamp), UTC)) > TOLERANCE:
        return False
    said = f"{call}.{stamp}.".encode()
    macs = [signatures.mac(key, said, body) for key in map(_key, secrets) if key]
    # A sender that changes its secret signs with both for a while.
    versions = [one.partition(",") for one in given.split()[:_MOST_SIGNATURES]]
    matches = [signatures.is_base64_of(signature, macs) for version, _, signature in versions if version == "v1"]
    return any(matches)


def _key(secret: str) -> bytes:
    """The key of a secret: what follows whsec_ is base64. Without that the text itself."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return b""


def dedupe_id(body: bytes, headers: Headers) -> str:
    """The call's id, which is signed."""
    return headers.get(ID, "")


def read(payload: Any, headers: Headers) -> list[Fact]:
    """The facts of one object. Raises Unreadable, also for a type that there is not: the sender is the shop itself."""
    call = At(payload)
    reader = _READERS.get(call.needed("type"))
    if reader is None:
        raise call.at("type").unreadable(f"one of {', '.join(_READERS)} is needed")
    data = call.at("data")
    if data.is_missing:
        raise data.unreadable("the object is needed")
    return reader(data)


SOURCE = Source("own", "Our own webhook", verify, dedupe_id, read, kept_headers=(ID, TIMESTAMP))

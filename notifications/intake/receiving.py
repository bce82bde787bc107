"""A webhook call at the door: who signed it, and the one statement that keeps it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from notifications import doorbell, inbound
from notifications.intake import sources
from notifications.intake.source import Headers, Source

LONGEST_ID = 200
_LONGEST_HEADER = 500
_COUNT_EVERY = 1.0

FORGED, TOO_LARGE = "forged", "too_large"

_lock = threading.Lock()
_refused: Counter[tuple[str, str]] = Counter()
_counted_at: dict[str, float] = {}


def signer(source: Source, body: bytes, headers: Headers, *, now: datetime) -> str | None:
    """The fingerprint of the secret that signed this call; None where none did, or there is none."""
    for secret in sources.secrets(source):
        if source.verify(body, headers, [secret], now):
            return sources.fingerprint(secret)
    return None


def store(source: Source, body: bytes, headers: Headers, *, signed_by: str) -> bool:
    """Keep a verified call as it came, before it is answered. False where it is here already."""
    kept = {name: headers[name][:_LONGEST_HEADER] for name in source.kept_headers if name in headers}
    sha256 = hashlib.sha256(body).hexdigest()
    dedupe_id = _identify(source, body, headers)
    is_new = inbound.keep(source.name, body, dedupe_id=dedupe_id, headers=kept, sha256=sha256, signed_by=signed_by)
    if is_new:
        doorbell.ring_webhooks(is_seldom=True)
    return is_new


def refuse(source: Source, why: str) -> None:
    """Count a call that was not let in, in the hour's row. Many at once are written once a second at most, so that
    whoever knocks in vain costs next to nothing; those after the last writing are written with the next.
    """
    with _lock:
        _refused[source.name, why] += 1
        now = time.monotonic()
        if now - _counted_at.get(source.name, float("-inf")) < _COUNT_EVERY:
            return
        _counted_at[source.name] = now
        forged, too_large = (_refused.pop((source.name, kind), 0) for kind in (FORGED, TOO_LARGE))
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, [source.name, forged, too_large])


def _identify(source: Source, body: bytes, headers: Mapping[str, str]) -> str:
    said = source.dedupe_id(body, headers)
    if said and len(said) <= LONGEST_ID and said.isprintable() and said.isascii():
        return said
    return hashlib.sha256(said.encode("utf-8", "replace") or body).hexdigest()


_REFUSED = """
    INSERT INTO notifications_sourcehour AS known (source, hour, received, forged, too_large)
    VALUES (%s, date_trunc('hour', now(), 'UTC'), 0, %s, %s)
    ON CONFLICT (source, hour) DO UPDATE
    SET forged = known.forged + EXCLUDED.forged, too_large = known.too_large + EXCLUDED.too_large
"""

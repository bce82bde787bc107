"""Facts of sources that know parcels and no orders: what carriers said, and the day that they named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from notifications.intake.carrier_names import known_as
from notifications.intake.facts import Expected, Fact, Scanned
from notifications.tracking import Scan

NO_ORDER = ""  # a tracker knows none: its parcels are found by their number


_LONGEST_ID = 100


def event_id(body: bytes, name: str) -> str:
    """The event's id, which the body holds under `name`; of a body without one, or with an odd one, its hash."""
    try:
        found = json.loads(body).get(name)
    except (ValueError, RecursionError, AttributeError):
        found = None
    if isinstance(found, str) and found.isascii() and found.isprintable() and 0 < len(found) <= _LONGEST_ID:
        return found
    return hashlib.sha256(body).hexdigest()


def facts_of(
    *,
    carrier: str,
    tracking_no: str,
    history: Sequence[Scan],
    current: Scan | None = None,
    expected_by: datetime | None = None,
    said_at: datetime | None = None,
) -> list[Fact]:
    """A tracker's facts. `current` is what it says of the parcel as a whole: a fact of its own only where the newest
    scan says something else. A day that is named without a date of saying so counts from the newest scan.
    """
    carrier = known_as(carrier)
    newest = max(history, key=lambda scan: scan.at, default=None)
    scans = list(history)
    if current is not None and current.state and (newest is None or newest.state != current.state):
        scans.append(current)
    said_at = said_at or max((scan.at for scan in scans), default=None)
    facts: list[Fact] = [Scanned(scan.at, NO_ORDER, carrier, tracking_no, scan) for scan in scans]
    if expected_by is not None and said_at is not None:
        facts.append(Expected(said_at, NO_ORDER, carrier, tracking_no, expected_by))
    return facts

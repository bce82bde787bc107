"""What test_security.py needs of every source: keys, a way to sign, and one parcel's story in the source's own words.

Each source has a module tests/notifications/intake/samples_<name>.py that ends in `SAMPLES = Samples(...)`, and one
notifications/intake/<name>.py that ends in `SOURCE = Source(...)`. Payloads are ours, in the shape that the source
documents; people and numbers in them are made up.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notifications.intake.facts import Placed


@dataclass(frozen=True)
class Key:
    """Something to sign with: the same text twice for HMAC, a private key and its public part for RSA."""

    signing: Any  # what sign() takes
    secret: str  # what stands in PREEMPT_<SOURCE>_SECRETS, and what Source.verify gets; no comma in it


@dataclass(frozen=True)
class Call:
    """One webhook call. `headers` are those beside the signature (topic, event id); names as the source writes them."""

    payload: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return json.dumps(self.payload, ensure_ascii=False).encode()


@dataclass(frozen=True)
class End:
    """A parcel once the whole story is told, in whatever order its calls came."""

    tracking_no: str
    state: str  # a ShipmentState
    scans: int  # different ones in all calls together
    reasons: frozenset[str] = frozenset()  # the TroubleReasons among them
    expected_by: datetime | None = None  # the last day that the carrier named


# sign(body, signing, headers, at): all headers of the call, the given ones and the signature. `at` is the time of
# signing, for schemes that have one; some sign an id in a header too.
Sign = Callable[[bytes, Any, Mapping[str, str], datetime], dict[str, str]]


@dataclass(frozen=True)
class Samples:
    """One source.

    `story`: two to five calls about one order or parcel, no two with the same dedupe id, none that is ignored.
    `order`: the order which the parcel belongs to, where the source knows parcels and no orders (trackers); the tests
    take it in under the source "test", before, between or after the calls. None where the story brings the order.
    """

    name: str
    keys: tuple[Key, Key]
    sign: Sign
    story: tuple[Call, ...]
    ends: tuple[End, ...]
    order: Placed | None = None
    # Calls that are authentic and have nothing for us: stored, read, and then "ignored".
    nothing: tuple[Call, ...] = ()
    # Authentic JSON of a wrong shape, and a word that its refusal must name: quarantined.
    wrong: tuple[tuple[Call, str], ...] = ()


def of(name: str) -> Samples:
    """The samples of a source."""
    found: Samples = importlib.import_module(f"tests.notifications.intake.samples_{name}").SAMPLES
    return found

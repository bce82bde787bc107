"""The one randomiser of variants, suggestions and hold-outs. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def bucket(salt: str, unit: str) -> float:
    """A number in [0, 1), fixed for (salt, unit) across processes and releases, uniform over units.

    The first 53 bits of SHA-256 over the length-prefixed pair, so that ("a", "bc") and ("ab", "c") differ.
    """
    digest = hashlib.sha256(f"{len(salt)}:{salt}:{unit}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)


def is_in_share(salt: str, unit: str, share: float) -> bool:
    """True for a fixed random `share` (0 to 1) of all units."""
    return bucket(salt, unit) < share


def choose(salt: str, unit: str, weights: Sequence[float]) -> int:
    """The index of the arm for this unit, with probability in proportion to `weights`.

    Raises ValueError where the weights are empty, negative or sum to zero.
    """
    total = float(sum(weights))
    if not weights or min(weights) < 0 or total <= 0:
        raise ValueError(f"weights must be positive somewhere and negative nowhere, not {list(weights)}")
    point = bucket(salt, unit) * total
    passed = 0.0
    last = 0
    for index, weight in enumerate(weights):
        if weight > 0:
            last = index
            passed += weight
            if point < passed:
                return index
    return last  # rounding left the point on the far edge

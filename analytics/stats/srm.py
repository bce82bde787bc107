"""Sample-ratio mismatch: whether two arms have as many units as the draw should have given them. Pure.

A chi-squared test with one degree of freedom; p < LIMIT blocks a verdict (Fabijan et al., KDD 2019).
"""

from __future__ import annotations

import math

LIMIT = 0.001


def p_value(first: int, second: int, *, share: float = 0.5) -> float:
    """How likely a split at least so uneven is where `share` (0 to 1, exclusive) of units are drawn into the first."""
    total = first + second
    if not total:
        return 1.0
    expected = total * share
    chi2 = (first - expected) ** 2 / expected + (second - (total - expected)) ** 2 / (total - expected)
    return math.erfc(math.sqrt(chi2 / 2))

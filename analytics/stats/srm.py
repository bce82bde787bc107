"""Sample-ratio mismatch: whether the arms have as many units as the draw should have given them. Pure.

For one look at two arms a chi-squared test with one degree of freedom; p < LIMIT blocks a verdict (Fabijan et al., KDD
2019). For looks at any time a Bayes factor (Lindon & Malek 2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LIMIT = 0.001


def p_value(first: int, second: int, *, share: float = 0.5) -> float:
    """How likely a split at least so uneven is where `share` (0 to 1, exclusive) of units are drawn into the first."""
    total = first + second
    if not total:
        return 1.0
    expected = total * share
    chi2 = (first - expected) ** 2 / expected + (second - (total - expected)) ** 2 / (total - expected)
    return math.erfc(math.sqrt(chi2 / 2))


PRIOR = 100.0  # how sure we are of the weights before anybody came, in units
FLAGGED_AT = 100.0


def log_bayes_factor(counts: Sequence[int], weights: Sequence[float], *, prior: float | None = None) -> float:
    """ln of the evidence against "units are drawn by these weights", which may be looked at any time.

    Lindon & Malek 2020 (Dirichlet-multinomial against multinomial): Γ(Σa)/Γ(Σa+n) · Π Γ(a_j+c_j)/(Γ(a_j) θ_j^c_j) with
    a = kθ. `weights` need not add up to 1; `prior` is k, PRIOR where not said. Raises ValueError for weights that are
    not positive.
    """
    if len(counts) != len(weights) or not weights or min(weights) <= 0:
        raise ValueError(f"{len(counts)} counts with weights {list(weights)}")
    scale = PRIOR if prior is None else prior
    whole = sum(weights)
    shares = [weight / whole for weight in weights]
    return dirichlet_log_bayes_factor(counts, shares, [scale * share for share in shares])


def dirichlet_log_bayes_factor(counts: Sequence[int], shares: Sequence[float], prior: Sequence[float]) -> float:
    """The same with any prior of its own, a."""
    found = math.lgamma(sum(prior)) - math.lgamma(sum(prior) + sum(counts))
    for count, share, a in zip(counts, shares, prior, strict=True):
        found += math.lgamma(a + count) - math.lgamma(a) - count * math.log(share)
    return found


def is_mismatch(counts: Sequence[int], weights: Sequence[float]) -> bool:
    """Whether the arms have other numbers of visitors than their weights: something counts or draws wrongly."""
    return log_bayes_factor(counts, weights) >= math.log(FLAGGED_AT)

"""Mode A, open-ended: an interval and a p-value for a difference that hold at every look at once. Pure.

The asymptotic confidence sequence of Waudby-Smith et al. 2024 (normal mixture; its eq. 161 for the tuning), after
Howard et al. 2021. With t = nρ² the interval is δ̂ ± SE·√[(t+1)/t · ln((t+1)/α²)] and
ln e = -½ ln(1+t) + ½(δ̂/SE)²·t/(1+t). An e-value is evidence that may be multiplied and looked at any time; 1/e is a
p-value, and its running minimum stays one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from analytics.stats.arms import Difference
from analytics.stats.proportions import ALPHA, Interval

PLANNED = 2_000  # units of both arms: where the interval is narrowest, if nobody plans another number


def rho2(planned: float, *, alpha: float = ALPHA) -> float:
    """The mixture's tuning: narrowest at `planned` units. Frozen at the start, or the interval holds no longer."""
    return (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / planned


def interval(found: Difference, *, planned: float = PLANNED, alpha: float = ALPHA) -> Interval:
    """The interval of a difference that covers the truth at all looks together with probability 1-alpha."""
    t = found.units * rho2(planned, alpha=alpha)
    half = found.se * math.sqrt((t + 1) / t * math.log((t + 1) / alpha**2))
    return Interval(found.estimate - half, found.estimate + half)


def log_e(found: Difference, *, planned: float = PLANNED, alpha: float = ALPHA) -> float:
    """The natural logarithm of the e-value against "no difference"."""
    t = found.units * rho2(planned, alpha=alpha)
    return -0.5 * math.log1p(t) + 0.5 * (found.estimate / found.se) ** 2 * t / (1 + t)


def p_value(found: Difference, *, planned: float = PLANNED, alpha: float = ALPHA) -> float:
    """min(1, 1/e) of this look. Of several looks the least one counts, see running()."""
    return math.exp(min(0.0, -log_e(found, planned=planned, alpha=alpha)))


def running(p_values: Iterable[float]) -> list[float]:
    """The least p-value so far, look by look."""
    least, found = 1.0, []
    for value in p_values:
        least = min(least, value)
        found.append(least)
    return found


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values of several comparisons (Holm 1979): each at most alpha, and no more than alpha of all err."""
    adjusted: dict[str, float] = {}
    least = 0.0
    ordered = sorted(p_values.items(), key=lambda one: one[1])
    for place, (name, value) in enumerate(ordered):
        least = max(least, min(1.0, (len(ordered) - place) * value))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}


def is_practically_the_same(found: Difference, *, margin: float, planned: float = PLANNED) -> bool:
    """Whether the 90 % sequence lies inside ±margin (in shares): two one-sided tests at 5 %, at any look."""
    inside = interval(found, planned=planned, alpha=0.10)
    return -margin < inside.low and inside.high < margin

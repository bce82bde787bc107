"""Mode B, deadline: nightly looks at a plan frozen at the start, by Lan-DeMets spending as O'Brien-Fleming. Pure.

Two-sided and symmetric. A side spends 2[1 - Φ(z_{1-α/4}/√t)] by the information fraction t = min(n/N_plan, .999); the
deadline's look spends the rest. Bounds by recursive integration of the score's density under "no difference"
(Armitage, McPherson & Rowe 1969; Jennison & Turnbull 2000, ch. 19).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from analytics.stats.arms import Difference
from analytics.stats.proportions import ALPHA, Interval

_NORMAL = NormalDist()
_GRID = 1_601  # points of the density; the published bounds come out to 4 decimals
_LAST = 0.999
_WIDEST = 12.0  # of a z that is looked for; beyond it nothing is spent
FUTILE_BELOW, FUTILE_FROM = 0.05, 0.30


def fraction(units: int, planned: int) -> float:
    """The share of the planned information that is there before the deadline's look."""
    return min(units / planned, _LAST)


def spent(t: float, *, alpha: float = ALPHA) -> float:
    """How much of a side's alpha/2 may be spent by the information fraction t, O'Brien and Fleming's way."""
    return 2 * (1 - _NORMAL.cdf(_NORMAL.inv_cdf(1 - alpha / 4) / math.sqrt(t)))


def spent_by_power(t: float, *, exponent: float, alpha: float = ALPHA) -> float:
    """The power family's spending, alpha/2·t^exponent a side: only to compare with others' figures."""
    return float(alpha / 2 * t**exponent)


def bounds(
    fractions: Sequence[float],
    *,
    alpha: float = ALPHA,
    is_over: bool = False,
    spending: Callable[[float], float] | None = None,
) -> list[float]:
    """|z| from which each look so far is significant. `fractions` rise; `is_over`: the last one is the deadline's look,
    which spends all that is left. Raises ValueError where the fractions do not rise.
    """
    if any(b <= a for a, b in zip([0.0, *fractions], fractions, strict=False)):
        raise ValueError(f"information only grows: {list(fractions)}")
    spend = spending or (lambda t: spent(t, alpha=alpha))
    cumulative = [spend(t) for t in fractions]
    if is_over and cumulative:
        cumulative[-1] = alpha / 2
    return list(_bounds(tuple(fractions), tuple(np.diff([0.0, *cumulative]))))


@lru_cache(maxsize=256)
def _bounds(fractions: tuple[float, ...], increments: tuple[float, ...]) -> tuple[float, ...]:
    from scipy import optimize, special  # here: a fifth of what a process imports, and few ever judge a test

    found: list[float] = []
    points = density = weights = np.empty(0)
    for look, (t, increment) in enumerate(zip(fractions, increments, strict=True)):
        root = math.sqrt(t)
        if look == 0:
            z = min(_upper(increment), _WIDEST)
            points = np.linspace(-z * root, z * root, _GRID)
            density = np.exp(-0.5 * (points / root) ** 2) / (root * math.sqrt(2 * math.pi))
        else:
            step = math.sqrt(t - fractions[look - 1])

            def crosses(
                z: float,
                mass: np.ndarray = weights * density,
                points: np.ndarray = points,
                root: float = root,
                step: float = step,
                increment: float = increment,
            ) -> float:
                return float(mass @ special.ndtr((points - z * root) / step)) - increment

            z = _WIDEST if crosses(_WIDEST) >= 0 else float(optimize.brentq(crosses, 0.0, _WIDEST, xtol=1e-10))
            new = np.linspace(-z * root, z * root, _GRID)
            kernel = np.exp(-0.5 * ((new[:, None] - points[None, :]) / step) ** 2) / (step * math.sqrt(2 * math.pi))
            points, density = new, kernel @ (weights * density)
        weights = np.full(_GRID, points[1] - points[0])
        weights[[0, -1]] /= 2
        found.append(z)
    return tuple(found)


def _upper(tail: float) -> float:
    return _NORMAL.inv_cdf(1 - tail) if tail > 1e-33 else _WIDEST


def obrien_fleming(looks: int, *, alpha: float = ALPHA) -> list[float]:
    """The classic bounds c·√(K/k) of equally spaced looks, whose whole error is alpha."""
    from scipy import optimize

    fractions = [look / looks for look in range(1, looks + 1)]

    def error(c: float) -> float:
        return crossing([c / math.sqrt(t) for t in fractions], fractions) - alpha

    c = float(optimize.brentq(error, 1.5, 4.0, xtol=1e-8))
    return [c / math.sqrt(t) for t in fractions]


def crossing(z_bounds: Sequence[float], fractions: Sequence[float]) -> float:
    """The chance that |z| reaches a bound at some look although there is no difference."""
    from scipy import special

    points = density = weights = np.empty(0)
    chance = 0.0
    for look, (t, z) in enumerate(zip(fractions, z_bounds, strict=True)):
        root = math.sqrt(t)
        new = np.linspace(-z * root, z * root, _GRID)
        if look == 0:
            chance += 2 * (1 - _NORMAL.cdf(z))
            density = np.exp(-0.5 * (new / root) ** 2) / (root * math.sqrt(2 * math.pi))
        else:
            step = math.sqrt(t - fractions[look - 1])
            mass = weights * density
            chance += 2 * float(mass @ special.ndtr((points - z * root) / step))
            kernel = np.exp(-0.5 * ((new[:, None] - points[None, :]) / step) ** 2) / (step * math.sqrt(2 * math.pi))
            density = kernel @ mass
        points = new
        weights = np.full(_GRID, points[1] - points[0])
        weights[[0, -1]] /= 2
    return chance


def interval(found: Difference, bound: float) -> Interval:
    """The repeated confidence interval δ̂ ± bound·SE of a look (Jennison & Turnbull 1989)."""
    return Interval(found.estimate - bound * found.se, found.estimate + bound * found.se)


def predictive_power(found: Difference, *, planned: int, alpha: float = ALPHA) -> float:
    """The chance that the deadline's look will be significant either way, given what was seen and a flat prior.

    Spiegelhalter, Freedman & Blackburn 1986: z√t-scale, Φ((z - c√t)/√(1-t)) for each side, c the fixed bound.
    """
    t = fraction(found.units, planned)
    z, c = found.estimate / found.se, _NORMAL.inv_cdf(1 - alpha / 2)
    spread = math.sqrt(1 - t)
    up = _NORMAL.cdf((z - c * math.sqrt(t)) / spread)
    down = _NORMAL.cdf((-z - c * math.sqrt(t)) / spread)
    return up + down


def is_futile(found: Difference, *, planned: int, alpha: float = ALPHA) -> bool:
    """Whether going on will hardly show anything (non-binding: going on all the same costs no error)."""
    enough = fraction(found.units, planned) >= FUTILE_FROM
    return enough and predictive_power(found, planned=planned, alpha=alpha) < FUTILE_BELOW

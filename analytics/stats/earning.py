"""Earn while it runs: Thompson sampling, and the exact e-process that may judge what it drew. Pure.

Who is sent where depends on what was seen, and the base drifts from day to day, so naive counts lie (.93 false
positives, design/statistics.md). The e-process conditions on each day's known chance of being sent to B, so neither
matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

FLOOR = 0.10  # of an arm's share, so that it goes on being learnt about
REJECT_AT = 20.0  # 1/alpha
_COMPONENTS = 40
_SPREAD = 0.06
# A normal prior of differences as 40 equally likely ones.
_LIFTS = np.array([_SPREAD * NormalDist().inv_cdf((j - 0.5) / _COMPONENTS) for j in range(1, _COMPONENTS + 1)])


@dataclass(frozen=True, slots=True)
class Day:
    """One day's successes and failures of control (a) and treatment (b), and the chance `rho` that one of these two
    arms' units was sent to b, fixed before the day began.
    """

    successes_a: int
    failures_a: int
    successes_b: int
    failures_b: int
    rho: float

    @property
    def units(self) -> int:
        return self.successes_a + self.failures_a + self.successes_b + self.failures_b


def log_e(days: Sequence[Day]) -> float:
    """ln E of "b is as good as a on every day" after these days, in order. Reject at ln REJECT_AT or more, at any day.

    E = mean over lifts δ of Π over days of the likelihood of (q_A, q_B) = (p̄-ρδ, p̄+(1-ρ)δ) by that of the mixture p₀,
    with p̄ = (S+1)/(N+2) from earlier days alone. Raises ValueError where rho is not strictly between 0 and 1.
    """
    logs = np.zeros(_COMPONENTS)
    successes = units = 0
    for day in days:
        if not 0 < day.rho < 1:
            raise ValueError(f"a day with rho {day.rho} compares nothing")
        base = (successes + 1) / (units + 2)
        q_a = np.clip(base - day.rho * _LIFTS, 0.002, 0.998)
        q_b = np.clip(base + (1 - day.rho) * _LIFTS, 0.002, 0.998)
        p0 = (1 - day.rho) * q_a + day.rho * q_b
        logs += day.successes_a * np.log(q_a / p0) + day.failures_a * np.log((1 - q_a) / (1 - p0))
        logs += day.successes_b * np.log(q_b / p0) + day.failures_b * np.log((1 - q_b) / (1 - p0))
        successes += day.successes_a + day.successes_b
        units += day.units
    most = float(logs.max())
    return most + math.log(float(np.exp(logs - most).mean()))


def shares(successes: Sequence[int], units: Sequence[int], *, seed: int, draws: int = 4_000) -> list[float]:
    """Tomorrow's share of each arm: how often it is the best of draws from Beta(1 + s, 1 + f), at least FLOOR each.

    The same `seed` gives the same shares, so that a propensity that was logged can be computed again. Raises ValueError
    where the floors alone would be more than all.
    """
    count = len(units)
    if not 2 <= count <= int(1 / FLOOR):
        raise ValueError(f"{count} arms with a floor of {FLOOR}")
    random = np.random.default_rng(seed)
    drawn = random.beta(
        np.array([1 + s for s in successes]),
        np.array([1 + n - s for s, n in zip(successes, units, strict=True)]),
        size=(draws, count),
    )
    wins = np.bincount(drawn.argmax(axis=1), minlength=count) / draws
    return [float(share) for share in FLOOR + (1 - count * FLOOR) * wins]

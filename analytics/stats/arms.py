"""What the arms of an experiment showed: successes of units, by epoch of allocation; and two arms' difference. Pure.

An epoch is a stretch of time with one allocation and one set of weights. Within an epoch the arms saw the same mixture
of days; pooled over epochs they did not, and a base that drifts while the allocation rises looks like an effect
(design, statistics.md: .9998 false positives pooled, .006 stratified).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arm:
    """`successes` of `units` mature units of one arm in one epoch."""

    successes: int
    units: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.units:
            raise ValueError(f"{self.successes} of {self.units} is no arm")

    @property
    def failures(self) -> int:
        return self.units - self.successes

    @property
    def share(self) -> float:
        return self.successes / self.units

    def __add__(self, other: Arm) -> Arm:
        return Arm(self.successes + other.successes, self.units + other.units)


NOBODY = Arm(0, 0)


def total(epochs: Sequence[Arm]) -> Arm:
    return sum(epochs, NOBODY)


@dataclass(frozen=True, slots=True)
class Difference:
    """Treatment minus control, in shares (-1 to 1), with its standard error and the units of both arms behind it."""

    estimate: float
    se: float
    units: int


def difference(control: Sequence[Arm], treatment: Sequence[Arm]) -> Difference | None:
    """The difference of two arms given epoch by epoch: Σ wₑ δₑ with wₑ = nₑ/n and SE² = Σ wₑ² SEₑ².

    An epoch where an arm has nobody says nothing and is left out. None where none is left, or where nothing varies.
    Raises ValueError where the arms have different numbers of epochs.
    """
    pairs = [(a, b) for a, b in zip(control, treatment, strict=True) if a.units and b.units]
    units = sum(a.units + b.units for a, b in pairs)
    if not units:
        return None
    estimate = variance = 0.0
    for a, b in pairs:
        weight = (a.units + b.units) / units
        estimate += weight * (b.share - a.share)
        variance += weight**2 * (_variance(a) + _variance(b))
    return Difference(estimate, math.sqrt(variance), units) if variance > 0 else None


def _variance(arm: Arm) -> float:
    """Of the arm's share: p(1-p)/n."""
    return arm.share * (1 - arm.share) / arm.units


def may_judge(control: Sequence[Arm], treatment: Sequence[Arm], *, least_share: float) -> bool:
    """Whether there are enough successes and failures in both arms for the normal approximation.

    10 of each; 20 where an arm gets 5 % of the units or less (`least_share`, of these two arms' units). Without it a
    90/10 split has .09 to .34 false positives (design, statistics.md).
    """
    needed = 20 if least_share <= 0.05 else 10
    return all(min(arm.successes, arm.failures) >= needed for arm in (total(control), total(treatment)))

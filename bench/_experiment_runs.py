"""Experiments played many times with known truth: how often the verdicts' statistics err, and how often they see.

Every number goes through the functions that verdicts use, look by look; nothing is computed in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.stats import arms, deadline, sequential, srm
from analytics.stats.arms import Arm
from analytics.stats.proportions import ALPHA


@dataclass(frozen=True)
class Played:
    """Of `runs`, how many said that a treatment is better or worse than the control."""

    said: int
    runs: int

    @property
    def share(self) -> float:
        return self.said / self.runs


def open_ended(
    shares: Sequence[float], *, runs: int, sessions: int, every: int = 50, planned: float = sequential.PLANNED,
    seed: int, weights: Sequence[float] = (),
) -> Played:  # fmt: skip
    """Mode A with a look each `every` sessions until `sessions`; the control's success rate first in `shares`.

    With several treatments Holm on the running least p-values; any of them counts.
    """
    random = np.random.default_rng(seed)
    weight = np.array(weights or [1.0] * len(shares))
    weight = weight / weight.sum()
    looks = sessions // every
    said = 0
    for _ in range(runs):
        units = random.multinomial(every, weight, size=looks).cumsum(axis=0)
        steps = np.diff(units, axis=0, prepend=0)
        successes = random.binomial(steps, shares).cumsum(axis=0)
        said += _is_said_open(units.tolist(), successes.tolist(), weight, planned)
    return Played(said, runs)


def _is_said_open(units: list[list[int]], successes: list[list[int]], weight: np.ndarray, planned: float) -> bool:
    least = dict.fromkeys(map(str, range(1, len(weight))), 1.0)
    for n, s in zip(units, successes, strict=True):
        control = [Arm(s[0], n[0])]
        for key in least:
            place = int(key)
            treatment = [Arm(s[place], n[place])]
            share = min(weight[0], weight[place]) / (weight[0] + weight[place])
            if not arms.may_judge(control, treatment, least_share=share):
                continue
            if (found := arms.difference(control, treatment)) is not None:
                least[key] = min(least[key], sequential.p_value(found, planned=planned))
        if min(sequential.holm(least).values()) <= ALPHA:
            return True
    return False


def with_deadline(shares: tuple[float, float], *, runs: int, planned: int, looks: int = 28, seed: int) -> Played:
    """Mode B with `looks` nights to `planned` units of both arms together."""
    random = np.random.default_rng(seed)
    fractions = [deadline.fraction(round(planned * night / looks), planned) for night in range(1, looks)] + [1.0]
    limits = deadline.bounds(fractions, is_over=True)
    said = 0
    for _ in range(runs):
        night = np.diff(np.round(planned * np.arange(looks + 1) / looks)).astype(int)
        treated = random.binomial(night, 0.5)
        units = np.stack([night - treated, treated], axis=1)
        successes = random.binomial(units, shares).cumsum(axis=0).tolist()
        for n, s, limit in zip(units.cumsum(axis=0).tolist(), successes, limits, strict=True):
            control, treatment = [Arm(s[0], n[0])], [Arm(s[1], n[1])]
            if not arms.may_judge(control, treatment, least_share=0.5):
                continue
            found = arms.difference(control, treatment)
            if found is not None and abs(found.estimate) >= limit * found.se:
                said += 1
                break
    return Played(said, runs)


def broken_splitter(visitors: int, *, lost: float, runs: int, seed: int) -> tuple[float, float]:
    """Of tests with two even arms, the second of which loses this share of its visitors before they are counted: how
    many the product blocks, and how many a chi-squared test at srm.LIMIT would that is looked at once, at the end.
    """
    generator = np.random.default_rng(seed)
    blocked = at_once = 0
    for _ in range(runs):
        first = int(generator.binomial(visitors, 0.5))
        second = int(generator.binomial(visitors - first, 1 - lost))
        blocked += srm.is_mismatch([first, second], [1, 1])
        at_once += srm.p_value(first, second) < srm.LIMIT
    return blocked / runs, at_once / runs

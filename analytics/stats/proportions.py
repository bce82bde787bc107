"""Shares with their denominators, and the difference between two arms, good at every look. Pure.

Sources: Wilson 1927 for one share (checked against Newcombe 1998); for a share of which some hits cannot be checked
Manski and Pepper 2000 (what bounds it) and Zou and Donner 2008 (how two intervals are joined); for the difference the
asymptotic confidence sequence of Waudby-Smith et al. 2024 (eq. 161 for its tuning), as GrowthBook computes it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

ALPHA = 0.05
# Any number fixed beforehand keeps the interval valid; it is narrowest there. Telling a fall of a fifth to three tenths
# takes 7,000 to 40,000 people, most of which the verdict will not have to wait for.
PLANNED_TOTAL = 10_000
# Below so many contacted in the smaller arm the normal approximation gives false positives.
BURN_IN = 20


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `of`: the only form in which a share reaches a screen."""

    hits: int
    of: int
    # The design effect: where several of the hits can be one person's, so many say as much as one stranger's.
    spread: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.of:
            raise ValueError(f"{self.hits} of {self.of} is no share")

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where there is nothing to share."""
        return self.hits / self.of if self.of else None

    @property
    def percent(self) -> float | None:
        return None if self.share is None else 100 * self.share

    @property
    def per_1000(self) -> float | None:
        return None if self.share is None else 1000 * self.share

    @property
    def worth(self) -> tuple[float, float]:
        """(hits, of) of strangers that say as much."""
        return self.hits / self.spread, self.of / self.spread

    @property
    def interval(self) -> Interval:
        return wilson(*self.worth)


@dataclass(frozen=True, slots=True)
class PartlyChecked(Rate):
    """A share of whose hits `unchecked` may be none. `refuted`: how many there were none among those like them that
    could be checked; the others are taken to be refuted no more often. Where few could be checked little is taken."""

    unchecked: int = 0
    refuted: Rate = Rate(0, 0)

    @classmethod
    def together(cls, rates: Sequence[PartlyChecked]) -> PartlyChecked:
        refuted = Rate(sum(rate.refuted.hits for rate in rates), sum(rate.refuted.of for rate in rates))
        hits, of = sum(rate.hits for rate in rates), sum(rate.of for rate in rates)
        return cls(hits, of, unchecked=sum(rate.unchecked for rate in rates), refuted=refuted)

    @property
    def interval(self) -> Interval:
        """Up to that of all hits; down to that of what is left if the unchecked are refuted as the others are, but not
        below that of the hits that were checked."""
        counted = wilson(*self.worth)
        if not self.unchecked:
            return counted
        checked = wilson((self.hits - self.unchecked) / self.spread, self.of / self.spread)
        doubtful, refuted = self.unchecked / self.of, self.refuted.interval
        share = 1.0 if self.refuted.share is None else self.refuted.share
        below = math.hypot(self.hits / self.of - counted.low, doubtful * (refuted.high - share))
        return Interval(max(checked.low, self.hits / self.of - doubtful * share - below), counted.high)


def wilson(hits: float, of: float, *, alpha: float = ALPHA) -> Interval:
    """The Wilson score interval of a share, without continuity correction; 0 to 1 where `of` is 0."""
    if of == 0:
        return Interval(0.0, 1.0)
    z2 = NormalDist().inv_cdf(1 - alpha / 2) ** 2
    share = hits / of
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = math.sqrt(z2) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    # At the edges rounding leaves a trace of 1e-17 on the wrong side.
    return Interval(0.0 if hits == 0 else centre - half, 1.0 if hits == of else centre + half)


def difference(now: Rate, before: Rate) -> Interval | None:
    """The interval of share `now` less share `before` by what chance does to both; None where one is of nothing. Of
    what could not be checked it says nothing."""
    return newcombe(now.worth, before.worth) if now.of and before.of else None


def newcombe(now: tuple[float, float], before: tuple[float, float], *, alpha: float = ALPHA) -> Interval:
    """The interval of share `now` less share `before`, each (hits, of): Newcombe's hybrid of two Wilson intervals.

    Source: Newcombe 1998, Statistics in Medicine 17:873, method 10. For one look at two groups that were not drawn at
    random: it says how much chance alone could move the difference, and nothing of its cause.
    """
    (x1, n1), (x2, n2) = now, before
    p1, p2 = x1 / n1, x2 / n2
    one, two = wilson(x1, n1, alpha=alpha), wilson(x2, n2, alpha=alpha)
    return apart(p1, one, p2, two)


def apart(one: float, of_one: Interval, two: float, of_two: Interval) -> Interval:
    """The interval of one number less an independent other, each with its own (Zou and Donner 2008)."""
    below = math.hypot(one - of_one.low, of_two.high - two)
    above = math.hypot(of_one.high - one, two - of_two.low)
    return Interval(one - two - below, one - two + above)


def always_valid_half_width(se: float, n: int, *, planned: int = PLANNED_TOTAL, alpha: float = ALPHA) -> float:
    """Half the width of the interval that holds at every look at once.

    `se`: standard error of the difference now; `n`: units in both arms now; `planned`: the total frozen at the start.
    """
    rho2 = (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / planned
    t = n * rho2
    return se * math.sqrt((t + 1) / t * math.log((t + 1) / alpha**2))


@dataclass(frozen=True, slots=True)
class Prevented:
    """How many contacting people 1,000 messages prevent: held out minus notified. Negative: they brought contacts."""

    held_out: Rate
    notified: Rate
    per_1000: float
    se: float
    interval: Interval

    @property
    def smaller(self) -> Rate:
        """The smaller arm."""
        return min((self.held_out, self.notified), key=lambda arm: arm.of)

    @property
    def is_too_early(self) -> bool:
        """Fewer than BURN_IN contacted in the smaller arm: the interval cannot be trusted yet."""
        return self.smaller.hits < BURN_IN

    @property
    def is_shown(self) -> bool:
        """The interval leaves out 0 on the side of fewer contacts."""
        return not self.is_too_early and self.interval.low > 0

    @property
    def is_harmful(self) -> bool:
        """The interval leaves out 0 on the side of more contacts."""
        return not self.is_too_early and self.interval.high < 0


def prevented(*, held_out: Rate, notified: Rate, planned: int = PLANNED_TOTAL) -> Prevented | None:
    """1000 · (m̄ held out − m̄ notified), SE² = Σ s²/n, with its always-valid interval; None below 2 in an arm."""
    if held_out.of < 2 or notified.of < 2:
        return None
    difference = 1000 * (held_out.hits / held_out.of - notified.hits / notified.of)
    se = 1000 * math.sqrt(_variance_of_mean(held_out) + _variance_of_mean(notified))
    half = always_valid_half_width(se, held_out.of + notified.of, planned=planned)
    return Prevented(held_out, notified, difference, se, Interval(difference - half, difference + half))


def total_needed(*, base: float, relative_fall: float, held_out_share: float, power: float = 0.8) -> int:
    """People in both arms until an always-valid interval most likely (`power`) shows a fall from the share `base`.

    `relative_fall` 0.2 is a fall of a fifth. A rough guide: the plan is taken to be this total itself.
    """
    fall = base * relative_fall
    treated = base - fall
    spread = math.sqrt(base * (1 - base) / held_out_share + treated * (1 - treated) / (1 - held_out_share))
    # With planned = n the interval is a fixed multiple of the standard error.
    multiple = always_valid_half_width(1.0, 1000, planned=1000) + NormalDist().inv_cdf(power)
    return math.ceil((multiple * spread / fall) ** 2)


def _variance_of_mean(arm: Rate) -> float:
    share = arm.hits / arm.of
    return share * (1 - share) / (arm.of - 1)

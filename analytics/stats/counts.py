"""So many contacts in so many days, or to so many orders; and two periods held against each other. Pure.

Counts are taken as Poisson, of people who come by themselves and of whom each may bring some: `spread` is by how much
that makes the variance more (analytics/spreads.py). What brings many people at once (a carrier's bad day) makes the
truth wider than these intervals. Sources: Byar's approximation for one count (Breslow & Day 1987); for the ratio of two
the share of one in their sum, with Wilson's interval (Graham, Mengersen & Morton 2003); for dividing both by the spread
quasi-likelihood (McCullagh & Nelder 1989, 6.2.3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from analytics.stats.proportions import ALPHA, Interval, Rate


@dataclass(frozen=True, slots=True)
class PerUnit:
    """`hits` to `of` units of something else. No share: one order can bring two contacts."""

    hits: int
    of: int
    spread: float = 1.0

    @property
    def ratio(self) -> float | None:
        """None where there is nothing to divide by."""
        return self.hits / self.of if self.of else None

    @property
    def per_100(self) -> float | None:
        return None if self.ratio is None else 100 * self.ratio

    @property
    def per_1000(self) -> float | None:
        return None if self.ratio is None else 1000 * self.ratio

    @property
    def interval(self) -> Interval | None:
        """Of the ratio; None where there is nothing to divide by."""
        if not self.of:
            return None
        low, high = poisson(self.hits, spread=self.spread)
        return Interval(low / self.of, high / self.of)


@dataclass(frozen=True, slots=True)
class Change:
    """One count against another, each to what it could have come of (days, orders, journeys).

    `times`: how many times the earlier ratio the later one is; None where the earlier one is 0.
    """

    now: int
    before: int
    times: float | None
    interval: Interval

    @property
    def is_rise(self) -> bool:
        """More than chance."""
        return self.interval.low > 1

    @property
    def is_fall(self) -> bool:
        return self.interval.high < 1

    @property
    def is_shown(self) -> bool:
        return self.is_rise or self.is_fall


def poisson(number: int, *, alpha: float = ALPHA, spread: float = 1.0) -> tuple[float, float]:
    """The interval of what is expected where so many came."""
    z = NormalDist().inv_cdf(1 - alpha / 2)
    count = number / spread
    low = count * (1 - 1 / (9 * count) - z / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    return spread * max(0.0, low), spread * more * (1 - 1 / (9 * more) + z / (3 * math.sqrt(more))) ** 3


def change(now: int, before: int, *, of_now: float = 1, of_before: float = 1, spread: float = 1.0) -> Change | None:
    """`now` to `of_now` against `before` to `of_before`; None where nothing could have come, or nothing came."""
    if of_now <= 0 or of_before <= 0 or now + before == 0:
        return None
    units = of_before / of_now
    share = Rate(now, now + before, spread).interval
    high = math.inf if share.high >= 1 else units * share.high / (1 - share.high)
    times = units * now / before if before else None
    return Change(now, before, times, Interval(units * share.low / (1 - share.low), high))

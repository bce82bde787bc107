"""What a hold-out shows whose share was changed on the way: compared within each share, never across. Pure.

A share that rises over a base that drifts looks like an effect when arms are pooled (design, statistics.md: .9998 false
positives pooled, .006 stratified). Stretches with one share are one stratum, wherever in time they lie: in all of
them an arm has the same part of every day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.stats import arms, proportions, srm
from analytics.stats.arms import Arm
from analytics.stats.proportions import BURN_IN, PLANNED_TOTAL, Interval, Prevented, Rate


@dataclass(frozen=True, slots=True)
class Stratum:
    """Both arms under one share: who contacted us, of all. `share` (0 to 1) was to be kept without."""

    share: float
    without: Rate
    treated: Rate

    @property
    def is_compared(self) -> bool:
        """Too few in an arm have no variance to speak of, and would make the whole look surer than it is."""
        return min(self.without.of, self.treated.of) >= BURN_IN


def added(rates: Sequence[Rate]) -> Rate:
    return Rate(sum(rate.hits for rate in rates), sum(rate.of for rate in rates))


def compare(strata: Sequence[Stratum], *, planned: int = PLANNED_TOTAL) -> Prevented | None:
    """Contacts that 1,000 units' treatment prevents, with the interval that holds at every look: Σ wₑ δₑ over strata
    with wₑ = nₑ/n. One stratum: proportions.prevented(). None where no two arms can be compared, or nothing varies."""
    if len(strata) == 1:
        found = proportions.prevented(held_out=strata[0].without, notified=strata[0].treated, planned=planned)
        return found if found is not None and found.se > 0 else None
    compared = [stratum for stratum in strata if stratum.is_compared]
    difference = arms.difference(
        [Arm(stratum.treated.hits, stratum.treated.of) for stratum in compared],
        [Arm(stratum.without.hits, stratum.without.of) for stratum in compared],
    )
    if difference is None:
        return None
    half = proportions.always_valid_half_width(difference.se, difference.units, planned=planned)
    low, high = difference.estimate - half, difference.estimate + half
    return Prevented(
        added([stratum.without for stratum in compared]),
        added([stratum.treated for stratum in compared]),
        1000 * difference.estimate,
        1000 * difference.se,
        Interval(1000 * low, 1000 * high),
    )


def is_mismatch(strata: Sequence[Stratum]) -> bool:
    """Whether the arms have other numbers of people than were drawn: the evidence of all strata (the product of their
    Bayes factors) that had two arms."""
    evidence = sum(
        srm.log_bayes_factor([stratum.without.of, stratum.treated.of], [stratum.share, 1 - stratum.share])
        for stratum in strata
        if 0 < stratum.share < 1
    )
    return evidence >= math.log(srm.FLAGGED_AT)

"""Two arms at one look, after the looks that came before. Pure.

Arms are compared epoch by epoch (stats.arms). In mode A an interval that holds at every look and the least p-value so
far, Holm over the treatments; in mode B bounds that spend alpha look by look; where a test earns while it runs, the
e-process alone. What was once shown stays shown: each of them allows for looking as often as one likes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from analytics.judging.shapes import Compared, Declared, Judgement, Outcome
from analytics.stats import arms, deadline, earning, sequential
from analytics.stats.arms import Arm, Difference
from analytics.stats.proportions import ALPHA, Interval

SAME_WITHIN = 0.03  # of the difference, or within what was called worth having, where that is less
_LEAST_SPENT = 1e-9  # of alpha on a side: before that a deadline's look says nothing yet
_NEW_LOOK = 0.002  # of the planned information: with less than that there is nothing new to look at


def compare(
    outcomes: Sequence[Outcome], declared: Declared, earlier: Judgement | None, *, units: int, is_over: bool
) -> tuple[tuple[Compared, ...], tuple[float, ...]]:
    """Every pair of arms, those with the control first; and the fractions of information spent on so far."""
    keys = [arm.key for arm in declared.arms]
    pairs = list(combinations(keys, 2))
    alpha = ALPHA / (len(keys) - 1)
    fractions, bound = _spending(units, declared, earlier, alpha=alpha, is_over=is_over)
    found = []
    for first, second in pairs:
        before = (earlier.of(first, second) if earlier else None) or Compared(first, second, 0)
        one, other = _strata(outcomes, first, declared), _strata(outcomes, second, declared)
        planned = declared.planned_of(first, second)
        if declared.earns:
            days = _days(one, other, before, _epochs(outcomes, declared), declared)
            found.append(_by_evidence(one, other, before, days))
        elif declared.mode == "deadline":
            is_final = earlier is not None and earlier.is_over
            found.append(_by_bound(one, other, before, bound, planned=planned, is_said=is_final))
        else:
            found.append(_by_sequence(one, other, before, planned=planned, alpha=alpha))
    margin = min(SAME_WITHIN, declared.worthwhile)
    found = [_with_sameness(each, outcomes, declared, margin) for each in found]
    if declared.earns or declared.mode != "deadline":
        found = _with_holm(found, declared)
    return tuple(found), fractions


def _strata(outcomes: Sequence[Outcome], key: str, declared: Declared) -> list[Arm]:
    """The arm epoch by epoch, nobody where it has none."""
    of = {each.epoch: Arm(each.successes, each.judged) for each in outcomes if each.arm == key}
    return [of.get(epoch, arms.NOBODY) for epoch in _epochs(outcomes, declared)]


def _epochs(outcomes: Sequence[Outcome], declared: Declared) -> list[int]:
    return sorted({each.epoch for each in outcomes} | set(declared.weights))


def _difference(one: Sequence[Arm], other: Sequence[Arm]) -> Difference | None:
    """None before the burn-in, too."""
    sizes = arms.total(one).units, arms.total(other).units
    if not all(sizes):
        return None
    is_enough = arms.may_judge(one, other, least_share=min(sizes) / sum(sizes))
    return arms.difference(one, other) if is_enough else None


def _by_sequence(
    one: Sequence[Arm], other: Sequence[Arm], before: Compared, *, planned: float, alpha: float
) -> Compared:
    """Mode A."""
    units = arms.total(one).units + arms.total(other).units
    if (found := _difference(one, other)) is None:
        return _kept(before, units)
    own = sequential.interval(found, planned=planned, alpha=alpha)
    p = sequential.p_value(found, planned=planned)
    left = _left(before, own)
    is_least = p < before.least_p
    return Compared(
        before.first, before.second, units, found.estimate, found.se, own.low, own.high, left.low, left.high,
        p=p, least_p=min(p, before.least_p), sign=_sign(found.estimate) if is_least else before.sign,
        said=before.said, is_same=before.is_same, is_futile=deadline.is_futile(found, planned=math.ceil(planned)),
    )  # fmt: skip


def _by_bound(
    one: Sequence[Arm], other: Sequence[Arm], before: Compared, bound: float | None, *, planned: float, is_said: bool
) -> Compared:
    """Mode B. Without a bound (too little information yet) nothing is said, nor anything new after the last look."""
    units = arms.total(one).units + arms.total(other).units
    found = _difference(one, other)
    if found is None or bound is None:
        return _kept(before, units)
    own = deadline.interval(found, bound)
    z = found.estimate / found.se
    left = _left(before, own)
    said = before.said or (_WORDS[_sign(z)] if abs(z) >= bound and not is_said else "")
    return Compared(
        before.first, before.second, units, found.estimate, found.se, own.low, own.high, left.low, left.high,
        z=z, bound=bound, said=said, is_same=before.is_same,
        is_futile=deadline.is_futile(found, planned=math.ceil(planned)),
    )  # fmt: skip


def _days(
    one: Sequence[Arm], other: Sequence[Arm], before: Compared, epochs: Sequence[int], declared: Declared
) -> list[earning.Day]:
    """The epochs of a test that earns, one a day, with the chance of the second of two arms that was fixed before."""
    days = []
    for number, a, b in zip(epochs, one, other, strict=True):
        if a.units + b.units:
            weights = declared.weights[number]
            rho = weights[before.second] / (weights[before.first] + weights[before.second])
            days.append(earning.Day(a.successes, a.failures, b.successes, b.failures, rho))
    return days


def _by_evidence(one: Sequence[Arm], other: Sequence[Arm], before: Compared, days: Sequence[earning.Day]) -> Compared:
    """Where weights follow what was seen: the exact e-process over days, and no estimate."""
    units = arms.total(one).units + arms.total(other).units
    if not days:
        return _kept(before, units)
    p = math.exp(min(0.0, -earning.log_e(days)))
    rough = arms.difference(one, other)
    sign = _sign(rough.estimate) if rough and p < before.least_p else before.sign
    return Compared(
        before.first, before.second, units, p=p, least_p=min(p, before.least_p), sign=sign, said=before.said
    )


def _spending(
    units: int, declared: Declared, earlier: Judgement | None, *, alpha: float, is_over: bool
) -> tuple[tuple[float, ...], float | None]:
    """The fractions of information at the looks so far, and how far from 0 |z| must be at this one."""
    past = earlier.fractions if earlier else ()
    if declared.mode != "deadline" or declared.earns or not units or not declared.planned:
        return past, None
    last = past[-1] if past else 0.0
    now = deadline.fraction(units, declared.planned)
    if is_over:
        # All that is left is spent: also where nobody more came since the last look.
        now = 1.0 if units >= declared.planned else min(1.0, max(now, last + _NEW_LOOK))
        fractions = (*(each for each in past if each < now), now)
        return fractions, deadline.bounds(fractions, alpha=alpha, is_over=True)[-1]
    if deadline.spent(now, alpha=alpha) < _LEAST_SPENT:
        return past, None
    fractions = (*past, now) if now >= last + _NEW_LOOK else past
    return fractions, deadline.bounds(fractions, alpha=alpha)[-1]


def _with_holm(found: Sequence[Compared], declared: Declared) -> list[Compared]:
    """What the least p-values show: of the treatments against the control by Holm; of the others, where one must beat
    every other to be called best, each by itself."""
    control = declared.control
    adjusted = sequential.holm({each.second: each.least_p for each in found if each.first == control})
    judged = []
    for each in found:
        p = adjusted[each.second] if each.first == control else each.least_p
        said = each.said or (_WORDS[each.sign] if p <= ALPHA and each.sign else "")
        judged.append(replace(each, adjusted_p=p, said=said))
    return judged


def _with_sameness(each: Compared, outcomes: Sequence[Outcome], declared: Declared, margin: float) -> Compared:
    """Practically the same, once the 90 % sequence lies within the margin, in either mode."""
    if declared.earns or each.is_same or each.estimate is None or each.se is None:
        return each
    found = Difference(each.estimate, each.se, each.units)
    planned = declared.planned_of(each.first, each.second)
    return replace(each, is_same=sequential.is_practically_the_same(found, margin=margin, planned=planned))


_WORDS = {1: "better", -1: "worse"}


def _sign(value: float) -> int:
    return 1 if value > 0 else -1 if value < 0 else 0


def _kept(before: Compared, units: int) -> Compared:
    """Nothing new can be said; what was said before stays."""
    return replace(before, units=units, low=None, high=None, p=None, z=None, bound=None, is_futile=False)


def _left(before: Compared, own: Interval) -> Interval:
    """What both intervals leave; this look's own where they leave nothing, since then the truth has moved."""
    if before.running_low is None or before.running_high is None:
        return own
    low, high = max(own.low, before.running_low), min(own.high, before.running_high)
    return Interval(low, high) if low <= high else own

"""Whether a test's numbers can be believed, and whether a text does harm elsewhere: split and guard-rails. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from analytics.judging.shapes import Declared, Guard, Outcome, Split
from analytics.stats import arms, sequential, srm
from analytics.stats.arms import Arm
from analytics.stats.proportions import ALPHA


def split(outcomes: Sequence[Outcome], declared: Declared) -> Split:
    """By Lindon and Malek, on the whole test at once: with changing weights against their mean by visitors, which
    overstates the spread and so never flags too early."""
    keys = [arm.key for arm in declared.arms]
    counted = {key: sum(each.exposed for each in outcomes if each.arm == key) for key in keys}
    drawn = dict.fromkeys(keys, 0.0)
    for epoch in sorted({each.epoch for each in outcomes}):
        number = sum(each.exposed for each in outcomes if each.epoch == epoch)
        weights = declared.weights.get(epoch) or declared.weights[min(declared.weights)]
        for key in keys:
            drawn[key] += number * weights[key] / sum(weights.values())
    total = sum(counted.values())
    if not total:
        return Split(counted, drawn, 0.0, 1.0, "", 0.0, False)
    factor = srm.log_bayes_factor(list(counted.values()), list(drawn.values()))
    # Of two that are equally far off the one that lost visitors: more often they get lost than come twice.
    worst = max(keys, key=lambda key: (round(abs(counted[key] - drawn[key]) / math.sqrt(drawn[key]), 6), -counted[key]))
    p = min(1.0, len(keys) * srm.p_value(counted[worst], total - counted[worst], share=drawn[worst] / total))
    off = counted[worst] / drawn[worst] - 1
    return Split(counted, drawn, factor, p, worst, off, factor >= math.log(srm.FLAGGED_AT))


def still_blocked(found: Split) -> Split:
    """Was blocked at an earlier look: the visitors who came then are still among these."""
    return replace(found, is_mismatch=True)


def guards(outcomes: Sequence[Outcome], declared: Declared) -> tuple[Guard, ...]:
    """Of each treatment: whether more contact us about anything, and whether fewer finish the form that they opened."""
    found = []
    for what in ("contact", "form"):
        control = _strata(outcomes, declared.control, what)
        found += [_guard(what, key, control, _strata(outcomes, key, what), declared) for key in declared.treatments]
    return tuple(found)


def _strata(outcomes: Sequence[Outcome], key: str, what: str) -> list[Arm]:
    """What is good, epoch by epoch: no contact; a form that was sent."""
    of: dict[int, Arm] = {
        each.epoch: each.without_contact if what == "contact" else each.forms for each in outcomes if each.arm == key
    }
    return [of.get(epoch, arms.NOBODY) for epoch in sorted({each.epoch for each in outcomes})]


def _guard(what: str, key: str, control: Sequence[Arm], treatment: Sequence[Arm], declared: Declared) -> Guard:
    one, other = arms.total(control), arms.total(treatment)
    of_contacts = what == "contact"
    hits = [each.failures if of_contacts else each.successes for each in (one, other)]
    plain = Guard(what, key, hits[0], one.units, hits[1], other.units)
    if declared.earns or not (one.units and other.units):
        return plain
    least_share = min(one.units, other.units) / (one.units + other.units)
    found = arms.difference(control, treatment) if arms.may_judge(control, treatment, least_share=least_share) else None
    if found is None:
        return plain
    planned = declared.planned_of(declared.control, key)
    interval = sequential.interval(found, planned=planned, alpha=ALPHA)
    low, high = (-interval.high, -interval.low) if of_contacts else (interval.low, interval.high)
    return Guard(what, key, hits[0], one.units, hits[1], other.units, low, high, is_harmed=interval.high < 0)

"""What the counts of a test say, by the plan that was declared and the looks that came before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from analytics.judging import checking, comparing
from analytics.judging.shapes import Code, Compared, Declared, Judgement, Outcome

LEAST_COVERAGE = 0.30


def judge(
    outcomes: Sequence[Outcome], declared: Declared, earlier: Judgement | None = None, *, at: datetime,
    is_over: bool = False,
) -> Judgement:  # fmt: skip
    """What these counts say after `earlier`, the look before. `is_over`: the deadline has passed, all data are in."""
    exposed, linkable = sum(each.exposed for each in outcomes), sum(each.linkable for each in outcomes)
    units = sum(each.judged for each in outcomes)
    split = checking.split(outcomes, declared)
    was_blocked = earlier is not None and earlier.split is not None and earlier.split.is_mismatch
    if was_blocked and not split.is_mismatch:
        split = checking.still_blocked(split)
    fractions = earlier.fractions if earlier else ()
    compared: tuple[Compared, ...] = ()
    if exposed:
        compared, fractions = comparing.compare(outcomes, declared, earlier, units=units, is_over=is_over)
    code, about = _decide(compared, declared, is_over=is_over)
    if not exposed:
        code, about = Code.NOBODY, ()
    elif split.is_mismatch:
        code, about = Code.BLOCKED, (split.worst,)
    elif declared.metric != "confirmed" and linkable < LEAST_COVERAGE * exposed:
        code, about = Code.WITHHELD, ()
    return Judgement(
        code=code, at=at, units=units, arms=about, compared=compared, split=split, coverage=(linkable, exposed),
        guards=checking.guards(outcomes, declared), fractions=fractions, is_over=is_over,
    )  # fmt: skip


def _decide(compared: Sequence[Compared], declared: Declared, *, is_over: bool) -> tuple[Code, tuple[str, ...]]:
    """The code, and the arms that it is about."""
    of = {each.second: each for each in compared if each.first == declared.control}
    better = tuple(key for key, each in of.items() if each.said == "better")
    if better:
        best = next((key for key in better if _beats_all(key, compared, declared)), None)
        return (Code.BEST, (best,)) if best else (Code.BETTER, better)
    against = list(of.values())
    if against and all(each.said == "worse" for each in against):
        return Code.WORSE, tuple(of)
    if against and all(each.is_same or each.said == "worse" for each in against):
        return Code.SAME, tuple(of)
    if is_over:
        return Code.INCONCLUSIVE, tuple(of)
    if not any(each.is_judged for each in against):
        return Code.TOO_EARLY, tuple(of)
    if all(each.is_futile or each.is_same or each.said == "worse" for each in against):
        return Code.FUTILE, tuple(of)
    return Code.UNCLEAR, tuple(of)


def _beats_all(key: str, compared: Sequence[Compared], declared: Declared) -> bool:
    """Whether it does better than every other arm, the control included."""
    others = {arm.key for arm in declared.arms} - {key}
    beaten = {each.first for each in compared if each.second == key and each.said == "better"}
    beaten |= {each.second for each in compared if each.first == key and each.said == "worse"}
    return beaten == others

"""When a test will be able to say something, at the pace at which its visitors have come so far. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.judging.shapes import Declared, Outcome
from analytics.stats.arms import Arm

_NEEDED = 10  # successes, and failures, of each arm
_FIRST_FRACTION = 0.14  # of the plan, before which a deadline's bounds say nothing
_UNKNOWN_SHARE = 0.65
_FARTHEST = timedelta(days=2 * 365)


@dataclass(frozen=True, slots=True)
class Outlook:
    """None: not within two years at this pace, or nobody comes."""

    first: datetime | None = None  # verdict that may say something
    planned: datetime | None = None  # that all planned visitors, or all until the deadline, are in


def look_ahead(
    outcomes: Sequence[Outcome], declared: Declared, *, started_at: datetime, due_at: datetime | None, at: datetime,
    watermark: datetime,
) -> Outlook:  # fmt: skip
    """`watermark`: contacts come in so much behind the clock, and every window with them."""
    days = max((at - started_at) / timedelta(days=1), 0.25)
    wait = timedelta(days=declared.window_days) + max(at - watermark, timedelta(0))
    usable = {
        arm.key: sum(_usable(each, declared) for each in outcomes if each.arm == arm.key) for arm in declared.arms
    }

    def when(needed: float, pace: float) -> datetime | None:
        if pace <= 0 or needed / pace > _FARTHEST.days:
            return None
        return max(started_at + timedelta(days=needed / pace) + wait, at + timedelta(days=1))

    firsts = [when(_units_needed(outcomes, key), usable[key] / days) for key in usable]
    planned = when(declared.planned, sum(usable.values()) / days) if declared.planned else None
    if declared.mode == "deadline" and declared.planned and not declared.earns:
        firsts.append(when(_FIRST_FRACTION * declared.planned, sum(usable.values()) / days))
        planned = due_at + wait if due_at else planned
    first = max((each for each in firsts if each), default=None) if all(firsts) else None
    return Outlook(first, planned)


def _usable(each: Outcome, declared: Declared) -> int:
    return each.exposed if declared.metric == "confirmed" else each.linkable


def _units_needed(outcomes: Sequence[Outcome], key: str) -> float:
    """Until both successes and failures of the arm are enough, at its own share so far."""
    seen = sum((Arm(each.successes, each.judged) for each in outcomes if each.arm == key), Arm(0, 0))
    share = (seen.successes + 1) / (seen.units + 2) if seen.units >= 2 * _NEEDED else _UNKNOWN_SHARE
    return _NEEDED / min(share, 1 - share)

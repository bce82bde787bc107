"""What a test would take and could see, and why it should not start: from the article's own traffic. No database.

The arithmetic is analytics.stats.power's, for equal weights. With unequal ones the test is planned as if every arm got
as few readers as the smallest: a plan is never too short.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.experiment_traffic import ENOUGH, Traffic
from analytics.stats import power
from analytics.stats.power import MOST_DAYS, Mode
from analytics.stats.proportions import ALPHA
from kb.models import Metric

WEEK = 7
_SIGHTS = (2, 4, 8, 13, 26)  # weeks for which the plan says what they would show


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks of a test. An empty `mode` is the proposed one; one weight for each arm."""

    metric: str
    worthwhile: float
    window_days: int
    allocation: float = 1.0
    weights: tuple[float, ...] = (1.0, 1.0)
    mode: str = ""
    earns: bool = False

    @property
    def smallest_share(self) -> float:
        return min(self.weights) / sum(self.weights)

    @property
    def is_even(self) -> bool:
        return len(set(self.weights)) == 1


@dataclass(frozen=True, slots=True)
class Sight:
    """The smallest effect that so many weeks of readers most likely show; None: none at all."""

    weeks: int
    lift: float | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan to start with, or the reason not to and what to do instead. `units` are mature visitors of each arm."""

    wish: Wish
    traffic: Traffic
    base: float | None
    mode: Mode
    proposed: Mode
    units: int
    planned_units: int
    days: int  # whole weeks
    power_at_half: float
    sights: tuple[Sight, ...]
    refusal: str
    advice: tuple[str, ...]

    @property
    def is_possible(self) -> bool:
        return not self.refusal

    @property
    def weeks(self) -> int:
        return self.days // WEEK

    @property
    def per_day(self) -> float:
        """Readers a day who would be in the test and counted."""
        return self.traffic.per_day(self.wish.metric) * self.wish.allocation

    def due_at(self, *, now: datetime) -> datetime | None:
        """Up to when exposures count; an open end has none."""
        return now + timedelta(days=self.days) if self.mode is Mode.DEADLINE else None

    def frozen(self, *, now: datetime) -> dict[str, Any]:
        """The figures that the test was planned with, to be kept with it."""
        share = self.traffic.share(self.wish.metric)
        return {
            "as_of": now.isoformat(),
            "readers_a_day": round(self.traffic.per_day(self.wish.metric), 2),
            "base": self.base,
            "base_hits": share.hits,
            "base_of": share.of,
            "arms": len(self.wish.weights),
            "allocation": self.wish.allocation,
            "units_an_arm": self.units,
            "days": self.days,
            "mode_proposed": self.proposed.value,
            "sees": self.wish.worthwhile,
            "power_at_half": round(self.power_at_half, 3),
        }


def propose(traffic: Traffic, wish: Wish) -> Proposal:
    """A plan for the wish, or its refusal with what would be possible instead."""
    refusal = _never(traffic, wish)
    base = traffic.share(wish.metric).base
    if refusal or base is None:
        return _refused(traffic, wish, refusal)
    proposed = Mode(proposed_mode(traffic, wish))
    plan = _planned(traffic, wish)
    if plan.days > MOST_DAYS:
        refusal = _("It would take %(time)s. A test that takes more than %(most)s days is not worth starting.") % {
            "time": _time(plan.days),
            "most": MOST_DAYS,
        }
    return Proposal(
        wish=wish,
        traffic=traffic,
        base=base,
        mode=plan.mode,
        proposed=proposed,
        units=plan.units,
        planned_units=math.ceil(plan.units / wish.smallest_share),
        days=_whole_weeks(plan.days),
        power_at_half=_power(plan.mode, plan.units, base, wish.worthwhile / 2, arms=len(wish.weights)),
        sights=tuple(_sights(traffic, wish, plan.mode, base)),
        refusal=refusal,
        advice=tuple(_advice(traffic, wish, plan)) if refusal else (),
    )


def proposed_mode(traffic: Traffic, wish: Wish) -> str:
    """The mode that the figures speak for; the open end where they say nothing."""
    if _never(traffic, wish):
        return Mode.OPEN.value
    return _planned(traffic, replace(wish, mode="", earns=False)).mode.value


def points(share: float) -> str:
    """0.05 -> 5; 0.025 -> 2.5: an effect in points."""
    return f"{100 * share:.1f}".removesuffix(".0")


def _planned(traffic: Traffic, wish: Wish) -> power.Plan:
    """Only where _never() says nothing: the base is known then."""
    arms = len(wish.weights)
    mode = Mode.OPEN if wish.earns else Mode(wish.mode) if wish.mode else None
    return power.plan(
        readers_per_day=traffic.per_day(wish.metric), base=traffic.share(wish.metric).base or 0, lift=wish.worthwhile,
        arms=arms, allocation=wish.allocation * wish.smallest_share * arms, window=wish.window_days, mode=mode,
    )  # fmt: skip


def _never(traffic: Traffic, wish: Wish) -> str:
    """Why nothing could ever be seen, whatever time it gets; else empty."""
    share = traffic.share(wish.metric)
    if not traffic.readers:
        return _("Nobody has read this article in the last %(days)s days.") % {"days": traffic.days}
    if not wish.allocation:
        return _("Nobody would take part: the share of readers is 0 %.")
    if not traffic.counted(wish.metric):
        return _("Of none of its readers would we know whether they contacted us, so none would be counted.")
    if share.base is None:
        return ngettext(
            "Only %(of)s reader can be counted whose %(window)s-day window is over, so how the text of today does is "
            "not known.",
            "Only %(of)s readers can be counted whose %(window)s-day window is over, so how the text of today does is "
            "not known.",
            share.of,
        ) % {"of": share.of, "window": wish.window_days}
    if share.base in (0, 1):
        words = _("every one of %(of)s readers was a success") if share.base else _("none of %(of)s readers was")
        return _("By this metric %(words)s: from there, no change can be planned for.") % {
            "words": words % {"of": share.of}
        }
    if share.base + wish.worthwhile >= 1:
        return _("The text of today succeeds with %(base)s %%: none can be %(points)s points better than that.") % {
            "base": points(share.base),
            "points": points(wish.worthwhile),
        }
    return ""


def _refused(traffic: Traffic, wish: Wish, refusal: str) -> Proposal:
    return Proposal(
        wish=wish, traffic=traffic, base=traffic.share(wish.metric).base, mode=Mode.OPEN, proposed=Mode.OPEN, units=0,
        planned_units=0, days=0, power_at_half=0, sights=(), refusal=refusal,
        advice=tuple(_advice_where_nothing_is_seen(traffic, wish)),
    )  # fmt: skip


def _advice_where_nothing_is_seen(traffic: Traffic, wish: Wish) -> Iterator[str]:
    share = traffic.share(wish.metric)
    if not traffic.readers:
        yield _("Test an article that is read: the list of tests names one. Or see to it that this one is found.")
        return
    if share.base is not None and 0 < share.base < 1 <= share.base + wish.worthwhile:
        yield _("Take a smaller effect as worthwhile: less than %(points)s points.") % {
            "points": points(1 - share.base)
        }
    if 0 < share.of < ENOUGH:
        yield _("Wait until %(enough)s are known, or choose a shorter window.") % {"enough": ENOUGH}
    yield from _other_metrics(traffic, wish)


def _advice(traffic: Traffic, wish: Wish, plan: power.Plan) -> Iterator[str]:
    """Each change that alone would make it possible, and how long it would take then."""

    def weeks_of(changed: Wish) -> str:
        other = _planned(traffic, changed)
        return _time(other.days) if other.is_possible else ""

    if plan.sees is not None and plan.sees < 1:
        large = math.ceil(plan.sees * 200) / 200  # to half a point
        if large > wish.worthwhile and (time := weeks_of(replace(wish, worthwhile=large))):
            yield _("Take only a larger effect as worthwhile: %(points)s points take %(time)s.") % {
                "points": points(large),
                "time": time,
            }
    if len(wish.weights) > 2 and (time := weeks_of(replace(wish, weights=(1.0, 1.0)))):
        yield _("Test fewer texts: with two it takes %(time)s.") % {"time": time}
    if wish.allocation < 1 and (time := weeks_of(replace(wish, allocation=1.0))):
        yield _("Let all readers take part: it takes %(time)s then.") % {"time": time}
    if not wish.is_even and (time := weeks_of(replace(wish, weights=(1.0,) * len(wish.weights)))):
        yield _("Give every text the same weight: it takes %(time)s then.") % {"time": time}
    if plan.mode is Mode.OPEN and (time := weeks_of(replace(wish, mode=Mode.DEADLINE.value, earns=False))):
        yield _("Give it a deadline: it takes %(time)s then.") % {"time": time}
    yield from _other_metrics(traffic, wish)


def _other_metrics(traffic: Traffic, wish: Wish) -> Iterator[str]:
    for metric in Metric:
        other = replace(wish, metric=metric.value, mode="")
        if metric == wish.metric or _never(traffic, other):
            continue
        plan = _planned(traffic, other)
        if plan.is_possible:
            yield _("Judge it by another metric: “%(metric)s” takes %(time)s.") % {
                "metric": str(metric.label).partition(":")[0],
                "time": _time(plan.days),
            }


def _sights(traffic: Traffic, wish: Wish, mode: Mode, base: float) -> Iterator[Sight]:
    a_week = WEEK * traffic.per_day(wish.metric) * wish.allocation * wish.smallest_share
    for weeks in _SIGHTS:
        yield Sight(weeks, power.smallest_lift(mode, base, a_week * weeks, arms=len(wish.weights)))


def _power(mode: Mode, units: int, base: float, lift: float, *, arms: int) -> float:
    of = power.open_power if mode is Mode.OPEN else power.deadline_power
    return of(units, base, base + lift, alpha=ALPHA / (arms - 1))


def _whole_weeks(days: int) -> int:
    """So that each weekday counts the same."""
    return WEEK * math.ceil(days / WEEK)


def _time(days: int) -> str:
    weeks = _whole_weeks(days) // WEEK
    if weeks > 520:
        return _("more than ten years")
    return ngettext("%(weeks)s week", "%(weeks)s weeks", weeks) % {"weeks": weeks}

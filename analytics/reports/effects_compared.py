"""What is held out at random, in these days and in those before: both effects with their own intervals, of the people
who came into it in each alone. The ledger itself is of all since the beginning.

A change is claimed only where the interval of the difference leaves out 0. A person is in it once, so that the sides
have nobody in common, and their intervals, which hold at every look, are joined as those of independent numbers (Zou
and Donner 2008, stats/proportions.py): no narrower than one look's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from analytics import effect_days
from analytics.effect_days import Known
from analytics.models import SUGGESTIONS, EffectMark
from analytics.periods import Compare, Period
from analytics.reports.tables import Column, Table, Value
from analytics.stats import holdout
from analytics.stats.proportions import Interval, Prevented, Rate, apart
from contacts.models import Arm as FormArm
from notifications.models import Arm, Rule


@dataclass(frozen=True)
class Side:
    """Both arms of some days. `prevented` is None where nothing may be said of them."""

    without: Rate
    treated: Rate
    prevented: Prevented | None
    is_blocked: bool = False  # the split is wrong

    @classmethod
    def of(cls, known: Known, what: int, arms: tuple[str, str]) -> Side:
        strata = known.strata(what, without=arms[0], treated=arms[1])
        is_blocked = holdout.is_mismatch(strata)
        found = None if is_blocked else holdout.compare(strata)
        return cls(
            holdout.added([stratum.without for stratum in strata]),
            holdout.added([stratum.treated for stratum in strata]),
            None if found is None or found.is_too_early else found,
            is_blocked,
        )


@dataclass(frozen=True)
class Turn:
    """One thing that is held out. `target` (a page) has its people, by `narrowed` and `arms`: those without, those
    with."""

    key: str
    name: str
    now: Side
    before: Side
    target: str
    narrowed: Mapping[str, str]
    arms: tuple[str, str]

    @property
    def per_1000(self) -> float | None:
        """How many more 1,000 prevent now; None where one side says nothing."""
        if self.now.prevented is None or self.before.prevented is None:
            return None
        return self.now.prevented.per_1000 - self.before.prevented.per_1000

    @property
    def interval(self) -> Interval | None:
        now, then = self.now.prevented, self.before.prevented
        if now is None or then is None:
            return None
        return apart(now.per_1000, now.interval, then.per_1000, then.interval)

    @property
    def is_turn(self) -> bool:
        return self.interval is not None and 0 not in self.interval


@dataclass(frozen=True)
class Compared:
    """`through`: up to when days are over and counted; later ones are in neither side."""

    before: Period
    turns: list[Turn]
    through: date | None


def build(period: Period) -> Compared | None:
    """None where nothing is compared. Four queries."""
    if period.compare is Compare.NONE:
        return None
    then = period.before()
    now_known, then_known = (
        effect_days.within(each.window, first=each.first, last=each.last) for each in (period, then)
    )

    def turn(key: str, name: str, what: int, target: str, narrowed: Mapping[str, str], arms: tuple[str, str]) -> Turn:
        sides = Side.of(now_known, what, arms), Side.of(then_known, what, arms)
        return Turn(key, name, *sides, target, narrowed, arms)

    messages = (str(Arm.HELD_OUT), str(Arm.NOTIFY))
    rules = [
        turn(f"rule:{rule.key}", rule.name, rule.pk, "evidence", {"compared": "yes", "rule": rule.key}, messages)
        for rule in Rule.objects.order_by("name")
    ]
    name, visitors = _("Suggestions in the contact form"), (str(FormArm.OFF), str(FormArm.ON))
    every = [*rules, turn("suggestions", name, SUGGESTIONS, "effect-visits", {}, visitors)]
    mark = EffectMark.objects.filter(window=period.window).values_list("through", flat=True).first()
    # Whoever keeps nobody back has no effect that could be told, of these days or those.
    kept = [each for each in every if each.now.without.of or each.before.without.of]
    return Compared(then, kept, mark)


def table(period: Period) -> Table | None:
    """None where nothing is compared."""
    found = build(period)
    if found is None:
        return None
    columns = (
        Column("key", _("Key")),
        Column("name", _("Name")),
        Column("without", _("Contacted us, without")),
        Column("with", _("Contacted us, with")),
        Column("low", _("Prevented per 1,000, lower bound")),
        Column("high", _("Prevented per 1,000, upper bound")),
        Column("without_before", _("Before: contacted us, without")),
        Column("with_before", _("Before: contacted us, with")),
        Column("low_before", _("Before: prevented per 1,000, lower bound")),
        Column("high_before", _("Before: prevented per 1,000, upper bound")),
        Column("difference_low", _("Difference, lower bound")),
        Column("difference_high", _("Difference, upper bound")),
        Column("is_turn", _("More than chance")),
    )
    said = _("Who came into it then, against %(first)s to %(last)s; mature only. Empty: too few, or a wrong split.")
    note = said % {"first": found.before.first, "last": found.before.last}
    return Table("compared", _("Effects, against the days before"), columns, [_row(each) for each in found.turns], note)


def _row(turn: Turn) -> tuple[Value, ...]:
    def told(side: Side) -> tuple[Value, ...]:
        return (side.without, side.treated, *_ends(side.prevented.interval if side.prevented else None))

    is_turn = turn.is_turn if turn.interval else None
    return (turn.key, turn.name, *told(turn.now), *told(turn.before), *_ends(turn.interval), is_turn)


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return (round(interval.low, 2), round(interval.high, 2)) if interval else (None, None)

"""One line of the causal ledger, whatever was tried: what a random part went without, and what that shows. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from statistics import NormalDist

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.stats import proportions
from analytics.stats.proportions import ALPHA, Interval, Prevented, Rate

SAME_WITHIN = 0.03  # in shares: no difference worth having, nor is a fifth of the base where that is less
WORTH_SEEING = 0.20  # a fall so large (of the base) is what "so many more weeks" is reckoned for


class Kind(StrEnum):
    RULE = "rule"
    SUGGESTIONS = "suggestions"
    TEST = "test"
    SEARCH = "search"


class Code(StrEnum):
    """What is shown, in the order of the ledger."""

    SHOWN = "shown"  # prevents contacts
    HARMFUL = "harmful"  # brings contacts
    SUPPRESSED = "suppressed"  # fewer contacts, while the way to a person was less open: no help
    SAME = "same"  # practically the same
    NOT_SHOWN = "not_shown"
    TOO_EARLY = "too_early"
    BLOCKED = "blocked"  # the split is wrong


ORDER = list(Code)


@dataclass(frozen=True, slots=True)
class Measured:
    """The difference of two arms, per 1,000 units: without minus with. Positive: contacts are prevented.

    `interval` holds at every look and is what all looks so far leave; `half` is half the width of this look's own.
    """

    per_1000: float
    se: float
    units: int  # of both arms
    interval: Interval
    half: float
    planned: float = proportions.PLANNED_TOTAL
    is_deadline: bool = False  # bounds spent look by look, not a sequence

    @classmethod
    def of(cls, found: Prevented | None) -> Measured | None:
        if found is None:
            return None
        half = (found.interval.high - found.interval.low) / 2
        return cls(found.per_1000, found.se, found.held_out.of + found.notified.of, found.interval, half)

    def joint(self, effects: int) -> Interval:
        """An interval at alpha / `effects` (Bonferroni), so that so many of them hold at once with 95 %."""
        if effects <= 1:
            return self.interval
        half = self.half * self._widening(effects)
        return Interval(self.per_1000 - half, self.per_1000 + half)

    def _widening(self, effects: int) -> float:
        if self.is_deadline:
            normal = NormalDist()
            return normal.inv_cdf(1 - ALPHA / effects / 2) / normal.inv_cdf(1 - ALPHA / 2)
        # The sequence's tuning stays that of alpha: it was frozen at the start.
        t = self.units * (-2 * math.log(ALPHA) + math.log(1 - 2 * math.log(ALPHA))) / self.planned
        return math.sqrt(math.log((t + 1) / (ALPHA / effects) ** 2) / math.log((t + 1) / ALPHA**2))


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Saved:
    """Money of the period. `at_least`: lower bound × people × cost of a contact − sending; None where that is not above
    0 or not known, and `why` says which. `costs_at_least`: it costs more than it saves, by so much at least."""

    at_least: Money | None
    why: str = ""
    costs_at_least: Money | None = None


@dataclass(frozen=True)
class Entry:
    """One effect. `control` went without, `treated` had it: who contacted us / mature units, since the beginning to the
    period's end. `by_day`: mature units of `treated` that came into it in the period; `sent_by_day`: messages sent;
    `seen_by_day`: of a test, the exposures of which `by_day` is the part that could be judged."""

    key: str
    kind: Kind
    name: str
    what: str
    url: str
    since: date | None
    control: Rate
    treated: Rate
    code: Code
    measured: Measured | None
    by_day: dict[date, int] = field(default_factory=dict)
    sent_by_day: dict[date, int] = field(default_factory=dict)
    seen_by_day: dict[date, int] = field(default_factory=dict)
    more_needed: int | None = None
    weeks: int | None = None
    notes: tuple[str, ...] = ()
    rows: dict[str, str] = field(default_factory=dict)  # "control", "control_hits", "treated", …: address of the rows
    saved: Saved = Saved(None)

    @property
    def exposed(self) -> int:
        return sum(self.by_day.values())

    @property
    def seen(self) -> int:
        return sum(self.seen_by_day.values())

    @property
    def is_judged(self) -> bool:
        """Its interval may be looked at."""
        return self.measured is not None and self.code not in (Code.TOO_EARLY, Code.BLOCKED)

    @property
    def interval(self) -> Interval | None:
        """Contacts prevented per 1,000 units; None where nothing may be said."""
        return self.measured.interval if self.measured is not None and self.is_judged else None

    @property
    def prevented_at_least(self) -> int | None:
        """Contacts, in the period, by the lower bound of its own interval; None where prevention is not shown."""
        if self.code is not Code.SHOWN or self.interval is None:
            return None
        return math.floor(self.exposed * self.interval.low / 1000)

    @property
    def to_notify(self) -> tuple[int, int] | None:
        """How many units prevent one contact, at best and at worst; None where prevention is not shown."""
        if self.code is not Code.SHOWN or self.interval is None:
            return None
        return math.ceil(1000 / self.interval.high), math.ceil(1000 / self.interval.low)

    @property
    def sentence(self) -> str:
        match self.code:
            case Code.SHOWN:
                return _("Prevents %(span)s contacts per 1,000.") % {"span": _span(self.interval)}
            case Code.HARMFUL:
                return _("Brings %(span)s more contacts per 1,000.") % {"span": _span(_turned(self.interval))}
            case Code.SUPPRESSED:
                return _("Suppression: fewer contacts, while fewer who looked for help came to the contact form.")
            case Code.SAME:
                return _("Practically the same with and without: %(range)s.") % {"range": _range(self.interval)}
            case Code.NOT_SHOWN:
                return _("Not shown to prevent contacts: %(range)s.") % {"range": _range(self.interval)}
            case Code.BLOCKED:
                return _("Blocked: the split is wrong, so nothing is said.")
            case Code.TOO_EARLY:
                return _("Too early to say.")

    @property
    def waits(self) -> str:
        """What it would take to know; empty where it is known, or nobody can say."""
        if self.code not in (Code.NOT_SHOWN, Code.TOO_EARLY) or self.weeks is None:
            return ""
        if not self.weeks:
            return _("Large enough to show a fall of a fifth; a smaller one takes longer.")
        if self.weeks > 104:
            years = round(self.weeks / 52)
            return _("About %(years)s more years at the present rate; a larger hold-out is quicker.") % {"years": years}
        return ngettext("About %(weeks)s more week.", "About %(weeks)s more weeks.", self.weeks) % {"weeks": self.weeks}


def code_of(measured: Measured | None, control: Rate, treated: Rate, *, is_blocked: bool = False) -> Code:
    """What the arms show. Too early: fewer than 20 who contacted us, or who did not, in the smaller arm."""
    if is_blocked:
        return Code.BLOCKED
    smaller = min((control, treated), key=lambda arm: arm.of)
    if measured is None or min(smaller.hits, smaller.of - smaller.hits) < proportions.BURN_IN:
        return Code.TOO_EARLY
    if measured.interval.low > 0:
        return Code.SHOWN
    if measured.interval.high < 0:
        return Code.HARMFUL
    margin = 1000 * min(SAME_WITHIN, WORTH_SEEING * (control.share or 0))
    close = 1000 * proportions.always_valid_half_width(
        measured.se / 1000, measured.units, planned=round(measured.planned), alpha=0.10
    )
    return Code.SAME if abs(measured.per_1000) + close < margin else Code.NOT_SHOWN


def needed(control: Rate, treated: Rate, *, share: float, weekly: float) -> tuple[int | None, int | None]:
    """How many more people, and weeks at `weekly` people each, until a fall of WORTH_SEEING most likely shows."""
    base = control if control.hits else Rate(control.hits + treated.hits, control.of + treated.of)
    if not base.share or not 0 < share < 1:
        return None, None
    total = proportions.total_needed(base=base.share, relative_fall=WORTH_SEEING, held_out_share=share)
    more = max(0, total - control.of - treated.of)
    return more, math.ceil(more / weekly) if weekly else None


def _span(interval: Interval | None) -> str:
    """12 to 40."""
    if interval is None:
        return "?"
    low, high = _whole(interval.low), _whole(interval.high)
    return low if low == high else _("%(low)s to %(high)s") % {"low": low, "high": high}


def _range(interval: Interval | None) -> str:
    """between −4 and +9 prevented per 1,000."""
    if interval is None:
        return "?"
    return _("between %(low)s and %(high)s prevented per 1,000") % {
        "low": _whole(interval.low, sign=True),
        "high": _whole(interval.high, sign=True),
    }


def _turned(interval: Interval | None) -> Interval | None:
    return None if interval is None else Interval(-interval.high, -interval.low)


def _whole(number: float, *, sign: bool = False) -> str:
    """Rounded; below 10 with a decimal, so that what is more than nothing does not read as 0."""
    shown = round(number, 1) if abs(number) < 10 else float(round(number))
    text = f"{abs(shown):,.0f}" if shown == round(shown) else f"{abs(shown):,.1f}"
    return ("−" if shown < 0 else "+" if sign and shown > 0 else "") + text

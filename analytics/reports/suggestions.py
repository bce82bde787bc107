"""Whether the contact form's suggestions prevent contacts: visitors with and without, as drawn when the form opened.

Unit: a visitor at the first opening that was drawn (analytics/effect_rows.visits says why). Contacts of any reason
within the window, by the visitor or a person tied to them; also the very one that the form was opened for. Who was in
neither arm (not_eligible, not_counted) is in no number here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from analytics import effect_days, effect_rows, month_counts, shop_days
from analytics.effect_days import Known, Numbers
from analytics.models import SUGGESTIONS
from analytics.periods import Period
from analytics.reports import asking, effect_entries
from analytics.reports.effect_entries import Code, Measured
from analytics.stats import holdout
from analytics.stats.holdout import Stratum
from analytics.stats.proportions import Rate
from contacts import arms
from contacts.models import Arm

FELL = 0.8  # the way to a person counts as narrower from a fall of a fifth on, where chance does not explain it
_SURE = 3.0  # standard errors


@dataclass(frozen=True, slots=True)
class Openings:
    """How many forms were opened, of how many help journeys. Not a share: one journey may open it twice."""

    forms: int
    journeys: int

    @property
    def per_100(self) -> float | None:
        return 100 * self.forms / self.journeys if self.journeys else None


@dataclass(frozen=True)
class Guards:
    """What must not get worse while contacts get fewer. Of the visitors compared in each arm: who sent the form; who
    opened a suggestion or said that it was the answer and did not send it. Forms opened, in the period and before.
    `withdrawn`: of those who saw a suggestion, who left, said no to nothing and did not contact us in the window: an
    upper bound of those whom it helped."""

    sent_on: Rate
    sent_off: Rate
    helped_on: Rate
    now: Openings
    before: Openings
    withdrawn: Rate

    @property
    def left(self) -> tuple[Rate, Rate]:
        """Left the form without sending it, and without a suggestion; with and without suggestions."""
        off, on = self.sent_off, self.sent_on
        return Rate(on.of - on.hits - self.helped_on.hits, on.of), Rate(off.of - off.hits, off.of)

    @property
    def has_access_fallen(self) -> bool:
        """Of as many journeys fewer opened the form than in the days before."""
        if not (self.now.journeys and self.before.journeys and self.before.forms):
            return False
        ratio = (self.now.forms / self.now.journeys) / (self.before.forms / self.before.journeys)
        se = math.sqrt(1 / max(1, self.now.forms) + 1 / self.before.forms)
        return ratio <= FELL and math.log(max(ratio, 1e-9)) < -_SURE * se


@dataclass(frozen=True)
class Suggestions:
    """Both arms, from the beginning to the period's end, by the share that was in force."""

    strata: list[Stratum]
    without: Rate
    treated: Rate
    measured: Measured | None
    code: Code
    is_mismatch: bool
    share: float  # in force now
    since: date | None
    more_needed: int | None
    weeks: int | None
    by_day: dict[date, int]
    guards: Guards

    @property
    def has_news(self) -> bool:
        return bool(self.without.of or self.treated.of)


def build(period: Period, *, now: datetime, known: Known | None = None, journeys: int | None = None) -> Suggestions:
    """From counts of days (`known`, and how many `journeys` began, where the caller has read them)."""
    if known is None:
        known = effect_days.known_of(period, now=now)
    return of_strata(
        known.strata(SUGGESTIONS, without=Arm.OFF, treated=Arm.ON),
        guards=_guards(period, known, journeys),
        share=arms.off_share(),
        weekly=known.weekly(SUGGESTIONS),
        since=known.since.get(SUGGESTIONS),
        by_day={day: one.units for day, one in known.in_days(SUGGESTIONS, Arm.ON, first=period.first).items()},
    )


NO_GUARDS = Guards(Rate(0, 0), Rate(0, 0), Rate(0, 0), Openings(0, 0), Openings(0, 0), Rate(0, 0))


def of_strata(
    strata: list[Stratum], *, guards: Guards = NO_GUARDS, share: float = 0.1, weekly: float = 0.0,
    since: date | None = None, by_day: Mapping[date, int] | None = None,
) -> Suggestions:  # fmt: skip
    """What given counts show. Pure but for the words."""
    without = holdout.added([stratum.without for stratum in strata])
    treated = holdout.added([stratum.treated for stratum in strata])
    measured = Measured.of(holdout.compare(strata))
    is_mismatch = holdout.is_mismatch(strata)
    code = effect_entries.code_of(measured, without, treated, is_blocked=is_mismatch)
    if code is Code.SHOWN and guards.has_access_fallen:
        code = Code.SUPPRESSED
    more, weeks = effect_entries.needed(without, treated, share=share, weekly=weekly)
    return Suggestions(
        strata, without, treated, measured, code, is_mismatch, share, since, more, weeks, dict(by_day or {}), guards
    )


_YES = asking.one_of("yes")
# What narrowed() knows, and what each may be.
WORDS: dict[str, asking.Check] = {
    "arm": asking.one_of(*(str(arm) for arm in effect_rows.COMPARED)),
    **dict.fromkeys(("contacted", "sent", "helped", "left", "shown", "withdrawn", "new", "opened"), _YES),
}


def narrowed(period: Period, parameters: Mapping[str, str], *, now: datetime) -> QuerySet[Any]:
    """The openings behind a number: one of each visitor compared. By `arm`, `contacted=yes`, `sent=yes`, `helped=yes`,
    `left=yes`, `shown=yes`, `withdrawn=yes` and `new=yes` (in the period). What makes no sense fits none. With
    `opened=yes` every opening of the period, however often a visitor opened it."""
    if parameters.get("opened", ""):
        every = effect_rows.openings(since=period.start, until=period.end)
        return effect_rows.with_contact(every, window=period.window)
    found = effect_rows.visits(until=until(period, {}, now=now), window=period.window)
    conditions = {
        ("contacted", "yes"): Q(has_contacted=True),
        ("sent", "yes"): Q(contact_id__isnull=False),
        ("helped", "yes"): effect_rows.was_helped(),
        ("left", "yes"): effect_rows.left(),
        ("new", "yes"): Q(opened_at__gte=period.start),
        ("shown", "yes"): effect_rows.was_shown(),
        ("withdrawn", "yes"): effect_rows.withdrawn(),
        **{("arm", str(arm)): Q(arm=arm) for arm in effect_rows.COMPARED},
    }
    for name in ("arm", "contacted", "sent", "helped", "left", "shown", "withdrawn", "new"):
        if value := parameters.get(name, ""):
            condition = conditions.get((name, value))
            found = found.none() if condition is None else found.filter(condition)
    return found


def until(period: Period, parameters: Mapping[str, str], *, now: datetime) -> datetime:
    """The moment before which all of narrowed() is."""
    if parameters.get("opened", ""):
        return period.end
    through = min(period.last, effect_days.ripe(period.window, effect_rows.contacts_in_until(now=now)))
    return shop_days.begin(through + timedelta(days=1))


_COUNTED = {"contacted": "contacted", "sent": "sent", "helped": "answered", "shown": "shown", "withdrawn": "withdrawn"}


def number(period: Period, parameters: Mapping[str, str], *, now: datetime) -> int | None:
    """How many narrowed() has, where the counts of days tell it: by arm, `new` and one of _COUNTED."""
    if parameters.get("opened", ""):
        return effect_rows.openings(since=period.start, until=period.end).count()
    asked = [name for name in (*_COUNTED, "left") if parameters.get(name)]
    if len(asked) > 1 or {parameters.get(name, "") for name in (*asked, "new")} - {"", "yes"}:
        return None
    known = effect_days.known_of(period, now=now)
    arms_asked = [str(arm) for arm in effect_rows.COMPARED if parameters.get("arm", "") in ("", arm)]

    def counted(name: str, among: list[str] = arms_asked) -> int:
        return effect_days.number(
            known, [SUGGESTIONS], among, name, since=period.first if parameters.get("new") else None
        )

    if asked == ["left"]:
        return counted("units") - counted("sent") - counted("answered", [arm for arm in arms_asked if arm == Arm.ON])
    return counted(_COUNTED[asked[0]] if asked else "units")


def _guards(period: Period, known: Known, journeys: int | None) -> Guards:
    of = {Arm.ON: Numbers(), Arm.OFF: Numbers()}
    for (what, _share, arm), numbers in known.ever.items():
        if what == SUGGESTIONS:
            of[Arm(arm)] += numbers
    on, off = of[Arm.ON], of[Arm.OFF]
    return Guards(
        Rate(on.sent, on.units), Rate(off.sent, off.units), Rate(on.answered, on.units),
        _openings(period, journeys), _openings(period.before()), Rate(on.withdrawn, on.shown),
    )  # fmt: skip


def _openings(period: Period, journeys: int | None = None) -> Openings:
    opened = effect_rows.openings(since=period.start, until=period.end).count()
    return Openings(opened, month_counts.number(period) if journeys is None else journeys)

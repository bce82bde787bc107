"""Whether people could still reach us while contacts fell, and whether our mails are still welcome.

Fewer contacts while access to contact fell is called suppression, and takes the place of the good news.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext as _

from analytics import spreads
from analytics.periods import Compare, Period
from analytics.reports import contacts, guard_rail_counts
from analytics.reports.tables import Column, Table, Value
from analytics.stats import counts
from analytics.stats.counts import Change, PerUnit
from analytics.stats.proportions import Interval, Rate, difference


class Rail(StrEnum):
    """What is watched."""

    IN_SIGHT = "link_in_sight"
    OPENED = "form_opened"
    COMPLETED = "form_completed"
    COMPLAINTS = "complaints"
    UNSUBSCRIBES = "unsubscribes"
    NO_VOTES = "no_votes"
    SATISFACTION = "satisfaction"


# What of them is access to contact.
ACCESS = (Rail.IN_SIGHT, Rail.OPENED, Rail.COMPLETED)


class Turn(StrEnum):
    """What became of it against the days before. Only what is more than chance is a turn."""

    WORSE = "worse"
    BETTER = "better"
    NOT_SHOWN = "not_shown"
    UNKNOWN = "unknown"  # nothing to hold it against


@dataclass(frozen=True)
class Row:
    """One guard-rail. `now` is a share of `of_what`, or so many to each of it; None: not measured.

    `change`: now against before, by what chance does to both: of shares the difference, of counts how many times."""

    rail: Rail
    name: str
    of_what: str
    now: Rate | PerUnit | None
    before: Rate | PerUnit | None
    turn: Turn
    change: Interval | Change | None = None
    # Of what could have told, what did: only of the link, of which pages without a script say nothing.
    told: Rate | None = None
    told_before: Rate | None = None

    @property
    def values(self) -> tuple[Rate | PerUnit | None, Rate | PerUnit | None]:
        return self.now, self.before

    @property
    def factor(self) -> int:
        """What it is told per: a hundred, or a thousand of what is rare."""
        return 1000 if self.rail in (Rail.COMPLAINTS, Rail.UNSUBSCRIBES) else 100


@dataclass(frozen=True)
class GuardRails:
    rows: tuple[Row, ...]
    is_suppression: bool

    def of(self, rail: Rail) -> Row:
        return next(row for row in self.rows if row.rail == rail)

    @property
    def worse(self) -> list[Row]:
        return [row for row in self.rows if row.turn is Turn.WORSE]

    @property
    def fell(self) -> list[Row]:
        """What of the access to contact fell."""
        return [row for row in self.worse if row.rail in ACCESS]


def build(
    period: Period, *, now: datetime, all_contacts: Change | None, journeys: tuple[int, int] | None = None,
    mails: int | None = None,
) -> GuardRails:  # fmt: skip
    """`all_contacts`: those of the period against those before; `journeys`: of the period and before, and `mails` that
    were sent in the period, where they are at hand. Nine queries at most."""
    before = None if period.compare is Compare.NONE else period.before()
    spans = (period, before or period)
    links, told, links_before, told_before = guard_rail_counts.links(spans)
    forms, forms_before = guard_rail_counts.forms(spans, now=now)
    in_period, in_before = journeys or guard_rail_counts.journeys(spans)
    mails = guard_rail_counts.mails(period) if mails is None else mails
    mails_before = guard_rail_counts.mails(before) if before else 0
    complaints, complaints_before = guard_rail_counts.complaints(spans)
    left, left_before = guard_rail_counts.left(spans)
    votes, votes_before = guard_rail_counts.votes(spans)
    has_before, alike = before is not None, spreads.known(period.window)
    in_sight = _shared(
        Rail.IN_SIGHT, _("Link to the contact form in sight"), _("help pages that told us"), links,
        links_before if has_before else None, worse_if_more=False, spread=alike.sight,
    )  # fmt: skip
    rows = (
        replace(in_sight, told=told, told_before=told_before if has_before else None),
        _counted(
            Rail.OPENED, _("Contact form opened"), _("journeys"), PerUnit(forms.of, in_period),
            PerUnit(forms_before.of, in_before) if has_before else None, worse_if_more=False, spread=alike.opened,
        ),
        _shared(
            Rail.COMPLETED, _("Contact form sent, or answered on the way"), _("openings of the form"), forms,
            forms_before if has_before else None, worse_if_more=False, spread=alike.form,
        ),
        _counted(
            Rail.COMPLAINTS, _("Mails marked as spam"), _("mails sent"), PerUnit(complaints, mails),
            PerUnit(complaints_before, mails_before) if has_before else None, worse_if_more=True,
        ),
        _counted(
            Rail.UNSUBSCRIBES, _("People who want no more mails"), _("mails sent"), PerUnit(left, mails),
            PerUnit(left_before, mails_before) if has_before else None, worse_if_more=True,
        ),
        _shared(
            Rail.NO_VOTES, _("“No” to “Did this help?”"), _("votes"), votes,
            votes_before if has_before else None, worse_if_more=True, spread=alike.vote,
        ),
        Row(Rail.SATISFACTION, _("Satisfaction and effort after contact"), "", None, None, Turn.UNKNOWN),
    )  # fmt: skip
    return GuardRails(rows, is_suppression(all_contacts, rows))


def is_suppression(all_contacts: Change | None, rows: tuple[Row, ...]) -> bool:
    """Fewer contacts than before by more than chance, while fewer saw the link to the form, opened it to each journey,
    or sent it."""
    fell = any(row.turn is Turn.WORSE for row in rows if row.rail in ACCESS)
    return bool(all_contacts and all_contacts.is_fall and fell)


def tables(period: Period, now: datetime) -> list[Table]:
    """Each guard-rail against the days before."""
    total, _rows = contacts.by_reason(period, now=now)
    found = build(period, now=now, all_contacts=total.change)
    columns = (
        Column("rail", "Guard-rail"),
        Column("name", "Name"),
        Column("of_what", "Of"),
        Column("hits", "Hits"),
        Column("of", "Of how many"),
        Column("hits_before", "Hits before"),
        Column("of_before", "Of how many before"),
        Column("turn", "Turn"),
        Column("could_tell", "Pages opened, told or not"),
        Column("could_tell_before", "Pages opened before, told or not"),
        Column("low", "Share or ratio, interval from"),
        Column("high", "Share or ratio, interval to"),
        Column("low_before", "Before, interval from"),
        Column("high_before", "Before, interval to"),
        Column("change_in", "Change in"),
        Column("change_low", "Change, interval from"),
        Column("change_high", "Change, interval to"),
    )

    def told(row: Row) -> tuple[Value, ...]:
        here, then = row.now, row.before
        return (
            str(row.rail),
            row.name,
            row.of_what,
            *((here.hits, here.of) if here else (None, None)),
            *((then.hits, then.of) if then else (None, None)),
            str(row.turn),
            row.told.of if row.told else None,
            row.told_before.of if row.told_before else None,
            *_ends(here.interval if here and here.of else None),
            *_ends(then.interval if then and then.of else None),
            *_change(row.change),
        )

    note = "Suppression: fewer contacts while access to contact fell." if found.is_suppression else ""
    return [Table("rails", "Guard-rails", columns, [told(row) for row in found.rows], note=note)]


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    """Without an upper end where there is none."""
    if interval is None:
        return None, None
    return interval.low, None if interval.high == math.inf else interval.high


def _change(change: Interval | Change | None) -> tuple[Value, ...]:
    """Points of a share, or how many times the ratio before."""
    if change is None:
        return None, None, None
    if isinstance(change, Change):
        return "times", *_ends(change.interval)
    return "points", 100 * change.low, 100 * change.high


def _counted(
    rail: Rail,
    name: str,
    of_what: str,
    now: PerUnit,
    before: PerUnit | None,
    *,
    worse_if_more: bool,
    spread: float = 1.0,
) -> Row:
    now, before = replace(now, spread=spread), before and replace(before, spread=spread)
    turned = before and counts.change(now.hits, before.hits, of_now=now.of, of_before=before.of, spread=spread)
    if not turned:
        return Row(rail, name, of_what, now, before, Turn.UNKNOWN)
    turn = _turn(turned.is_rise, turned.is_fall, worse_if_more=worse_if_more)
    return Row(rail, name, of_what, now, before, turn, turned)


def _shared(
    rail: Rail, name: str, of_what: str, now: Rate, before: Rate | None, *, worse_if_more: bool, spread: float
) -> Row:
    now, before = replace(now, spread=spread), before and replace(before, spread=spread)
    turned = before and difference(now, before)
    if not turned:
        return Row(rail, name, of_what, now, before, Turn.UNKNOWN)
    turn = _turn(turned.low > 0, turned.high < 0, worse_if_more=worse_if_more)
    return Row(rail, name, of_what, now, before, turn, turned)


def _turn(is_rise: bool, is_fall: bool, *, worse_if_more: bool) -> Turn:
    if not is_rise and not is_fall:
        return Turn.NOT_SHOWN
    return Turn.WORSE if is_rise == worse_if_more else Turn.BETTER

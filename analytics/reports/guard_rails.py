"""Whether people could still reach us while contacts fell, and whether our mails are still welcome.

Fewer contacts while access to contact fell is called suppression, and takes the place of the good news.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Count, F, Q, Sum
from django.utils.translation import gettext as _

from analytics import month_counts, spreads
from analytics.models import LinkDay, ReadDay
from analytics.periods import Compare, Period
from analytics.reports import contacts
from analytics.reports.tables import Column, Table, Value
from analytics.stats import counts
from analytics.stats.counts import Change, PerUnit
from analytics.stats.proportions import Rate, difference
from contacts.models import FormVisit
from notifications.models import DeliveryEvent, Message, PreferenceChange
from notifications.providers.base import DeliveryKind

# Who opened the form so lately may still be writing.
WRITES = timedelta(hours=1)


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
    """One guard-rail. `now` is a share of `of_what`, or so many to each of it; None: not measured."""

    rail: Rail
    name: str
    of_what: str
    now: Rate | PerUnit | None
    before: Rate | PerUnit | None
    turn: Turn
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
    period: Period, *, now: datetime, all_contacts: Change | None, journeys: tuple[int, int] | None = None
) -> GuardRails:
    """`all_contacts`: those of the period against those before; `journeys`: of the period and before, where they are at
    hand. Eight queries at most."""
    before = None if period.compare is Compare.NONE else period.before()
    spans = (period, before or period)
    links, told, links_before, told_before = _links(spans)
    forms, forms_before = _forms(spans, now=now)
    (in_period, in_before), (mails, mails_before) = journeys or _journeys(spans), _mails(spans)
    complaints, complaints_before = _complaints(spans)
    left, left_before = _left(spans)
    votes, votes_before = _votes(spans)
    has_before, alike = before is not None, spreads.known(period.window)
    in_sight = _shared(
        Rail.IN_SIGHT, _("Link to the contact form in sight"), _("help pages that told us"),
        replace(links, spread=alike.sight), replace(links_before, spread=alike.sight) if has_before else None,
        worse_if_more=False,
    )  # fmt: skip
    rows = (
        replace(in_sight, told=told, told_before=told_before if has_before else None),
        _counted(
            Rail.OPENED, _("Contact form opened"), _("journeys"), PerUnit(forms.of, in_period, alike.opened),
            PerUnit(forms_before.of, in_before, alike.opened) if has_before else None, worse_if_more=False,
        ),
        _shared(
            Rail.COMPLETED, _("Contact form sent, or answered on the way"), _("openings of the form"),
            replace(forms, spread=alike.form), replace(forms_before, spread=alike.form) if has_before else None,
            worse_if_more=False,
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
            Rail.NO_VOTES, _("“No” to “Did this help?”"), _("votes"),
            replace(votes, spread=alike.vote), replace(votes_before, spread=alike.vote) if has_before else None,
            worse_if_more=True,
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
        )

    note = "Suppression: fewer contacts while access to contact fell." if found.is_suppression else ""
    return [Table("rails", "Guard-rails", columns, [told(row) for row in found.rows], note=note)]


_Spans = tuple[Period, Period]


def _counted(rail: Rail, name: str, of_what: str, now: PerUnit, before: PerUnit | None, *, worse_if_more: bool) -> Row:
    turned = before and counts.change(
        now.hits, before.hits, of_now=now.of, of_before=before.of, spread=max(now.spread, before.spread)
    )
    if not turned:
        return Row(rail, name, of_what, now, before, Turn.UNKNOWN)
    return Row(rail, name, of_what, now, before, _turn(turned.is_rise, turned.is_fall, worse_if_more=worse_if_more))


def _shared(rail: Rail, name: str, of_what: str, now: Rate, before: Rate | None, *, worse_if_more: bool) -> Row:
    turned = before and difference(now, before)
    if not turned:
        return Row(rail, name, of_what, now, before, Turn.UNKNOWN)
    return Row(rail, name, of_what, now, before, _turn(turned.low > 0, turned.high < 0, worse_if_more=worse_if_more))


def _turn(is_rise: bool, is_fall: bool, *, worse_if_more: bool) -> Turn:
    if not is_rise and not is_fall:
        return Turn.NOT_SHOWN
    return Turn.WORSE if is_rise == worse_if_more else Turn.BETTER


def _links(spans: _Spans) -> tuple[Rate, Rate, Rate, Rate]:
    """Of each: help pages on which the link was in sight, of those that told; and those that told, of all."""
    days = [Q(day__gte=span.first, day__lte=span.last) for span in spans]
    sums = LinkDay.objects.filter(days[0] | days[1]).aggregate(
        **{
            f"{name}{number}": Sum(name, filter=condition, default=0)
            for number, condition in enumerate(days)
            for name in ("seen", "told", "views")
        }
    )
    seen, told, views = ([sums[f"{name}{number}"] for number in (0, 1)] for name in ("seen", "told", "views"))
    # A page that was opened before midnight may have told after it.
    could = [max(pair) for pair in zip(told, views, strict=True)]
    return Rate(seen[0], told[0]), Rate(told[0], could[0]), Rate(seen[1], told[1]), Rate(told[1], could[1])


def _forms(spans: _Spans, *, now: datetime) -> tuple[Rate, Rate]:
    """Of the openings of the form by visitors who are counted: those that ended in a message or an answer."""
    until = now - WRITES
    opened = [Q(opened_at__gte=span.start, opened_at__lt=min(span.end, until)) for span in spans]
    is_done = Q(contact__isnull=False) | Q(answered_at__isnull=False)
    sums = FormVisit.objects.filter(opened[0] | opened[1], visitor__isnull=False).aggregate(
        now=Count("id", filter=opened[0]),
        done=Count("id", filter=opened[0] & is_done),
        before=Count("id", filter=opened[1]),
        done_before=Count("id", filter=opened[1] & is_done),
    )
    return Rate(sums["done"], sums["now"]), Rate(sums["done_before"], sums["before"])


def _journeys(spans: _Spans) -> tuple[int, int]:
    now, before = (month_counts.number(span) for span in spans)
    return now, before


def _mails(spans: _Spans) -> tuple[int, int]:
    """Handed to a provider, by the day on which they became due."""
    due = [Q(eligible_at__gte=span.start, eligible_at__lt=span.end) for span in spans]
    sums = Message.objects.filter(due[0] | due[1], sent_at__isnull=False).aggregate(
        now=Count("id", filter=due[0]), before=Count("id", filter=due[1])
    )
    return sums["now"], sums["before"]


def _complaints(spans: _Spans) -> tuple[int, int]:
    due = [Q(message__eligible_at__gte=span.start, message__eligible_at__lt=span.end) for span in spans]
    sums = DeliveryEvent.objects.filter(due[0] | due[1], kind=DeliveryKind.COMPLAINED.value).aggregate(
        now=Count("message", distinct=True, filter=due[0]), before=Count("message", distinct=True, filter=due[1])
    )
    return sums["now"], sums["before"]


def _left(spans: _Spans) -> tuple[int, int]:
    """People who asked for no more mails about something."""
    asked = [Q(at__gte=span.start, at__lt=span.end) for span in spans]
    sums = PreferenceChange.objects.filter(asked[0] | asked[1], is_on=False).aggregate(
        now=Count("person", distinct=True, filter=asked[0]), before=Count("person", distinct=True, filter=asked[1])
    )
    return sums["now"], sums["before"]


def _votes(spans: _Spans) -> tuple[Rate, Rate]:
    days = [Q(day__gte=span.first, day__lte=span.last) for span in spans]
    sums = ReadDay.objects.filter(days[0] | days[1]).aggregate(
        said_no=Sum("no", filter=days[0], default=0),
        said=Sum(F("yes") + F("no"), filter=days[0], default=0),
        said_no_before=Sum("no", filter=days[1], default=0),
        said_before=Sum(F("yes") + F("no"), filter=days[1], default=0),
    )
    return Rate(sums["said_no"], sums["said"]), Rate(sums["said_no_before"], sums["said_before"])

"""Whether the numbers can be trusted: what is in up to when, what waits, what is left out, of whom we would know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Min, Q, Sum

from analytics import contact_facts, outcomes, partitions, shop_days, spool, spreads, writing
from analytics.models import (
    ContactDay,
    Event,
    JourneyDay,
    LeftOutDay,
    ReadDay,
    RollupDue,
    SearchDay,
    SettlingMark,
    SpoolMark,
)
from analytics.periods import Compare, Period
from analytics.reports.unlinkable import Unlinkable
from analytics.reports.unlinkable import why as why_unlinkable
from analytics.stats.proportions import Rate
from contacts.models import Contact, ContactSource
from notifications.intake import silence
from notifications.intake.source import Source
from notifications.models import SourceSilence

LATELY = 28  # days, today among them
MOST_WAITING = 10_000  # events are counted up to it
_FRESH = timedelta(days=7)  # of events that wait only newer ones are looked for: older weeks stay closed


@dataclass(frozen=True)
class FeedRow:
    """One way by which contacts come. Our own form has no newest contact to wait for: it is in up to now."""

    source: str
    name: str
    since: datetime | None
    until: datetime | None
    lately: int  # contacts of the last 28 days
    lag: timedelta | None
    is_connected: bool
    holds_back: bool  # outcomes wait for it


@dataclass(frozen=True)
class Settling:
    """`waiting` are events of the last week that no run has seen, counted up to MOST_WAITING. `due`: days whose counts
    are to be made anew, by kind."""

    settled_at: datetime | None
    lag: timedelta | None
    waiting: int
    due: dict[str, int]
    oldest_due: date | None


@dataclass(frozen=True)
class Store:
    """Where events lie: files of web processes of this machine, and the weeks of the table."""

    files: int
    waiting_bytes: int
    waits_since: datetime | None  # the last word of the oldest file with something left
    weeks: int
    first_week: datetime | None
    last_week: datetime | None
    in_rest: int  # up to MOST_WAITING
    retention_days: int
    events_since: datetime | None


@dataclass(frozen=True)
class DayRow:
    """What came in on one day."""

    day: date
    reads: int = 0
    told: int = 0  # readings whose page said for how long
    votes: int = 0
    asked: int = 0  # searches
    received: int = 0  # contacts
    begun: int = 0  # journeys
    linkable: int = 0  # of these

    @property
    def coverage(self) -> Rate:
        return Rate(self.linkable, self.begun)


@dataclass(frozen=True)
class Within:
    """What is told of the days of a period."""

    period: Period
    days: list[DayRow]
    unlinkable: Unlinkable
    left_out: dict[date, dict[str, int]]
    uncoded: Rate
    unknown: Rate  # contacts with neither a person nor a visitor

    @property
    def coverage(self) -> Rate:
        return Rate(sum(day.linkable for day in self.days), sum(day.begun for day in self.days))

    @property
    def left_out_by_reason(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for counts in self.left_out.values():
            for why, pages in counts.items():
                found[why] = found.get(why, 0) + pages
        return found


@dataclass(frozen=True)
class Health(Within):
    """`before` is None where nothing is compared."""

    now: datetime
    in_until: datetime
    feeds: list[FeedRow]
    settling: Settling
    store: Store
    silences: list[tuple[Source, SourceSilence]]
    before: Within | None


def build(period: Period, *, now: datetime) -> Health:
    """About now, and about the days of the period. The number of queries does not depend on how much there is."""
    feeds = contact_facts.feeds()
    in_until = outcomes.watermark(feeds.values(), now=now)
    return Health(
        **vars(within(period)),
        now=now,
        in_until=in_until,
        feeds=_feeds(feeds, in_until, now=now),
        settling=_settling(now=now),
        store=_store(),
        silences=silence.standing(),
        before=None if period.compare is Compare.NONE else within(period.before()),
    )


def within(period: Period) -> Within:
    span = {"day__range": (period.first, period.last)}
    left_out: dict[date, dict[str, int]] = {}
    for day, why, pages in LeftOutDay.objects.filter(**span).order_by("day").values_list("day", "why", "pages"):
        left_out.setdefault(day, {})[why] = pages
    contacts = Contact.objects.filter(received_at__gte=period.start, received_at__lt=period.end)
    known = contacts.aggregate(all=Count("pk"), without=Count("pk", filter=Q(person="", visitor=None)))
    coded = ContactDay.objects.filter(**span).aggregate(
        all=Sum("contacts", default=0), uncoded=Sum("contacts", filter=Q(reason=""), default=0)
    )
    # Contacts of one person are taken to be wholly alike: as few strangers as their number says.
    alike = spreads.known(period.window).count
    return Within(
        period=period,
        days=_days(period),
        unlinkable=why_unlinkable(period),
        left_out=left_out,
        uncoded=Rate(coded["uncoded"], coded["all"], alike),
        unknown=Rate(known["without"], known["all"], alike),
    )


def lately_since(now: datetime) -> date:
    """The first of the days of `lately`."""
    return shop_days.day_of(now) - timedelta(days=LATELY - 1)


def _feeds(feeds: dict[str, outcomes.Feed], in_until: datetime, *, now: datetime) -> list[FeedRow]:
    first, end = lately_since(now), shop_days.day_of(now) + timedelta(days=1)
    lately = dict(
        Contact.objects.filter(received_at__gte=shop_days.begin(first), received_at__lt=shop_days.begin(end))
        .values_list("source")
        .annotate(number=Count("pk"))
    )
    names = {str(value): str(label) for value, label in ContactSource.choices}
    form = str(ContactSource.FORM)
    rows = [FeedRow(form, names[form], None, now, lately.get(form, 0), None, is_connected=True, holds_back=False)]
    for source, feed in feeds.items():
        is_connected = now < feed.until + outcomes.QUIET
        rows.append(
            FeedRow(
                source=source,
                name=names.get(source, source),
                since=feed.since,
                until=feed.until,
                lately=lately.get(source, 0),
                lag=max(timedelta(0), now - feed.until),
                is_connected=is_connected,
                holds_back=is_connected and feed.until == in_until,
            )
        )
    return rows


def _settling(*, now: datetime) -> Settling:
    mark = SettlingMark.objects.filter(pk=1).first()
    settled_at = mark.settled_at if mark else None
    fresh = Event.objects.filter(at__gte=now - _FRESH, txid__gte=mark.txid if mark else 0)
    due = dict(RollupDue.objects.values_list("kind").annotate(number=Count("pk")))
    return Settling(
        settled_at=settled_at,
        lag=max(timedelta(0), now - settled_at) if settled_at else None,
        waiting=fresh.values("pk")[:MOST_WAITING].count(),
        due=due,
        oldest_due=RollupDue.objects.aggregate(day=Min("day"))["day"],
    )


def _store() -> Store:
    waits = waiting_files(writing.folder())
    weeks = partitions.weeks()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM analytics_event_rest LIMIT %s) AS rest",
            [MOST_WAITING],
        )
        in_rest = cursor.fetchone()[0]
    mark = SettlingMark.objects.filter(pk=1).first()
    return Store(
        files=len(waits),
        waiting_bytes=sum(size for size, _at in waits),
        waits_since=min((at for _size, at in waits), default=None),
        weeks=len(weeks),
        first_week=weeks[0] if weeks else None,
        last_week=weeks[-1] if weeks else None,
        in_rest=in_rest,
        retention_days=settings.EVENT_RETENTION_DAYS,
        events_since=mark.events_since if mark else None,
    )


def waiting_files(folder: Path) -> list[tuple[int, datetime]]:
    """The files of this machine of which something is not in the table: how many bytes, and when last was written."""
    written = dict(SpoolMark.objects.values_list("file", "offset"))
    found = []
    for file, size, at in spool.sizes(folder):
        left = size - written.get(file, 0)
        if left > 0:
            found.append((left, at))
    return found


def _days(period: Period) -> list[DayRow]:
    """Every day of the period, from the counts of days. Four queries."""
    span = {"day__range": (period.first, period.last)}
    by_day: list[Any] = [
        ReadDay.objects.filter(**span)
        .values("day")
        .annotate(reads=Sum("views"), told=Sum("stays"), votes=Sum(F("yes") + F("no"))),
        SearchDay.objects.filter(**span).values("day").annotate(asked=Sum("searches")),
        ContactDay.objects.filter(**span).values("day").annotate(received=Sum("contacts")),
        JourneyDay.objects.filter(**span, window=period.window)
        .values("day")
        .annotate(begun=Sum("journeys"), linkable=Sum("journeys", filter=Q(is_linkable=True), default=0)),
    ]
    found: dict[date, dict[str, int]] = {}
    for rows in by_day:
        for row in rows:
            found.setdefault(row.pop("day"), {}).update(row)
    days = [period.first + timedelta(days=number) for number in range(period.days)]
    return [DayRow(day, **found.get(day, {})) for day in days]

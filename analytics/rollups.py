"""Rows -> counts of a shop's day, which screens add up. Whatever changes rows of a day says so in the same transaction
(mark()); make_due() then counts those days anew, whole, so that a day counted bit by bit is the day counted at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min, Model

from analytics import rollup_sql
from analytics.models import (
    ContactDay,
    Event,
    EventKind,
    Journey,
    JourneyDay,
    ReadDay,
    RollupDue,
    RollupKind,
    SearchDay,
    ShareDay,
)
from contacts import reasons
from contacts.models import Contact
from kb.models import SearchLog

# Days counted in one transaction: a screen waits for none of it, and a killed run has little to do again.
AT_ONCE = 7
REPEATED_WITHIN = timedelta(days=7)

_TABLES: dict[RollupKind, tuple[tuple[type[Model], str], ...]] = {
    RollupKind.READS: ((ReadDay, rollup_sql.READS),),
    RollupKind.JOURNEYS: ((JourneyDay, rollup_sql.JOURNEYS), (ShareDay, rollup_sql.SHARES)),
    RollupKind.CONTACTS: ((ContactDay, rollup_sql.CONTACTS),),
    RollupKind.SEARCHES: ((SearchDay, rollup_sql.SEARCHES),),
}
_DAYS_OF_EVENTS = """
    SELECT DISTINCT kind, (at AT TIME ZONE %(zone)s)::date FROM analytics_event
    WHERE txid >= %(since)s AND kind IN ('read', 'stayed', 'vote', 'search', 'contact')
"""


def zone() -> ZoneInfo:
    return ZoneInfo(settings.SHOP_TIME_ZONE)


def day_of(at: datetime) -> date:
    """The day of the shop that `at` is in."""
    return at.astimezone(zone()).date()


def mark(kind: RollupKind, days: Iterable[date]) -> None:
    """The rows of these days have changed. In the transaction that changes them."""
    RollupDue.objects.bulk_create([RollupDue(kind=kind, day=day) for day in sorted(set(days))], ignore_conflicts=True)


def mark_events(*, since: int) -> None:
    """Mark what the events of transactions from `since` (a txid) on have changed, besides journeys."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS_OF_EVENTS, {"since": since, "zone": settings.SHOP_TIME_ZONE})
        found = cursor.fetchall()
    of: dict[str, set[date]] = {}
    for kind, day in found:
        of.setdefault(kind, set()).add(day)
    mark(RollupKind.READS, set().union(*(of.get(kind, set()) for kind in ("read", "stayed", "vote"))))
    contacts = of.get(EventKind.CONTACT, set())
    mark_contacts(contacts)
    mark(RollupKind.SEARCHES, of.get(EventKind.SEARCH, set()))


def mark_contacts(days: Collection[date]) -> None:
    """Contacts of these days came, went or are about something else: that changes whether earlier ones were repeated,
    and what searches of the day before led to."""
    mark(RollupKind.CONTACTS, [day - timedelta(days=back) for day in days for back in range(REPEATED_WITHIN.days + 1)])
    mark(RollupKind.SEARCHES, [day - timedelta(days=back) for day in days for back in (0, 1)])


def mark_all(*, since: datetime | None = None) -> None:
    """Every day that has rows; of events and journeys those from `since` on, before which they were thrown away."""
    for kind, model, field in (
        (RollupKind.READS, Event, "at"),
        (RollupKind.JOURNEYS, Journey, "started_at"),
        (RollupKind.CONTACTS, Contact, "received_at"),
        (RollupKind.SEARCHES, SearchLog, "at"),
    ):
        span = model._default_manager.aggregate(first=Min(field), last=Max(field))
        if span["first"] is None:
            continue
        first = span["first"] if since is None or kind is not RollupKind.READS else max(since, span["first"])
        mark(kind, _days(day_of(first), day_of(span["last"])))


def make_due(*, windows: Sequence[int]) -> int:
    """Count every marked day anew, journeys by each of `windows` (days); returns how many days there were.

    One at a time, under settling's lock.
    """
    made = 0
    for kind in _TABLES:
        days = list(RollupDue.objects.filter(kind=kind).order_by("day").values_list("day", flat=True))
        for first, last in _runs(days):
            _make(kind, first, last, windows)
        made += len(days)
    return made


def _make(kind: RollupKind, first: date, last: date, windows: Sequence[int]) -> None:
    """Count the days from `first` to `last` anew, in one transaction. The marks go before the rows are looked at: a
    mark that is set meanwhile waits for us, and stays."""
    given: dict[str, datetime | str | list[int] | list[str]] = {
        "start": _midnight(first),
        "end": _midnight(last + timedelta(days=1)),
        "zone": settings.SHOP_TIME_ZONE,
        "windows": list(windows),
    }
    if kind is RollupKind.CONTACTS:
        tree = reasons.stored()
        given |= {"reasons": [reason.code for reason in tree], "topics": [reason.topic for reason in tree]}
    with transaction.atomic():
        RollupDue.objects.filter(kind=kind, day__range=(first, last)).delete()
        for model, sql in _TABLES[kind]:
            model._default_manager.filter(day__range=(first, last)).delete()
            with connection.cursor() as cursor:
                cursor.execute(sql, given)


def _runs(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Days in a row together, AT_ONCE at most."""
    run: list[date] = []
    for day in days:
        if run and (day - run[-1] != timedelta(days=1) or len(run) == AT_ONCE):
            yield run[0], run[-1]
            run = []
        run.append(day)
    if run:
        yield run[0], run[-1]


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, zone())

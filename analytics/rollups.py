"""Rows -> counts of a shop's day, which screens add up. Whatever changes rows of a day says so in the same transaction
(mark()); make_due() then counts those days anew, whole, so that a day counted bit by bit is the day counted at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min, Model

from analytics import month_counts, rollup_sql, shop_days, streams
from analytics.models import (
    ContactDay,
    Event,
    EventKind,
    Journey,
    JourneyDay,
    LinkDay,
    ReadDay,
    RollupDue,
    RollupKind,
    SearchDay,
    SettlingMark,
    ShareDay,
)
from contacts import reasons
from contacts.models import Contact
from core import clock
from kb.models import SearchLog

# Days counted in one transaction: a screen waits for none of it, and a killed run has little to do again.
AT_ONCE = 7
REPEATED_WITHIN = timedelta(days=7)
# Of what kb has forgotten, only queries that so many visitors asked for on one day are kept in words.
_MANY = 5

UUID_PATTERN = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

_TABLES: dict[RollupKind, tuple[tuple[type[Model], str], ...]] = {
    RollupKind.READS: ((ReadDay, rollup_sql.READS), (LinkDay, rollup_sql.LINKS)),
    RollupKind.JOURNEYS: ((JourneyDay, rollup_sql.JOURNEYS), (ShareDay, rollup_sql.SHARES)),
    RollupKind.CONTACTS: ((ContactDay, rollup_sql.CONTACTS),),
    RollupKind.SEARCHES: ((SearchDay, rollup_sql.SEARCHES),),
}
_OF_READS = ("help", "search", "read", "stayed", "vote")
_DAYS_OF_EVENTS = """
    SELECT DISTINCT kind, (at AT TIME ZONE %(zone)s)::date FROM analytics_event
    WHERE txid >= %(since)s AND kind IN ('help', 'read', 'stayed', 'vote', 'search', 'contact')
"""
# Searches that others put anew (they came up to 60 s before them), those from which something was opened, and those of
# visitors of whom we now know that they are somebody who contacted us then.
_DAYS_OF_SEARCHES = """
    SELECT ((at - interval '60 seconds') AT TIME ZONE %(zone)s)::date FROM analytics_event
    WHERE txid >= %(since)s AND kind = 'search'
    UNION
    SELECT (search.at AT TIME ZONE %(zone)s)::date
    FROM (SELECT article_id, min(at) AS first, max(at) AS last FROM analytics_event
          WHERE txid >= %(since)s AND kind = 'read' AND article_id IS NOT NULL GROUP BY 1) AS opened
    JOIN kb_searchclick AS click ON click.article_id = opened.article_id
     AND click.at BETWEEN opened.first - interval '1 minute' AND opened.last + interval '1 minute'
    JOIN kb_searchlog AS search ON search.id = click.search_id
    UNION
    SELECT (contact.received_at AT TIME ZONE %(zone)s)::date - back
    FROM analytics_identity AS known JOIN contacts_contact AS contact USING (person)
    CROSS JOIN generate_series(0, 1) AS back
    WHERE known.txid >= %(since)s AND known.person <> ''
"""


def mark(kind: RollupKind, days: Iterable[date]) -> None:
    """The rows of these days have changed. In the transaction that changes them."""
    RollupDue.objects.bulk_create([RollupDue(kind=kind, day=day) for day in sorted(set(days))], ignore_conflicts=True)


def mark_events(*, since: int) -> None:
    """Mark what the events of transactions from `since` (a txid) on have changed, besides journeys."""
    with connection.cursor() as cursor:
        given: dict[str, int | str] = {"since": since, "zone": settings.SHOP_TIME_ZONE}
        cursor.execute(_DAYS_OF_EVENTS, given)
        found = cursor.fetchall()
        cursor.execute(_DAYS_OF_SEARCHES, given)
        searched = {day for (day,) in cursor.fetchall()}
    of: dict[str, set[date]] = {}
    for kind, day in found:
        of.setdefault(kind, set()).add(day)
    mark(RollupKind.READS, set().union(*(of.get(kind, set()) for kind in _OF_READS)))
    contacts = of.get(EventKind.CONTACT, set())
    mark_contacts(contacts)
    mark(RollupKind.SEARCHES, of.get(EventKind.SEARCH, set()) | searched)


def mark_contacts(days: Collection[date]) -> None:
    """Contacts of these days came, went or are about something else: that changes whether earlier ones were repeated,
    and what searches of the day before led to."""
    mark(RollupKind.CONTACTS, [day - timedelta(days=back) for day in days for back in range(REPEATED_WITHIN.days + 1)])
    mark(RollupKind.SEARCHES, _and_the_day_before(days))


def _and_the_day_before(days: Iterable[date]) -> set[date]:
    return {day - timedelta(days=back) for day in days for back in (0, 1)}


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
        mark(kind, shop_days.span(shop_days.day_of(first), shop_days.day_of(span["last"])))


def make_due(*, windows: Sequence[int]) -> int:
    """Count every marked day anew, journeys by each of `windows` (days); returns how many days there were.

    One at a time, under settling's lock.
    """
    made = 0
    for kind in _TABLES:
        days = list(RollupDue.objects.filter(kind=kind).order_by("day").values_list("day", flat=True))
        if kind is RollupKind.SEARCHES and (kept := _forgotten(days)):
            RollupDue.objects.filter(kind=kind, day__in=kept).delete()
            days = [day for day in days if day not in kept]
        for first, last in _runs(days):
            _make(kind, first, last, windows)
        made += len(days)
    month_counts.make()
    return made


def _make(kind: RollupKind, first: date, last: date, windows: Sequence[int]) -> None:
    """Count the days from `first` to `last` anew, in one transaction. The marks go before the rows are looked at: a
    mark that is set meanwhile waits for us, and stays."""
    given: dict[str, datetime | str | list[int] | list[str]] = {
        "start": shop_days.begin(first),
        "end": shop_days.begin(last + timedelta(days=1)),
        "zone": settings.SHOP_TIME_ZONE,
        "windows": list(windows),
        "uuid": UUID_PATTERN,
    }
    if kind is RollupKind.CONTACTS:
        tree = reasons.stored()
        given |= {"reasons": [reason.code for reason in tree], "topics": [reason.topic for reason in tree]}
    with transaction.atomic(), connection.cursor() as cursor:
        streams.more_memory()
        if kind is RollupKind.READS and (kept := _kept_since()) and kept > first:
            RollupDue.objects.filter(kind=kind, day__range=(first, min(last, kept - timedelta(days=1)))).delete()
            if kept > last:
                return
            given["start"], first = shop_days.begin(kept), kept
        RollupDue.objects.filter(kind=kind, day__range=(first, last)).delete()
        if kind is RollupKind.JOURNEYS:
            month_counts.forget(first, last)
        for model, sql in _TABLES[kind]:
            model._default_manager.filter(day__range=(first, last)).delete()
            cursor.execute(sql, given)


def _kept_since() -> date | None:
    """The first day with all its events; None where none were thrown away. Until the end of the transaction no
    more are. What was counted of the days before stays."""
    since = SettlingMark.objects.select_for_update().filter(pk=1).values_list("events_since", flat=True).first()
    if since is None:
        return None
    day = shop_days.day_of(since)
    return day if shop_days.begin(day) == since else day + timedelta(days=1)


def forget_rare_words() -> int:
    """Of days whose searches kb forgets, keep in words only what many asked for; the counts stay. Returns how many
    counts lost their words."""
    until = _forgotten_until()
    with transaction.atomic():
        few = SearchDay.objects.filter(day__lte=until, searches__lt=_MANY).exclude(key="").count()
        if few:
            with connection.cursor() as cursor:
                cursor.execute(rollup_sql.RARE_WORDS, {"until": until, "few": _MANY})
    return few


def _forgotten(days: Collection[date]) -> set[date]:
    """Those of the days that were counted and of which kb no longer has every search: their counts stay as they are."""
    oldest = SearchLog.objects.aggregate(at=Min("at"))["at"]
    until = max(_forgotten_until(), shop_days.day_of(oldest) - timedelta(days=1) if oldest else date.max)
    return set(SearchDay.objects.filter(day__lte=until, day__in=days).values_list("day", flat=True))


def _forgotten_until() -> date:
    """The last day of which kb throws searches away."""
    return shop_days.day_of(clock.now() - timedelta(days=settings.SEARCH_LOG_DAYS))


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

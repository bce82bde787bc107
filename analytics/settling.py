"""Events -> decided journeys, a little at a time. What is added bit by bit equals what a rebuild makes of the whole.

A run takes every transaction that ended since the last run, builds all journeys of the visitors it touches anew, and
decides those whose windows are over. Nothing changes by running it twice, and two at once cannot happen.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from analytics import attribution, contact_facts, journeys, outcomes, partitions, rollups, spreads
from analytics.models import Event, EventKind, Identity, Journey, RollupKind, SettlingMark
from core import clock

_LOCK = 7_201_001  # of pg_advisory_lock; any number that nothing else takes
_VISITORS_AT_ONCE = 500
# Contacts older than this are looked at again by a rebuild only.
_LOOK_BACK = timedelta(days=60)
_AHEAD = timedelta(days=1)  # a help desk's clock may run before ours
_FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Settled:
    """What one run did."""

    visitors: int
    journeys: int
    contacts_brought_in: int


def windows() -> tuple[int, ...]:
    """The windows in which every journey is decided, in days: the shop's own, and those beside it on the screens."""
    return tuple(sorted({1, 3, 7, 14, settings.OUTCOME_WINDOW_DAYS}))


def settle(*, rebuild: bool = False) -> Settled | None:
    """Bring journeys up to date; with `rebuild`, those of every visitor. None where another run is at work."""
    now = clock.now()
    with _only_one() as is_ours:
        if not is_ours:
            return None
        horizon = _horizon()
        mark = SettlingMark.objects.get_or_create(pk=1)[0]
        brought_in = contact_facts.bring_in(since=_FIRST_DAY if rebuild else now - _LOOK_BACK, until=now + _AHEAD)
        feeds = contact_facts.feeds()
        known = {source: [datetime.fromisoformat(at) for at in span] for source, span in mark.feeds.items()}
        # A source that turns out to have been connected earlier changes what we could have known of old journeys.
        if rebuild or {source: since for source, (since, _) in known.items()} != {
            source: feed.since for source, feed in feeds.items()
        }:
            visitors = _all()
            rollups.mark_all(since=partitions.frozen_before(mark))
        else:
            rollups.mark_events(since=mark.txid)
            moved = [until for source, (_, until) in known.items() if until != feeds[source].until]
            visitors = _touched(mark.txid, moved, outcomes.watermark(feeds.values(), now=now))
        written = 0
        for start in range(0, len(visitors), _VISITORS_AT_ONCE):
            some = visitors[start : start + _VISITORS_AT_ONCE]
            written += _settle(some, list(feeds.values()), now, since=partitions.frozen_before(mark) or _FIRST_DAY)
        spans = {source: [feed.since.isoformat(), feed.until.isoformat()] for source, feed in feeds.items()}
        rollups.make_due(windows=windows())
        spreads.measure(now=now, windows=windows(), anew=rebuild)
        SettlingMark.objects.update_or_create(pk=1, defaults={"txid": horizon, "feeds": spans, "settled_at": now})
    return Settled(visitors=len(visitors), journeys=written, contacts_brought_in=brought_in)


@contextlib.contextmanager
def _only_one() -> Iterator[bool]:
    """True for one process at a time. The lock goes with the database session, so a killed run leaves none behind."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _horizon() -> int:
    """Every transaction before this one has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_snapshot_xmin(txid_current_snapshot())")
        return int(cursor.fetchone()[0])


def _all() -> list[UUID]:
    """Every visitor who has a help event, or a journey that a rebuild must look at again."""
    of_events = Event.objects.filter(kind__in=journeys.KINDS).values_list("visitor", flat=True).distinct()
    return _sorted([of_events, Journey.objects.values_list("visitor", flat=True).distinct()])


def _touched(settled: int, feeds_were_in: Sequence[datetime], in_until: datetime) -> list[UUID]:
    """The visitors about whom something new is known, and those with a window that is over now.

    `feeds_were_in`: how far each source was in that has brought more since. Journeys so long after it that the source
    was taken as disconnected are looked at again, since it is back.
    """
    events = Event.objects.filter(txid__gte=settled, kind__in=[*journeys.KINDS, EventKind.CONTACT])
    contacts = events.filter(kind=EventKind.CONTACT).exclude(person="")
    ties = Identity.objects.filter(Q(txid__gte=settled) | Q(person__in=contacts.values("person")))
    due = Journey.objects.filter(decide_at__lte=in_until)
    found = [events, ties, due]
    if feeds_were_in:
        found.append(Journey.objects.filter(started_at__gt=min(feeds_were_in) + outcomes.QUIET))
    return _sorted(rows.values_list("visitor", flat=True).distinct() for rows in found)


def _sorted(lists: Iterable[Iterable[UUID | None]]) -> list[UUID]:
    """Each visitor once; in order, so that two writers would lock rows in the same one."""
    return sorted({visitor for visitors in lists for visitor in visitors if visitor is not None})


def _settle(visitors: Sequence[UUID], feeds: Sequence[outcomes.Feed], now: datetime, *, since: datetime) -> int:
    """Build and decide all journeys of these visitors anew that began `since`. Returns how many rows had to be written
    or deleted."""
    with transaction.atomic():
        events = _help_events(visitors)
        ties, contacts = _people(visitors)
        theirs = Journey.objects.filter(visitor__in=visitors, started_at__gte=since)
        old = {(row.visitor, row.started_at): row for row in theirs}
        idle = timedelta(minutes=settings.JOURNEY_IDLE_MINUTES)
        new = [
            _row(visitor, journey, contacts[visitor], ties[visitor], feeds, now)
            for visitor in visitors
            for journey in journeys.build(events[visitor], idle=idle)
            if journey.started_at >= since
        ]
        changed = [row for row in new if _facts(row) != _facts(old.get((row.visitor, row.started_at)))]
        gone = old.keys() - {(row.visitor, row.started_at) for row in new}
        rollups.mark(
            RollupKind.JOURNEYS,
            [rollups.day_of(at) for at in (*(row.started_at for row in changed), *(at for _, at in gone))],
        )
        Journey.objects.filter(pk__in=[old[key].pk for key in gone]).delete()
        Journey.objects.bulk_create(
            changed, update_conflicts=True, unique_fields=["visitor", "started_at"], update_fields=FACTS
        )
    return len(changed) + len(gone)


def _help_events(visitors: Sequence[UUID]) -> dict[UUID | None, list[journeys.HelpEvent]]:
    events: dict[UUID | None, list[journeys.HelpEvent]] = defaultdict(list)
    rows = Event.objects.filter(visitor__in=visitors, kind__in=journeys.KINDS).values_list(
        "visitor",
        "kind",
        "at",
        "is_returning",
        "article_id",
        "revision_id",
        "topic",
        "data__is_helpful",
        "variant_id",
        "locale",
    )
    for visitor, kind, at, is_returning, article_id, revision_id, topic, is_helpful, variant_id, locale in rows:
        is_yes = True if kind == journeys.ANSWERED else is_helpful
        events[visitor].append(
            journeys.HelpEvent(kind, at, is_returning, article_id, revision_id, topic, is_yes, variant_id, locale)
        )
    return events


def _people(
    visitors: Sequence[UUID],
) -> tuple[dict[UUID, list[datetime]], dict[UUID, list[outcomes.Contact]]]:
    """Since when each visitor is tied to a person, and the contacts of the visitor and of those persons."""
    ties: dict[UUID, list[datetime]] = defaultdict(list)
    of_person: dict[str, set[UUID]] = defaultdict(set)
    for visitor, person, at in Identity.objects.filter(visitor__in=visitors).values_list("visitor", "person", "at"):
        ties[visitor].append(at)
        of_person[person].add(visitor)
    itself: dict[UUID | None, set[UUID]] = {visitor: {visitor} for visitor in visitors}
    contacts: dict[UUID, list[outcomes.Contact]] = defaultdict(list)
    rows = (
        Event.objects.filter(Q(visitor__in=visitors) | Q(person__in=of_person), kind=EventKind.CONTACT)
        .order_by("contact_id", "-id")
        .distinct("contact_id")
        .values_list("visitor", "person", "contact_id", "at", "topic", "data__reason", "data__source")
    )
    for who, person, contact_id, at, topic, reason, channel in rows:
        contact = outcomes.Contact(cast(int, contact_id), at, topic, reason or "", channel or "")
        for visitor in itself.get(who, set()) | of_person.get(person, set()):
            contacts[visitor].append(contact)
    return ties, contacts


def _row(
    visitor: UUID,
    journey: journeys.Journey,
    contacts: Sequence[outcomes.Contact],
    ties: Sequence[datetime],
    feeds: Sequence[outcomes.Feed],
    now: datetime,
) -> Journey:
    decision = outcomes.decide(journey, contacts=contacts, ties=ties, feeds=feeds, windows=windows(), now=now)
    last = attribution.last_read(decision.reads)
    return Journey(
        visitor=visitor,
        started_at=journey.started_at,
        ended_at=journey.ended_at,
        topic=journey.topic,
        reads=attribution.articles(decision.reads),
        last_article_id=last.article_id if last else None,
        last_revision_id=last.revision_id if last else None,
        last_variant_id=last.variant_id if last else None,
        locale=journey.locale,
        searches=journey.searches,
        vote=decision.vote,
        is_linkable=decision.is_linkable,
        is_contradicted=decision.is_contradicted,
        outcomes={str(days): outcome for days, outcome in decision.outcomes.items()},
        contact_id=decision.contact.id if decision.contact else None,
        contact_reason=decision.contact.reason if decision.contact else "",
        contact_channel=decision.contact.channel if decision.contact else "",
        decide_at=decision.decide_at,
    )


FACTS = [field.name for field in Journey._meta.concrete_fields if field.name not in ("id", "visitor", "started_at")]


def _facts(row: Journey | None) -> list[object]:
    return [] if row is None else [getattr(row, name) for name in FACTS]

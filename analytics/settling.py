"""Events -> decided journeys, a little at a time. What is added bit by bit equals what a rebuild makes of the whole.

A run takes every transaction that ended since the last run, builds all journeys of the visitors it touches anew, and
decides those whose windows are over. Nothing changes by running it twice, and two at once cannot happen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django import db
from django.conf import settings
from django.db import connection, transaction

from analytics import (
    contact_facts,
    effect_days,
    outcomes,
    partitions,
    rollups,
    settling_rows,
    settling_sql,
    spreads,
    streams,
)
from analytics.models import SettlingMark
from core import clock

_LOCK = 7_201_001  # of pg_advisory_lock; any number that nothing else takes
_VISITORS_AT_ONCE = 5_000
# Contacts older than this are looked at again by a rebuild only.
_LOOK_BACK = timedelta(days=60)
_AHEAD = timedelta(days=1)  # a help desk's clock may run before ours
_FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
# Of a visitor who was there so soon after the weeks that were thrown away, everything is looked at.
_NEAR = timedelta(days=28)


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
        is_whole = rebuild or not mark.txid or _beginnings(known) != {name: feed.since for name, feed in feeds.items()}
        if is_whole:
            rollups.mark_all(since=partitions.frozen_before(mark))
        else:
            rollups.mark_events(since=mark.txid)
        terms = outcomes.Terms.of(feeds=feeds.values(), windows=windows(), now=now)
        with _tables():
            if not is_whole:
                _touch(mark, terms, [until for source, (_, until) in known.items() if until != feeds[source].until])
            visitors, written = _settle(terms, is_whole=is_whole, since=partitions.frozen_before(mark) or _FIRST_DAY)
        rollups.make_due(windows=windows())
        effect_days.refresh(since=mark.txid, windows=windows(), in_until=terms.in_until, anew=rebuild)
        spreads.measure(now=now, windows=windows(), anew=rebuild)
        spans = {source: [feed.since.isoformat(), feed.until.isoformat()] for source, feed in feeds.items()}
        SettlingMark.objects.update_or_create(pk=1, defaults={"txid": horizon, "feeds": spans, "settled_at": now})
    return Settled(visitors=visitors, journeys=written, contacts_brought_in=brought_in)


def _beginnings(known: Mapping[str, Sequence[datetime]]) -> dict[str, datetime]:
    return {source: since for source, (since, _) in known.items()}


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


@contextlib.contextmanager
def _tables() -> Iterator[None]:
    """The two tables of a run, which are gone with it."""
    with connection.cursor() as cursor:
        cursor.execute(settling_sql.NO_TABLES)
        cursor.execute(settling_sql.TABLES)
    try:
        yield
    finally:
        with contextlib.suppress(db.Error), connection.cursor() as cursor:
            cursor.execute(settling_sql.NO_TABLES)


def _touch(mark: SettlingMark, terms: outcomes.Terms, feeds_were_in: Sequence[datetime]) -> None:
    """Note the visitors about whom something new is known, and those with a window that is over now.

    `feeds_were_in`: how far each source was in that has brought more since. Journeys so long after it that the source
    was taken as disconnected are looked at again, since it is back.
    """
    frozen_before = partitions.frozen_before(mark)
    given: dict[str, int | datetime] = {
        "txid": mark.txid,
        "in_until": terms.in_until,
        "back_since": min(feeds_were_in) + outcomes.QUIET if feeds_were_in else _NEVER,
        "kept_since": frozen_before + _NEAR if frozen_before else _FIRST_DAY,
    }
    with connection.cursor() as cursor:
        cursor.execute(settling_sql.TOUCHED, given)
        cursor.execute("ANALYZE settling_touched")


def _settle(terms: outcomes.Terms, *, is_whole: bool, since: datetime) -> tuple[int, int]:
    """Build and decide all journeys that began `since` of the touched visitors, or of all. Returns how many visitors
    were looked at, and how many rows had to be written or deleted."""
    looked_at = written = 0
    idle = timedelta(minutes=settings.JOURNEY_IDLE_MINUTES)
    given: dict[str, Any] = {"since": since, "zone": settings.SHOP_TIME_ZONE}
    query = settling_sql.KNOWN_OF_ALL if is_whole else settling_sql.KNOWN_OF_TOUCHED
    with streams.reading(query, {"idle": settings.JOURNEY_IDLE_MINUTES}, one_by_one=not is_whole) as rows:
        found = settling_rows.visitors(rows)
        while some := list(islice(found, _VISITORS_AT_ONCE)):
            new = [row for visitor in some for row in settling_rows.journeys_of(visitor, terms, idle=idle, since=since)]
            written += _replace(new, given | {"visitors": [visitor.id for visitor in some]})
            looked_at += len(some)
    with transaction.atomic(), connection.cursor() as cursor:
        if not is_whole:
            streams.look_up()
        cursor.execute(settling_sql.ORPHANS_OF_ALL if is_whole else settling_sql.ORPHANS_OF_TOUCHED, given)
        written += cursor.fetchone()[0]
    return looked_at, written


def _replace(new: Sequence[streams.Row], given: dict[str, Any]) -> int:
    """Put these journeys in the place of those of their visitors; returns how many rows that changed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE settling_journey")
        with cursor.copy(f"COPY settling_journey ({settling_sql.COLUMNS}) FROM STDIN") as copy:
            for row in new:
                copy.write_row(row)
        cursor.execute(settling_sql.REPLACE, given)
        return int(cursor.fetchone()[0])

"""Stored webhook calls into facts and rows: batch by batch, in workers, one bad call harming none of its siblings."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from core import clock
from notifications import doorbell
from notifications.intake import decoding, forgetting, parking, sources, storing
from notifications.intake.facts import Fact, Scanned, in_time_order
from notifications.intake.source import Unreadable
from notifications.models import InboundDelivery, InboundState

logger = logging.getLogger("preempt.intake")

BATCH = 100  # calls in one transaction
MOST_TRIES = 3
_LONGEST_ERROR = 2000


@dataclass
class Taken:
    """What became of a batch."""

    done: int = 0
    ignored: int = 0
    quarantined: int = 0
    again: int = 0  # failed, and will be tried again

    def __iadd__(self, other: Taken) -> Taken:
        for name in ("done", "ignored", "quarantined", "again"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    @property
    def count(self) -> int:
        return self.done + self.ignored + self.quarantined + self.again


@dataclass
class _Call:
    """A stored call on its way."""

    row: InboundDelivery
    facts: list[Fact] = field(default_factory=list)


def take_in(*, most: int = 100 * BATCH) -> Taken:
    """Read stored calls of all sources, oldest first, until none is left (or about `most` were read). Many workers may
    do it at once. What fails for a reason that may pass is tried again by a later call, three times in all.
    """
    taken, last = Taken(), 0
    while taken.count < most:
        batch, last = _take_batch(after=last)
        if not last:
            break
        taken += batch
    return taken


def take_parked() -> int:
    """Take in facts whose order or parcel is here by now. Returns how many scans and parcels came of it."""
    with transaction.atomic():
        stored = storing.take_parked(parking.come(), now=clock.now())
    if stored.scans or stored.parcels:
        doorbell.ring_sweep()
    return stored.scans + stored.parcels + stored.expected + stored.changed + stored.cancellations


@transaction.atomic
def _take_batch(*, after: int) -> tuple[Taken, int]:
    """What became of the batch, and its last id; 0 where there was nothing to do."""
    rows = list(
        InboundDelivery.objects.select_for_update(skip_locked=True)
        .filter(state=InboundState.NEW, pk__gt=after, source__in=sources.SOURCES)
        .order_by("pk")[:BATCH]
    )
    if not rows:
        return Taken(), 0
    now = clock.now()
    _count(rows)
    by_source: dict[str, list[_Call]] = defaultdict(list)
    for row in rows:
        if (call := _read(row)) is not None:
            by_source[row.source].append(call)
    for source, calls in by_source.items():
        _store(source, calls, now=now)
    _write(rows)
    _empty([call for calls in by_source.values() for call in calls])
    taken = Counter(row.state for row in rows)
    if taken[InboundState.DONE]:
        doorbell.ring_sweep()
    return (
        Taken(
            done=taken[InboundState.DONE],
            ignored=taken[InboundState.IGNORED],
            quarantined=taken[InboundState.QUARANTINED],
            again=taken[InboundState.NEW],
        ),
        rows[-1].pk,
    )


def _write(rows: Sequence[InboundDelivery]) -> None:
    """Nearly all end alike: two statements for them, and one for the rest."""
    rest = []
    ends: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.state in (InboundState.DONE, InboundState.IGNORED):
            ends[row.state].append(row.pk)
        else:
            rest.append(row)
    for state, ids in ends.items():
        InboundDelivery.objects.filter(pk__in=ids).update(state=state, error="", is_counted=True)
    InboundDelivery.objects.bulk_update(rest, ["state", "tries", "error", "is_counted"])


def _empty(calls: Sequence[_Call]) -> None:
    """What was read of people who asked to be forgotten is not kept as it came."""
    named = [
        call.row.pk
        for call in calls
        if call.row.state != InboundState.NEW and forgetting.is_named(call.facts, source=call.row.source)
    ]
    InboundDelivery.objects.filter(pk__in=named).update(body=b"", headers={}, error="")


def _read(row: InboundDelivery) -> _Call | None:
    """The facts of a call; None where there are none, and the row then says why."""
    try:
        facts = sources.SOURCES[row.source].read(decoding.decode(bytes(row.body)), row.headers)
    except Unreadable as error:
        # What cannot be read today cannot be read tomorrow either.
        _quarantine(row, str(error))
        return None
    except Exception as error:
        logger.exception("a webhook call could not be read", extra={"inbound": row.pk, "source": row.source})
        _fail(row, error)
        return None
    if not facts:
        row.state, row.error = InboundState.IGNORED, ""
        return None
    return _Call(row, facts)


def _store(source: str, calls: Sequence[_Call], *, now: datetime) -> None:
    """Store the facts of many calls at once; where that fails, call by call, so that the bad one stands alone."""
    try:
        with transaction.atomic():
            told = storing.store(
                in_time_order(fact for call in calls for fact in call.facts), source=source, now=now, park=True
            )
    except Exception as error:
        logger.exception("webhook calls could not be stored", extra={"source": source, "calls": len(calls)})
        if len(calls) == 1:
            _fail(calls[0].row, error)
            return
    else:
        if not told.refused:
            for call in calls:
                call.row.state, call.row.error = InboundState.DONE, ""
            _keep_unknown_words(source, calls)
            return
        if len(calls) == 1:
            _quarantine(calls[0].row, "\n".join(told.refused))
            return
    # What was good in a batch that was refused in part is known by now and changes nothing.
    for call in calls:
        _store(source, [call], now=now)


def _quarantine(row: InboundDelivery, why: str) -> None:
    row.state, row.error = InboundState.QUARANTINED, _clean(why)
    logger.warning("a webhook call was quarantined", extra={"inbound": row.pk, "source": row.source})


def _fail(row: InboundDelivery, error: Exception) -> None:
    row.tries += 1
    row.error = _clean(f"{type(error).__name__}: {error}")
    if row.tries >= MOST_TRIES:
        row.state = InboundState.QUARANTINED


def _clean(why: str) -> str:
    return why.replace("\x00", "␀").encode("utf-8", "replace").decode()[:_LONGEST_ERROR]


def _count(rows: Sequence[InboundDelivery]) -> None:
    """Count calls that are read for the first time, and which secret signed them."""
    new = [row.pk for row in rows if not row.is_counted]
    if not new:
        return
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [new])
        cursor.execute(_SIGNED, [new])
    for row in rows:
        row.is_counted = True


def _keep_unknown_words(source: str, calls: Iterable[_Call]) -> None:
    words = Counter(
        fact.scan.raw_status
        for call in calls
        for fact in call.facts
        if isinstance(fact, Scanned) and not fact.scan.state and fact.scan.raw_status
    )
    with connection.cursor() as cursor:
        for word, times in sorted(words.items()):
            cursor.execute(_WORD, [source, word[:80], times])


# Sorted, so that two workers wait for each other's rows in one order.
_COUNT = """
    INSERT INTO notifications_sourcehour AS known (source, hour, received, first_at, last_at, forged, too_large)
    SELECT source, date_trunc('hour', received_at, 'UTC'), count(*), min(received_at), max(received_at), 0, 0
    FROM notifications_inbounddelivery WHERE id = ANY(%s) GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (source, hour) DO UPDATE
    SET received = known.received + EXCLUDED.received, first_at = least(known.first_at, EXCLUDED.first_at),
        last_at = greatest(known.last_at, EXCLUDED.last_at)
"""
_SIGNED = """
    INSERT INTO notifications_sourcesecret AS known (source, fingerprint, last_at)
    SELECT source, signed_by, max(received_at) FROM notifications_inbounddelivery
    WHERE id = ANY(%s) AND signed_by <> '' GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (source, fingerprint) DO UPDATE SET last_at = greatest(known.last_at, EXCLUDED.last_at)
"""
_WORD = """
    INSERT INTO notifications_unknownword AS known (source, word, times, first_at, last_at)
    VALUES (%s, %s, %s, now(), now())
    ON CONFLICT (source, word) DO UPDATE SET times = known.times + EXCLUDED.times, last_at = EXCLUDED.last_at
"""

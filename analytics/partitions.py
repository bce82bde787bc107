"""The weeks of analytics_event: one table each, from Monday 00:00 UTC, and one for the rest.

No event is refused for its moment: where a week has no table its rows lie in the rest, and the job brings them into a
table of their own once there are enough. Old weeks are thrown away whole, as long as nothing undecided needs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Min

from analytics.models import Event, Journey, SettlingMark
from core import clock
from kb.models import Experiment, ExperimentState

WEEK = timedelta(weeks=1)
AHEAD = 5  # weeks that have their table before their time
ENOUGH = 1_000  # rows of a week in the rest, from which on it gets a table
_LOCK = 7_201_002  # of pg_advisory_xact_lock; any number that nothing else takes
# Whoever writes an event waits as long as we wait for a lock: rather later than long. The job comes again.
_PATIENCE = "400ms"
# Of the oldest week that is left, no journey is built again: of some that began in it, or are voted on in it, what went
# before is gone.
CONTEXT = WEEK


@dataclass(frozen=True)
class LookedAfter:
    """What one run did. `is_done` is False where somebody held a table for too long."""

    made: int
    dropped: int
    is_done: bool


def monday(at: datetime) -> datetime:
    """The beginning of the week that `at` is in."""
    day = at.astimezone(UTC)
    return (day - timedelta(days=day.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)


def weeks() -> list[datetime]:
    """The Mondays of the weeks that have a table, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree('analytics_event') WHERE isleaf")
        names = [name for (name,) in cursor.fetchall() if name != "analytics_event_rest"]
    return sorted(datetime.strptime(name.rpartition("_w")[2], "%Y%m%d").replace(tzinfo=UTC) for name in names)


def look_after() -> LookedAfter:
    """Make the tables of the weeks to come and of those that the rest is full of; throw away what is too old."""
    now = clock.now()
    made = dropped = 0
    try:
        coming = [monday(now) + WEEK * number for number in range(AHEAD + 1)]
        for start in sorted({*coming, *_full(until=coming[-1] + WEEK)} - set(weeks())):
            _make(start)
            made += 1
        dropped = _throw_away(monday(needed_since(now)))
    except OperationalError:  # somebody holds a table for longer than our patience
        return LookedAfter(made, dropped, is_done=False)
    return LookedAfter(made, dropped, is_done=True)


def _full(*, until: datetime) -> list[datetime]:
    """The weeks of which the rest holds enough rows. None far ahead of the clock: nobody has been there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('week', at, 'UTC') FROM analytics_event_rest WHERE at < %s"
            " GROUP BY 1 HAVING count(*) >= %s",
            [until, ENOUGH],
        )
        return [start.astimezone(UTC) for (start,) in cursor.fetchall()]


# Beside the others until it holds what the rest has of its week; then attached, which needs no look at its rows.
_TABLE = """
    CREATE TABLE {name} (LIKE analytics_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE,
                         CONSTRAINT {name}_week CHECK (at IS NOT NULL AND at >= '{start}' AND at < '{end}'));
    WITH moved AS (DELETE FROM analytics_event_rest WHERE at >= '{start}' AND at < '{end}' RETURNING *)
        INSERT INTO {name} SELECT * FROM moved ORDER BY at, id;
    ALTER TABLE analytics_event ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}');
    ALTER TABLE {name} DROP CONSTRAINT {name}_week;
"""


def _make(start: datetime) -> None:
    """The table of a week, with what the rest holds of it.

    Whoever reads meanwhile must not have looked at the list of tables before and at the rest afterwards, where the rows
    no longer are: all wait for the parent.
    """
    end = start + WEEK
    with transaction.atomic(), connection.cursor() as cursor:
        _alone(cursor)
        cursor.execute("LOCK TABLE analytics_event IN ACCESS EXCLUSIVE MODE")
        if start not in weeks():
            made = {"name": _name(start), "start": start.isoformat(), "end": end.isoformat()}
            cursor.execute(_TABLE.format(**made))


def needed_since(now: datetime) -> datetime:
    """The moment before which no event is needed any more: that of EVENT_RETENTION_DAYS, or the beginning of the oldest
    journey or test that is still undecided, with a week around it."""
    undecided: datetime | None = Journey.objects.filter(decide_at__isnull=False).aggregate(at=Min("started_at"))["at"]
    states = (ExperimentState.RUNNING, ExperimentState.PAUSED, ExperimentState.FINISHED)
    tested: datetime | None = Experiment.objects.filter(state__in=states).aggregate(at=Min("started_at"))["at"]
    oldest = [at - CONTEXT for at in (undecided, tested) if at is not None]
    retained = now - timedelta(days=settings.EVENT_RETENTION_DAYS)
    return min([retained, *oldest])


def _throw_away(cut: datetime) -> int:
    """Drop the weeks before `cut`; how many. Nothing that has not been settled goes: it waits for the next run."""
    with transaction.atomic(), connection.cursor() as cursor:
        _alone(cursor)
        old = [start for start in weeks() if start + WEEK <= cut]
        cursor.execute("SELECT EXISTS (SELECT FROM analytics_event_rest WHERE at < %s)", [cut])
        if not old and not cursor.fetchone()[0]:
            return 0
        mark = SettlingMark.objects.select_for_update().filter(pk=1).first()
        if mark is None or Event.objects.filter(at__lt=cut, txid__gte=mark.txid).exists():
            return 0
        mark.events_since = max(cut, mark.events_since or cut)
        mark.save(update_fields=["events_since"])
        for start in old:
            cursor.execute(f"DROP TABLE {_name(start)}")
        cursor.execute("DELETE FROM analytics_event_rest WHERE at < %s", [cut])
    return len(old)


def frozen_before(mark: SettlingMark) -> datetime | None:
    """Journeys that began before this moment stay as they were decided: not all of their events are there any more."""
    return mark.events_since + CONTEXT if mark.events_since else None


def _alone(cursor: Any) -> None:
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    cursor.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")


def _name(start: datetime) -> str:
    return f"analytics_event_w{start:%Y%m%d}"

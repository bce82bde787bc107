"""Writes Event rows: at once, or (in a web server) gathered and written together from a thread beside the requests.

Gathered are rows whose loss changes no fact: that somebody looked at a page. They wait at most GATHER_SECONDS before
their INSERT begins; what waits is written when the process ends, other than by kill -9. While the database is away they
are kept, up to MOST of them, and tried again. A batch is written once: where the answer to its COMMIT was lost, the
database is asked whether the transaction took place.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from django import db
from django.db import connection, transaction

logger = logging.getLogger("preempt.events")

GATHER_SECONDS = 0.15
MOST = 20_000  # rows that wait; about 10 MB. Further ones are dropped, and counted in the log
_BATCH = 1_000
_LONGEST_PAUSE = 5.0  # between two attempts while the database is away
_LAST_SECONDS = 3.0  # for what is left when the process ends

Row = dict[str, Any]  # columns of _INSERT, as JSON has them

# `about` names the article whose topic the row takes: what was searched for is what the first answer is about.
_INSERT = """
    INSERT INTO analytics_event (kind, at, visitor, person, is_returning, article_id, revision_id, variant_id,
                                 contact_id, topic, data)
    SELECT given.kind, given.at, given.visitor, coalesce(given.person, ''), coalesce(given.is_returning, false),
           given.article_id, given.revision_id, given.variant_id, given.contact_id,
           coalesce(given.topic, category.topic, ''), coalesce(given.data, '{}')
    FROM jsonb_to_recordset(%s::jsonb) AS given (
        kind text, at timestamptz, visitor uuid, person text, is_returning boolean, article_id bigint,
        revision_id bigint, variant_id bigint, contact_id bigint, topic text, data jsonb, about bigint)
    LEFT JOIN kb_article article ON article.id = given.about
    LEFT JOIN kb_category category ON category.id = article.category_id
"""


class Writer:
    """Gathers rows and writes them from a thread of its own. `put` never waits for the database."""

    def __init__(self, *, gather_seconds: float = GATHER_SECONDS, most: int = MOST) -> None:
        self._gather_seconds = gather_seconds
        self._most = most
        self.forget()

    def forget(self) -> None:
        """In a forked child: what waits is the parent's to write, and so is the thread."""
        self._waiting: deque[str] = deque()
        self._writing = 0
        self._dropped = 0
        self._is_hurried = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def put(self, row: Row) -> None:
        text = json.dumps(row)  # here, so that a row that is no JSON fails where it was made
        with self._changed:
            if len(self._waiting) >= self._most:
                self._dropped += 1
                return
            self._waiting.append(text)
            if self._thread is None or not self._thread.is_alive():
                # Here and not at the start: threads do not come along when a preloading server forks.
                self._thread = threading.Thread(target=self._run, name="event-writer", daemon=True)
                self._thread.start()
            elif len(self._waiting) in (1, _BATCH):
                self._changed.notify_all()

    def flush(self, *, seconds: float = 10.0) -> bool:
        """Wait until all that was put is written; False where that took longer."""
        with self._changed:
            self._is_hurried = True
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: not self._waiting and not self._writing, seconds)
            self._is_hurried = False
        return done

    def end(self) -> None:
        """Write what waits, within seconds, in the thread that calls: the process is about to end."""
        if (self._waiting or self._writing) and not self.flush(seconds=_LAST_SECONDS):
            logger.error("events lost at the end of a process", extra={"rows": len(self._waiting)})

    def _run(self) -> None:
        pause = 0.0
        while True:
            rows = self._next(pause)
            left = _write_somehow(rows)
            pause = min(max(0.25, pause * 2), _LONGEST_PAUSE) if left else 0.0
            with self._changed:
                self._waiting.extendleft(reversed(left))
                self._writing = 0
                self._changed.notify_all()

    def _next(self, pause: float) -> list[str]:
        """The rows to write now, once there are some and others had time to come along; `pause` after a failure."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            self._changed.wait_for(
                lambda: self._is_hurried or (len(self._waiting) >= _BATCH and not pause), pause or self._gather_seconds
            )
            rows = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            self._writing = len(rows)
            dropped, self._dropped = self._dropped, 0
        if dropped:
            logger.error("events dropped: too many wait for the database", extra={"rows": dropped})
        return rows


_writer = Writer()
_is_gathering = False


def gather() -> None:
    """From now on this process gathers rows: a web server says so. Without it every row is written at once."""
    global _is_gathering
    if not _is_gathering:
        _is_gathering = True
        atexit.register(_writer.end)
        os.register_at_fork(after_in_child=_writer.forget)


_together: list[Row] | None = None


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Within the block, rows that this process puts are written many at a time, the last of them at its end: for who
    sends thousands of invented readers. In the thread that puts them, by its own connection and in its transaction.
    """
    global _together
    outer, _together = _together, []
    try:
        yield
    finally:
        rows, _together = _together, outer
        _write_out(rows)


def _write_out(rows: list[Row]) -> None:
    if rows:
        write(rows)
        rows.clear()


def put(row: Row) -> None:
    """Take down a row whose loss would change no fact. See _INSERT for its columns; JSON values."""
    if _together is not None:
        _together.append(row)
        if len(_together) >= _BATCH:
            _write_out(_together)
    elif _is_gathering:
        _writer.put(row)
    else:
        write([row])


def flush() -> bool:
    """Wait until the rows that wait in this process are written; False where the database does not take them."""
    return _writer.flush()


def write(rows: Sequence[Row]) -> None:
    """Write these rows now, in one INSERT. Raises db.Error."""
    _insert([json.dumps(row) for row in rows])


def _insert(rows: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [f"[{','.join(rows)}]"])


def _write_somehow(rows: list[str]) -> list[str]:
    """Write them; returns those to try again. A row that the database refuses is left out, and the log says so."""
    transaction_id = ""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_current_xact_id()::text")
                transaction_id = cursor.fetchone()[0]
            _insert(rows)
        return []
    except (db.OperationalError, db.InterfaceError) as error:
        logger.warning("events wait: the database does not answer", extra={"rows": len(rows), "reason": str(error)})
        connection.close()
        return [] if transaction_id and _took_place(transaction_id) else rows
    except db.Error as error:
        if len(rows) == 1:
            logger.error("an event was refused", extra={"reason": str(error)})
            return []
        half = len(rows) // 2
        return _write_somehow(rows[:half]) + _write_somehow(rows[half:])
    finally:
        connection.close()  # back to the pool, for the requests


def _took_place(transaction_id: str) -> bool:
    """Whether a transaction whose end we did not hear of was committed; asks until the database answers."""
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_xact_status(%s::xid8)", [transaction_id])
                status = cursor.fetchone()[0]
            if status != "in progress":
                return bool(status == "committed")
        except (db.OperationalError, db.InterfaceError):
            connection.close()
        except db.Error:  # another server took over, which never heard of it
            return False
        time.sleep(0.5)

"""Writes Event rows: at once, or (in a web server) gathered and written together from a thread beside the requests.

Gathered are looks at pages. Each is appended to a file of the process (spool.py) before the answer goes out, which
takes some millionths of a second, so a process that is killed loses none: whichever process is there next takes over
what it left. While the database is away they wait in the file, up to MOST_BYTES of it. How far a file is in the table
is written in the same transaction as its rows, so each is written once, whatever breaks in between.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django import db
from django.conf import settings
from django.db import connection, transaction

from analytics import spool as spools
from analytics.spool import Spool

logger = logging.getLogger("preempt.events")

GATHER_SECONDS = 0.15
MOST_BYTES = 64_000_000  # of rows that wait: about 200,000. Further ones are dropped, and counted in the log
_BATCH = 1_000
_LONGEST_ROW = 100_000
_FULL = 8_000_000  # bytes, after which a file that is written in whole is thrown away for a new one
_LONGEST_PAUSE = 5.0  # between two attempts while the database is away
_LAST_SECONDS = 3.0  # for what is left when the process ends
_SWEEP_SECONDS = 60.0  # between two looks for what killed processes left

Row = dict[str, Any]  # columns of _INSERT, as JSON has them

# `about` names the article whose topic the row takes: what was searched for is what the first answer is about.
_INSERT = """
    INSERT INTO analytics_event (kind, at, visitor, person, is_returning, article_id, revision_id, variant_id,
                                 contact_id, seconds, scrolled, search_id, topic, locale, data)
    SELECT given.kind, given.at, given.visitor, coalesce(given.person, ''), coalesce(given.is_returning, false),
           given.article_id, given.revision_id, given.variant_id, given.contact_id, given.seconds, given.scrolled,
           given.search_id, coalesce(given.topic, category.topic, ''), coalesce(given.locale, ''), given.data
    FROM jsonb_to_recordset(%s::jsonb) AS given (
        kind text, at timestamptz, visitor uuid, person text, is_returning boolean, article_id integer,
        revision_id integer, variant_id integer, contact_id integer, seconds smallint, scrolled smallint,
        search_id uuid, topic text, locale text, data jsonb, about bigint)
    LEFT JOIN kb_article article ON article.id = given.about
    LEFT JOIN kb_category category ON category.id = article.category_id
"""
# First of all in a transaction. None where the file is further than we thought: somebody's COMMIT took place after all.
_MOVE_ON = """
    INSERT INTO analytics_spoolmark AS mark (file, "offset") VALUES (%(file)s, %(to)s)
    ON CONFLICT (file) DO UPDATE SET "offset" = %(to)s WHERE mark."offset" = %(start)s
"""


class _Elsewhere(Exception):
    """The file is not where we thought it was."""


class Writer:
    """Keeps rows in a file and writes them from a thread of its own. `put` never waits for the database."""

    def __init__(
        self, folder: Path | None = None, *, gather_seconds: float = GATHER_SECONDS, most: int = MOST_BYTES
    ) -> None:
        self._folder = folder
        self._gather_seconds = gather_seconds
        self._most = most
        self._spool: Spool | None = None
        self.forget()

    def forget(self) -> None:
        """In a forked child: the file is the parent's, and so is the thread."""
        if self._spool is not None:
            self._spool.close()
        self._spool = None
        self._written = 0  # bytes of the file
        self._dropped = 0
        self._is_hurried = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    @property
    def folder(self) -> Path:
        return self._folder or folder()

    def put(self, row: Row) -> bool:
        """False where it could not be kept: the disk is full or may not be written on, or the row is huge."""
        line = json.dumps(row).encode() + b"\n"  # here, so that a row that is no JSON fails where it was made
        if len(line) > _LONGEST_ROW:
            return False
        with self._changed:
            try:
                spool = self._spool = self._spool or spools.begin(self.folder)
                was = spool.end - self._written
                if was + len(line) > self._most:
                    self._dropped += 1
                    return True
                spool.append(line)
            except OSError as error:
                logger.warning("events are written one by one: %s", error)
                return False
            if self._thread is None or not self._thread.is_alive():
                # Here and not at the start: threads do not come along when a preloading server forks.
                self._thread = threading.Thread(target=self._run, name="event-writer", daemon=True)
                self._thread.start()
            elif not was:
                self._changed.notify_all()
        return True

    def flush(self, *, seconds: float = 10.0) -> bool:
        """Wait until all that was put is written; False where that took longer."""
        with self._changed:
            self._is_hurried = True
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: not self._waits(), seconds)
            self._is_hurried = False
        return done

    def end(self) -> None:
        """Write what waits, within seconds: the process is about to end. What is left then, another process finds."""
        if self._spool is None:
            return
        if not self._waits() or self.flush(seconds=_LAST_SECONDS):
            with self._changed:
                _throw_away(self._spool)
                self._spool = None
        else:
            logger.warning("events are left for the next process", extra={"bytes": self._spool.end - self._written})

    def _waits(self) -> bool:
        return self._spool is not None and self._written < self._spool.end

    def _run(self) -> None:
        pause, swept_at = 0.0, -_SWEEP_SECONDS
        while True:
            if time.monotonic() - swept_at > _SWEEP_SECONDS:
                swept_at = time.monotonic()
                take_in_left(self.folder)
                connection.close()
            if (spool := self._next(pause)) is not None:
                try:
                    self._move_on(spool, _write_some(spool, self._written))
                    pause = 0.0
                except (db.OperationalError, db.InterfaceError) as error:
                    logger.warning("events wait: the database does not answer", extra={"reason": str(error)})
                    pause = min(max(0.25, pause * 2), _LONGEST_PAUSE)
                finally:
                    connection.close()  # back to the pool, for the requests

    def _move_on(self, spool: Spool, written: int) -> None:
        """The file is written up to there; where it is long, and written in whole, the next row begins another."""
        with self._changed:
            self._written = written
            is_done = _FULL < written == spool.end
            if is_done:
                self._spool, self._written = None, 0
            self._changed.notify_all()
        if is_done:
            _throw_away(spool)

    def _next(self, pause: float) -> Spool | None:
        """The file, once there is something to write and others had time to come along; `pause` after a failure. None
        after a while without."""
        with self._changed:
            if not self._changed.wait_for(self._waits, _SWEEP_SECONDS):
                return None
            self._changed.wait_for(lambda: self._is_hurried, pause or self._gather_seconds)
            dropped, self._dropped = self._dropped, 0
            spool = self._spool
        if dropped:
            logger.error("events dropped: too many wait for the database", extra={"rows": dropped})
        return spool


def folder() -> Path:
    """Where web processes keep what waits. One for each database: nobody takes over what is another's."""
    return Path(settings.EVENT_SPOOL_DIR, connection.settings_dict["NAME"])


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
    """Take down a look at a page. See _INSERT for its columns; JSON values."""
    if _together is not None:
        _together.append(row)
        if len(_together) >= _BATCH:
            _write_out(_together)
    elif not _is_gathering or not _writer.put(row):
        write([row])


def flush() -> bool:
    """Wait until the rows that wait in this process are written; False where the database does not take them."""
    return _writer.flush()


def write(rows: Sequence[Row]) -> None:
    """Write these rows now, in one INSERT. Raises db.Error."""
    _insert([json.dumps(row).encode() for row in rows])


def take_in_left(where: Path | None = None) -> int:
    """Write what killed processes of this machine left; how many bytes. What cannot be written now stays."""
    taken = 0
    for spool in spools.left(where or folder()):
        try:
            start = written = _known(spool.file) or 0
            while written < spool.end and (further := _write_some(spool, written)) > written:
                written = further
            _throw_away(spool)
            taken += written - start
        except (db.OperationalError, db.InterfaceError):
            spool.close()
            connection.close()
            break
    return taken


def _insert(rows: Sequence[bytes]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [f"[{b','.join(rows).decode(errors='replace')}]"])


def _write_some(spool: Spool, start: int) -> int:
    """Write some rows of the file from `start` on; returns how far it is written now. Raises db.OperationalError or
    db.InterfaceError."""
    lines = spool.read(start, most=_BATCH)
    try:
        return _write_lines(spool.file, start, lines)
    except _Elsewhere:
        return _known(spool.file) or start


def _write_lines(file: UUID, start: int, lines: list[bytes]) -> int:
    """A row that the database refuses is left out, and the log says so."""
    end = start + sum(map(len, lines))
    try:
        with transaction.atomic():
            _move_on(file, start, end)
            _insert(lines)
    except (db.OperationalError, db.InterfaceError):
        connection.close()
        raise
    except db.Error as error:
        if len(lines) > 1:
            half = len(lines) // 2
            return _write_lines(file, _write_lines(file, start, lines[:half]), lines[half:])
        logger.error("an event was refused", extra={"reason": str(error)})
        with transaction.atomic():
            _move_on(file, start, end)
    return end


def _move_on(file: UUID, start: int, end: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ON, {"file": file, "start": start, "to": end})
        if not cursor.rowcount:
            raise _Elsewhere


def _known(file: UUID) -> int | None:
    """How far the database knows the file; None where it does not."""
    with connection.cursor() as cursor:
        cursor.execute('SELECT "offset" FROM analytics_spoolmark WHERE file = %s', [file])
        found = cursor.fetchone()
    return found[0] if found else None


def _throw_away(spool: Spool) -> None:
    """The file first: without its mark it would be written again."""
    spool.remove()
    try:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM analytics_spoolmark WHERE file = %s", [spool.file])
    except db.Error as error:  # a mark without a file does no harm
        logger.warning("a mark of a spool stays behind: %s", error)
        connection.close()

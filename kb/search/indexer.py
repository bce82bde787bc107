"""The process that keeps this host's search index up to date: manage.py search_index run.

PostgreSQL wakes it when something was published (LISTEN); it also looks by itself each second. What comes within a
tenth of a second makes one commit. It rebuilds a damaged index, and has one compacted, by a rebuild in a process
beside, when much of it is deleted documents. It holds nothing that its death could hurt.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection

from kb import search
from kb.search import indexing
from kb.search.engine import EngineUnavailable, IndexDamaged
from kb.search.whoosh import WhooshEngine

logger = logging.getLogger("preempt.search")

_LOOK_SECONDS = 1.0
_GATHER_SECONDS = 0.1
_LONGEST_PAUSE = 30.0  # after failures in a row
_COMPACT_SHARE = 0.25  # deleted documents
_COMPACT_DELETED = 200  # fewer are not worth it
_COMPACT_SEGMENTS = 60
_LAYOUT_SECONDS = 5.0


class _Bell:
    """LISTENs on a connection of its own; where there is none, only time passes."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection | None = None

    def wait(self, seconds: float) -> bool:
        """Until it rings, or so many seconds; whether it rang."""
        try:
            if self._connection is None:
                parameters = {**connection.get_connection_params(), "connect_timeout": 3}
                self._connection = psycopg.connect(**parameters, autocommit=True)
                self._connection.execute(f"LISTEN {indexing.CHANNEL}")
                return True  # what rang before we listened
            return any(self._connection.notifies(timeout=seconds, stop_after=1))
        except psycopg.Error as error:
            logger.warning("index: not listening", extra={"reason": str(error)})
            self.close()
            time.sleep(seconds)
            return False

    def drain(self, seconds: float) -> None:
        """Take all that rings within so many seconds as one."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._connection is not None:
            self.wait(left)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def run(*, stopped: Callable[[], bool]) -> None:
    """Keep the index up to date until `stopped`, which is asked at least each second."""
    _stand_by(stopped)
    bell, compaction, failures = _Bell(), _Compaction(), 0
    try:
        while not stopped():
            try:
                with indexing.the_indexer():
                    logger.info("indexer started", extra={"folder": str(settings.SEARCH_INDEX_DIR)})
                    while not stopped():
                        if bell.wait(_LOOK_SECONDS):
                            bell.drain(_GATHER_SECONDS)
                        indexing.apply_changes()
                        compaction.tend()
                        failures = 0
            except indexing.WriterBusy as busy:
                logger.info("indexer waits", extra={"reason": str(busy)})
                _sleep(_LOOK_SECONDS, stopped)
            except (OSError, DatabaseError, EngineUnavailable, IndexDamaged) as error:
                failures += 1
                pause = min(0.5 * 2**failures, _LONGEST_PAUSE)
                logger.error(
                    "search index not written; the last generation serves on",
                    extra={"reason": f"{type(error).__name__}: {error}", "again_in_seconds": pause},
                )
                connection.close()
                _sleep(pause, stopped)
    finally:
        bell.close()
        compaction.stop()
        connection.close()


def _stand_by(stopped: Callable[[], bool]) -> None:
    """Where this host has an indexer, wait to take its place."""
    said = False
    while indexing.has_indexer() and not stopped():
        if not said:
            logger.info("indexer stands by: another process of this host is at it")
            said = True
        time.sleep(_LOOK_SECONDS)


def _sleep(seconds: float, stopped: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not stopped() and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_SECONDS))


class _Compaction:
    """A rebuild in a process of its own, so that commits go on meanwhile."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._looked_at = 0.0

    def tend(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                return
            logger.info("search index compacted", extra={"exit_code": self._process.returncode})
            self._process = None
        if time.monotonic() - self._looked_at < _LAYOUT_SECONDS:
            return
        self._looked_at = time.monotonic()
        engine = search.engine()
        if isinstance(engine, WhooshEngine) and not indexing.is_rebuilding():
            layout = engine.layout()
            much = layout.deleted >= _COMPACT_DELETED and layout.deleted_share > _COMPACT_SHARE
            if much or layout.segments > _COMPACT_SEGMENTS * max(1, len(engine.stats().documents)):
                manage = Path(settings.BASE_DIR) / "manage.py"
                self._process = subprocess.Popen([sys.executable, str(manage), "search_index", "rebuild"])

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

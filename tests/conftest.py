"""What all tests stand on: one embedded PostgreSQL for the run, one database per xdist worker, nothing left
behind.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.db import connections
from django.utils import translation

from config import embedded
from core import brand
from kb import live, search
from kb.search import signals, suggest, tuning
from tests import emptying, workers

# Test processes share two processors: threads that learn would only wait for each other, in ten times the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says something of the machine and of what else runs on it.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
ROOM = {"max_connections": "150"}  # for three processes and those that they start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Among the tests that commit the long ones come first, so that no process is left alone with one at the end.

    Not before all tests: those that read what migrations wrote stand before those that empty the tables.
    """
    first = next((place for place, item in enumerate(items) if _commits(item)), len(items))
    items[first:] = sorted(items[first:], key=lambda item: not (_commits(item) and item.get_closest_marker("slow")))


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    return mark is not None and bool(mark.kwargs.get("transaction"))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_FailuresAtOnce(config))


class _FailuresAtOnce:
    """A run that is stopped for its time never comes to the list of what failed."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and reporter is not None:
            reporter.write_line(f"\n{report.when} failed: {report.nodeid}\n{report.longreprtext[-3000:]}")


def pytest_collection_finish() -> None:
    """Thousands of collected tests live until the end: nobody needs to look through them for garbage again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """pytest-django asks for this just before it makes the test database."""
    if settings.LOCAL:
        embedded.ensure(settings.DATA_DIR, options={**UNSAFE_BUT_FAST, **ROOM})
    # A pool that something has opened before would go on with the database that it was opened with.
    for connection in connections.all(initialized_only=True):
        connection.close_pool()


# What refuses TRUNCATE, by which Django empties the tables after a test that commits: off in the tests' own database.
# tests/config/test_never_emptied.py switches each on again, and sees it refuse.
NEVER_EMPTIED = {"core_auditentry": "core_audit_no_truncate", "kb_revision": "revision_no_truncate"}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), connections["default"].cursor() as cursor:
        for table, trigger in NEVER_EMPTIED.items():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        emptying.install()
    yield
    # DROP DATABASE fails while anybody is connected.
    workers.forget_broker()
    for connection in connections.all(initialized_only=True):
        connection.close()
        connection.close_pool()


@pytest.fixture
def server_dir() -> Iterator[Path]:
    """A data folder for an embedded server of the test's own."""
    with in_memory() as folder:
        yield folder / "data"
        embedded.remove(folder / "data")


@contextlib.contextmanager
def in_memory() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="preempt-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    folder.chmod(0o755)  # the server's account must reach it when the tests run as root
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def celery_worker_process(transactional_db: None, tmp_path: Path) -> Iterator[workers.WorkerProcess]:
    """A real worker on the test database, not started yet: `celery_worker_process.start()`."""
    workers.empty_queues()
    worker = workers.WorkerProcess(tmp_path / "worker.log")
    yield worker
    worker.kill()  # nobody waits for what it does now
    workers.empty_queues()


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process keeps for a second, or its thread for good, must not reach the next test."""
    search.database().close()  # its generation goes back with a test's transaction, what it read does not
    tuning.forget()
    signals.forget()
    suggest.forget()
    live.shelf.forget()
    translation.deactivate()  # the last request's language
    # Nobody has saved a look, and nobody asks: whoever counts queries must not depend on when the second is over. What
    # is about the look asks anew by brand.forget(), as brand.save() does.
    monkeypatch.setattr(brand, "_read", (math.inf, brand.default()))

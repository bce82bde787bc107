"""What all tests stand on: one embedded PostgreSQL for the run, one database per xdist worker, nothing left
behind.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from config import embedded
from kb import search
from kb.search import signals, suggest, tuning
from tests import workers

UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """pytest-django asks for this just before it makes the test database."""
    if settings.LOCAL:
        embedded.ensure(settings.DATA_DIR, options=UNSAFE_BUT_FAST)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
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
def _nothing_remembered_of_search() -> None:
    """What a process keeps for a second must not reach the next test."""
    search.database().close()  # its generation goes back with a test's transaction, what it read does not
    tuning.forget()
    signals.forget()
    suggest.forget()

"""The test database, moved for a while to a PostgreSQL of the test's own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from config import embedded
from config.embedded import place as places
from tests import embedded_users as users
from tests import workers
from tests.waiting import until

# Commits are written out: what was committed before the server was shut down must be there after it.
_OPTIONS = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class OwnServer:
    """`environment` is for processes that must use it."""

    data_dir: Path
    url: str
    environment: dict[str, str]

    def restart(self) -> None:
        """As `pg_ctl -m immediate stop` and start: no transaction ends, and the log is played back."""
        running = users.postmaster(self.data_dir)
        os.kill(running, signal.SIGQUIT)
        until(lambda: not users.lives(running), "the server is gone")
        until(lambda: users.answers(self.url), "the server is back", seconds=60)
        connection.close()


@contextmanager
def moved(data_dir: Path) -> Iterator[OwnServer]:
    """Within the block this process's default database is a copy of it on a server of its own."""
    name = connection.settings_dict["NAME"]
    url = embedded.ensure(data_dir, database=name, options=_OPTIONS)
    programs = places.binaries(places.find(data_dir))
    from_here = embedded.url(settings.DATA_DIR, database=name)
    dumped = subprocess.run([programs / "pg_dump", "--no-owner", from_here], check=True, capture_output=True)
    subprocess.run(
        [programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", url], input=dumped.stdout, check=True, capture_output=True
    )
    before = connection.settings_dict["HOST"]
    try:
        _move(places.find(data_dir).sockets)
        yield OwnServer(data_dir, url, {"PREEMPT_DATA_DIR": str(data_dir)})
    finally:
        _move(before)


def _move(host: str) -> None:
    connection.close()
    connection.close_pool()
    workers.forget_broker()
    connection.settings_dict["HOST"] = host

"""The database is restarted while a process has several idle connections to it: the next page finds one that lives."""

from __future__ import annotations

import pytest
from psycopg_pool import ConnectionPool

from config import embedded
from core.postgresql import base
from tests import embedded_users as users
from tests.waiting import until

pytestmark = pytest.mark.faults

IDLE = 8


def test_idle_connections_of_before_a_restart_are_replaced_together(server_dir):
    url = embedded.ensure(server_dir, options=users.OPTIONS)
    with ConnectionPool(url, min_size=1, max_size=IDLE, check=base._check, open=True) as pool:
        for connection in [pool.getconn(10) for _number in range(IDLE)]:
            pool.putconn(connection)
        killed = users.postmaster(server_dir)
        users.kill(killed)
        until(lambda: not users.lives(killed), "the server is gone")
        until(lambda: users.answers(url), "the server is back")
        # One by one, with the pauses between, eight dead ones take more than the ten seconds that a page would wait.
        for connection in [pool.getconn(6) for _number in range(3)]:
            assert connection.execute("SELECT 42").fetchone() == (42,)
            pool.putconn(connection)
        assert not pool.get_stats().get("requests_errors", 0)

"""A pooled connection is tried before it is handed out, though not each time."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DataError, connection, connections, transaction

from core.postgresql import base
from core.postgresql.base import DatabaseWrapper


class Pooled:
    """As much of a connection as its check asks for."""

    def __init__(self) -> None:
        self.asked = 0
        self.autocommit = True
        self.is_dead = False

    def execute(self, query: str) -> None:
        self.asked += 1
        if self.is_dead:
            raise psycopg.OperationalError("the connection is lost")


@pytest.fixture
def seconds(monkeypatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(base.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.django_db  # its pool would else be opened before there is a test database, and keep to the other one
def test_our_check_is_the_pools():
    assert isinstance(connections["default"], DatabaseWrapper)
    assert connections["default"].pool._check is base._check


def test_a_connection_is_tried_again_after_a_moment(seconds):
    pooled = Pooled()
    for at, asked in [(100.0, 1), (100.04, 1), (100.06, 2), (100.1, 2), (101.0, 3)]:
        seconds[0] = at
        base._check(pooled)
        assert pooled.asked == asked


def test_a_dead_connection_is_found_out_and_never_taken_as_good(seconds):
    pooled = Pooled()
    base._check(pooled)
    pooled.is_dead = True
    seconds[0] += 1
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            base._check(pooled)


@pytest.mark.django_db
def test_a_prepared_statement_is_kept_by_the_server_and_counted_as_a_query(django_assert_num_queries):
    kept = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%kept by the server%%'"
    with django_assert_num_queries(5):
        for number in range(4):
            with connection.prepared() as cursor:
                cursor.execute("SELECT %s::int + 1 -- kept by the server", [number])
                assert cursor.fetchone() == (number + 1,)
        with connection.cursor() as cursor:
            cursor.execute(kept.replace("%%", "%"))
            assert cursor.fetchone()[0] >= 1


@pytest.mark.django_db
def test_an_error_of_a_prepared_statement_is_djangos():
    with pytest.raises(DataError), transaction.atomic(), connection.prepared() as cursor:
        cursor.execute("SELECT 1 / %s", [0])

"""Locks by name, in PostgreSQL: held until the transaction ends, by whichever process."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection

from core.lookups import array


def take(name: str, *, is_shared: bool = False) -> datetime:
    """Wait for the lock, alone or beside others who share it. Returns the database's time once it is held."""
    function = "pg_advisory_xact_lock_shared" if is_shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0)), clock_timestamp()", [name])
        row: tuple[object, datetime] = cursor.fetchone()
        return row[1]


def take_all(names: Collection[str], *, is_shared: bool = False) -> None:
    """Wait for several, in an order that is the same for everybody: two who want the same ones never wait in a ring."""
    function = "pg_advisory_xact_lock_shared" if is_shared else "pg_advisory_xact_lock"
    keys = "SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest(%s::text[]) name ORDER BY key"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(one.key) FROM ({keys}) one", [array(names)])  # noqa: S608 - two constants

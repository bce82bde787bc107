"""Locks by name, in PostgreSQL: held until the transaction ends, by whichever process."""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def take(name: str, *, is_shared: bool = False) -> datetime:
    """Wait for the lock, alone or beside others who share it. Returns the database's time once it is held."""
    function = "pg_advisory_xact_lock_shared" if is_shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0)), clock_timestamp()", [name])
        row: tuple[object, datetime] = cursor.fetchone()
        return row[1]

"""Another process held up amid a transaction, at a row of the test's choice, so that it can be killed just there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

_KEY = 7_530_999  # of PostgreSQL's advisory locks


@contextmanager
def held_up_at(table: str, row: str) -> Iterator[Callable[[], bool]]:
    """Whoever inserts such a row (SQL about NEW) waits there while the block lasts. Gives: does anybody wait?"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_KEY])
        cursor.execute(
            f"CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF {row} THEN PERFORM pg_advisory_xact_lock_shared({_KEY}); END IF; RETURN NEW; END $$;"
            f"CREATE TRIGGER hold_up BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION hold_up()"
        )
        try:
            yield _waits
        finally:
            # Who was killed while it waited goes on, finds nobody to answer to, and takes back what it did.
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_KEY])
            cursor.execute(f"DROP TRIGGER hold_up ON {table}; DROP FUNCTION hold_up()")


def _waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database AS d ON d.oid = database"
            " WHERE locktype = 'advisory' AND objid = %s AND NOT granted AND datname = current_database())",
            [_KEY],
        )
        return bool(cursor.fetchone()[0])

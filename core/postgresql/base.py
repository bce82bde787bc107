"""Django's PostgreSQL with three changes.

A pooled connection is tried before it is handed out, but not each time: to try it is a round trip, as dear as the one
query of a page. One that answered TRUST_SECONDS ago is taken as good: a server that was restarted in so short a time
has not begun to listen again. Where one does not answer, most likely none does (the server was restarted): the pool
would try the next after a second, the one after that after two, and so on, so all are replaced at once.

And prepared() gives a cursor whose statements the server reads and plans once for each connection: for the few that
run with every page. Elsewhere Django puts the values into the text, which nothing can keep.

And a moment is read as Python reads one: through psycopg's own way a row of ten of them costs more than all the rest of
it, since Django's reader of a time zone hides that in C.
"""

from __future__ import annotations

import time
import weakref
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg import Connection, Cursor, OperationalError
from psycopg.types.datetime import TimestamptzLoader
from psycopg_pool import ConnectionPool

TRUST_SECONDS = 0.05

_answered_at: weakref.WeakKeyDictionary[Connection[Any], float] = weakref.WeakKeyDictionary()


class MomentLoader(TimestamptzLoader):
    """timestamptz of a session in UTC. What Python cannot read (infinity, BC) is psycopg's to refuse."""

    timezone = UTC  # where Django's cursors look whether it fits them

    def load(self, data: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(bytes(data).decode())
        except ValueError:
            moment = super().load(data)
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        if self.timezone == UTC:
            params["context"].adapters.register_loader("timestamptz", MomentLoader)
        return params

    @property
    def pool(self) -> ConnectionPool[Any] | None:
        found: ConnectionPool[Any] | None = super().pool
        if found is not None and found._check is not None:
            found._check = _check  # Django leaves no way to name another
        return found

    def prepared(self) -> CursorWrapper:
        """As cursor(), for a constant statement; kept from its third run on (prepare_threshold in the settings)."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            wrapped: CursorWrapper = self._prepare_cursor(Cursor(self.connection))  # type: ignore[attr-defined]
        return wrapped


def _check(connection: Connection[Any]) -> None:
    """As ConnectionPool.check_connection. Raises where it does not answer, and has its pool make new ones."""
    now = time.monotonic()
    if now - _answered_at.get(connection, float("-inf")) <= TRUST_SECONDS:
        return
    try:
        ConnectionPool.check_connection(connection)
    except OperationalError:
        if (pool := getattr(connection, "_pool", None)) is not None:
            pool.drain()
        raise
    _answered_at[connection] = now

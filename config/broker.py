"""Celery's embedded broker: PGMQ queues in the product's own PostgreSQL, through kombu's pgmq transport.

What differs from kombu 5.7.0 (docs/decisions/0002-broker-pgmq.md has the measurements):
- A queue is looked up before it is made, under an advisory lock. Stock runs CREATE TABLE and CREATE TRIGGER
  at each process's first publish, which waits behind readers and deadlocks between threads.
- A full prefetch window waits for the next acknowledgement. Stock sleeps a whole polling interval.
- The publisher itself wakes the workers (pg_notify in the statement that sends). PGMQ's trigger keeps its
  state in an unlogged table, which is empty after a crash of PostgreSQL: from then on it wakes nobody.
- One connection pool a process, made from Django's default database. The client's own fallbacks to
  environment variables are never reached, and tests that rename the database need not tell the broker.
"""

from __future__ import annotations

import os
import socket
import threading
import warnings
from queue import Empty
from time import monotonic
from typing import Any

import psycopg
from django.db import connection as default_connection
from kombu.transport import pgmq
from pgmq import PGMQueue
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

stock: Any = pgmq  # its type stubs know a part of it only

# What Django's connection parameters hold beside libpq's own.
_NOT_LIBPQ = {"context", "cursor_factory", "prepare_threshold", "row_factory", "autocommit"}

_guard = threading.Lock()
_pools: dict[tuple[int, str], ConnectionPool] = {}  # (process, conninfo); a forked child leaves its parent's alone
_stopping = threading.Event()
_known: set[tuple[str, str]] = set()  # (conninfo, queue): queues are never dropped while in use


class BrokerNotReady(Exception):
    """The broker's tables are missing."""


def conninfo() -> str:
    """libpq's words for Django's default database, as it is now."""
    parameters = default_connection.get_connection_params()
    return make_conninfo(**{name: value for name, value in parameters.items() if name not in _NOT_LIBPQ})


def pool(dsn: str, *, size: int) -> ConnectionPool:
    """This process's pool of broker connections."""
    with _guard:
        key = (os.getpid(), dsn)
        if key not in _pools:
            _pools[key] = ConnectionPool(
                dsn,
                min_size=0,
                max_size=size,
                timeout=10,
                kwargs={"autocommit": True},
                check=ConnectionPool.check_connection,
                open=True,
            )
        return _pools[key]


def close_pools() -> None:
    """Close this process's broker connections (before its database is dropped, say)."""
    with _guard:
        for key in [key for key in _pools if key[0] == os.getpid()]:
            _pools.pop(key).close()


def stop_waiting() -> None:
    """This process is asked to end: a consumer that waits for messages comes back at once."""
    _stopping.set()


class Channel(stock.Channel):  # type: ignore[misc]
    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        name = self._queue_name(queue)
        dsn = self.connection.dsn
        if (dsn, name) in _known:
            return
        with self.pgmq.pool.connection() as connection:
            if not _queue_exists(connection, name):
                with connection.transaction():
                    connection.execute("select pg_advisory_xact_lock(hashtext('preempt.broker.queues'))")
                    if not _queue_exists(connection, name):
                        connection.execute("select pgmq.create(%s)", (name,))
        _known.add((dsn, name))

    def _maybe_enable_notify(self, queue: str, queue_name: str | None = None) -> None:
        if self.use_notify:
            self.connection._register_notify_queue(queue_name or self._queue_name(queue))

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        name = self._queue_name(queue)
        extra = self._pgmq_send_kwargs(message)
        with self.pgmq.pool.connection() as connection:
            connection.execute(
                "select pgmq.send(%s, %s::jsonb, %s::jsonb, %s::integer), pg_notify(%s, '')",
                (
                    name,
                    Jsonb(message),
                    Jsonb(extra["headers"]) if "headers" in extra else None,
                    extra.get("delay", 0),
                    f"pgmq.q_{name}.INSERT",
                ),
            )

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        try:
            super().basic_ack(delivery_tag, multiple)
        finally:
            self.connection.slot_free.set()

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().basic_reject(delivery_tag, requeue)
        finally:
            self.connection.slot_free.set()


class Transport(stock.Transport):  # type: ignore[misc]
    Channel = Channel

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self._notify_waiter: Any = None
        self.slot_free = threading.Event()
        self.dsn = conninfo()

    def _create_pgmq_client(self) -> PGMQueue:
        options = self.client.transport_options
        return PGMQueue(
            conn_string=self.dsn,
            pool=pool(self.dsn, size=options.get("pool_size", 4)),
            vt=int(options.get("visibility_timeout", 120)),
            init_extension=False,
        )

    def _get_notify_waiter(self) -> Any:
        if self._notify_waiter is None:
            self._notify_waiter = stock._NotifyWaiter(self.dsn)
        return self._notify_waiter

    def establish_connection(self) -> Any:
        try:
            return super().establish_connection()
        except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction) as error:
            raise BrokerNotReady("The broker's tables are missing. Run `python manage.py migrate` first.") from error

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:
        """Deliver what is there, else wait for a wake-up, a free slot or the time-out (socket.timeout)."""
        until = None if timeout is None else monotonic() + timeout
        while True:
            self.slot_free.clear()
            try:
                self.cycle.get(self._deliver, timeout=timeout)
                return
            except Empty:
                pass
            if until is not None and monotonic() >= until:
                raise socket.timeout  # noqa: UP041 - the name that kombu's callers know
            self._wait(until)

    def _wait(self, until: float | None) -> None:
        """Until something may have changed, at most one polling interval and not past `until`."""
        end = monotonic() + (self.polling_interval or 1.0)
        end = end if until is None else min(end, until)
        full = any(channel._consumers and not channel.qos.can_consume() for channel in self.channels)
        wait = self.slot_free.wait if full else self._get_notify_waiter().wait
        while (left := end - monotonic()) > 0 and not wait(min(left, 0.25)):
            if _stopping.is_set():
                raise socket.timeout  # noqa: UP041


def _queue_exists(connection: psycopg.Connection[Any], name: str) -> bool:
    return connection.execute("select 1 from pgmq.meta where queue_name = %s", (name,)).fetchone() is not None


# list_queues(), which kombu calls to see whether a connection is good, warns about its own record class.
warnings.filterwarnings("ignore", module=r"pgmq\.")

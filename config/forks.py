"""Database connections do not cross a fork: two processes on one socket read each other's answers."""

from __future__ import annotations

import os

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

_of_the_parent: list[object] = []


def forget_connections() -> None:
    """In a forked child: drop the parent's connections and pools without closing them.

    Closing would say good-bye to the server over the socket that the parent still uses. They are kept from
    the garbage collector for the same reason.
    """
    pools: dict[str, object] = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
    _of_the_parent.extend(pools.values())
    pools.clear()
    for wrapper in connections.all(initialized_only=True):
        _of_the_parent.append(wrapper)
        del connections[wrapper.alias]


def guard() -> None:
    """From now on every fork of this process (Celery, multiprocessing, a preloading web server) is safe."""
    os.register_at_fork(after_in_child=forget_connections)

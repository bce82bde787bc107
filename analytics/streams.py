"""Rows of a query by and by, in an order that only the whole query has, while what is made of them is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from django.db import connection, transaction
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.string import TextLoader

MEMORY = "64MB"  # for one sort; more goes to files
_AT_ONCE = 10_000
_NAME = "stream"

Row = tuple[Any, ...]


@contextlib.contextmanager
def reading(query: str, given: Mapping[str, Any] | None = None, *, one_by_one: bool = False) -> Iterator[Iterable[Row]]:
    """The rows as they were at the beginning; the database keeps them, so that we and others may write meanwhile. Ids
    of visitors come as text. One at a time. `one_by_one`: look_up() holds for the query."""
    connection.ensure_connection()
    cursor = connection.connection.cursor(_NAME, withhold=True)
    cursor.adapters.register_loader("uuid", TextLoader)
    cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
    with cursor:
        with transaction.atomic():
            more_memory()
            if one_by_one:
                look_up()
            cursor.execute(query, given)
        yield chain.from_iterable(iter(partial(cursor.fetchmany, _AT_ONCE), []))


def more_memory() -> None:
    """For the sorts of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [MEMORY])


def look_up() -> None:
    """For the rest of this transaction: of each visitor a few rows, by one index. The planner would lay the index by
    time over it, which takes four times as long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_bitmapscan', 'off', true)")

"""Many rows like one, in one statement each table: for those who need a hundred thousand of something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models


def copy(
    model: type[models.Model], template: Any, changes: Mapping[str, str], joins: Sequence[str] = (), *, count: int
) -> None:
    """`count` copies of the row with the key `template`. `changes`: a column's value in SQL, where `n` is the copy's
    number from 1, `t` the template and whatever `joins` name.
    """
    table = model._meta.db_table
    columns = [
        field.column
        for field in model._meta.local_fields
        if not field.generated and (not field.primary_key or field.column in changes)
    ]
    values = [changes.get(column, f"t.{column}") for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"
            f" FROM generate_series(1, %s) AS n CROSS JOIN {table} t {' '.join(joins)} WHERE t.id = %s",
            [count, template],
        )
        cursor.execute(f"ANALYZE {table}")

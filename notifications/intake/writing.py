"""Many rows into one table in one statement, told as one JSON text: model instances cost several times as long."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Model


def insert(
    model: type[Model], rows: Sequence[Mapping[str, object]], *, key: str = "id", ignore_conflicts: bool = False
) -> dict[str, int]:
    """Insert `rows`, all with the same columns and values as JSON knows them; {value of column `key`: id} of the new.

    With `ignore_conflicts` a row that a constraint would refuse is left out, else IntegrityError. Columns that are not
    named get what the database gives them, so all that may not be null must be named.
    """
    if not rows:
        return {}
    statement = _statement(model, tuple(rows[0]), key, ignore_conflicts)
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(rows, separators=(",", ":"))])
        return dict(cursor.fetchall())


def update(rows: Sequence[Model], fields: Sequence[str]) -> None:
    """Store these fields of rows of one model, in one statement: bulk_update needs a CASE per row and field."""
    if not rows:
        return
    meta = rows[0]._meta
    columns = [meta.get_field(name) for name in fields]
    said = [
        {"id": row.pk} | {one.attname: getattr(row, one.attname) for one in columns}  # type: ignore[union-attr]
        for row in rows
    ]
    types = ", ".join(f'"{one.column}" {_type(one)}' for one in columns)  # type: ignore[union-attr]
    values = ", ".join(f'"{one.column}" = n."{one.column}"' for one in columns)  # type: ignore[union-attr]
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{meta.db_table}" AS t SET {values} '  # noqa: S608 - the model's own names
            f"FROM jsonb_to_recordset(%s::jsonb) AS n (id bigint, {types}) WHERE t.id = n.id",
            [json.dumps(said, default=datetime.isoformat, separators=(",", ":"))],
        )


def _type(field: Any) -> str:
    """As text what has a length: in the record it would be cut, the column itself refuses what is too long."""
    kind: str = field.rel_db_type(connection)
    return "text" if kind.startswith("varchar") else kind


@cache
def _statement(model: type[Model], columns: tuple[str, ...], key: str, ignore_conflicts: bool) -> str:
    """The names and types are the model's own, none comes from outside."""
    types = {field.column: _type(field) for field in model._meta.concrete_fields}
    typed = ", ".join(f'"{column}" {types[column]}' for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    return (
        f'INSERT INTO "{model._meta.db_table}" ({names}) '  # noqa: S608
        f"SELECT {names} FROM jsonb_to_recordset(%s::jsonb) AS n ({typed}) "
        f'{"ON CONFLICT DO NOTHING " if ignore_conflicts else ""}RETURNING "{key}", id'
    )

"""`field__any_of=[…]`: as `field__in`, with the values as one array. A list of a hundred costs Python and the server's
parser next to nothing then, where `in` writes a hundred parameters.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Field, ForeignObject, Lookup


@ForeignObject.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    lookup_name = "any_of"
    prepare_rhs = False

    def __init__(self, lhs: Any, rhs: Any) -> None:
        super().__init__(lhs, list(rhs))

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*params, array(self.rhs)]


def array(values: Collection[Any]) -> str | list[Any]:
    """Numbers, texts or UUIDs as PostgreSQL writes an array: psycopg looks at each one, and takes five times as long.

    Any others, and mixed ones, are left to it.
    """
    kinds = set(map(type, values))
    if kinds == {UUID}:
        return f"{{{','.join([one.hex for one in values])}}}"
    if kinds == {int}:
        return f"{{{','.join(map(str, values))}}}"
    if kinds == {str}:
        inside = '","'.join([one.replace("\\", "\\\\").replace('"', '\\"') for one in values])
        return f'{{"{inside}"}}'
    return list(values)

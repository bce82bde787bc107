"""`field__any_of=[…]`: as `field__in`, with the values as one array. A list of a hundred costs Python and the server's
parser next to nothing then, where `in` writes a hundred parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        return f"{column} = ANY(%s)", [*params, _array(self.rhs)]


def _array(values: Sequence[Any]) -> str | Sequence[Any]:
    """Numbers and UUIDs as PostgreSQL writes an array: psycopg, which looks at each one, takes five times as long."""
    kinds = set(map(type, values))
    if kinds == {UUID}:
        return f"{{{','.join([one.hex for one in values])}}}"
    return f"{{{','.join(map(str, values))}}}" if kinds == {int} else values

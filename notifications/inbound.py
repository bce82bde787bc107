"""A call from outside is kept as it came before it is answered, and once only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from django.db import connection

from core.postgresql.base import DatabaseWrapper


def keep(
    source: str, body: bytes, *, dedupe_id: str, headers: Mapping[str, str], sha256: str, signed_by: str = ""
) -> bool:
    """False where the source's `dedupe_id` is here already.

    One statement, so one transaction: of a hundred at once one gets through, and the others wait for its commit.
    """
    with cast(DatabaseWrapper, connection).prepared() as cursor:
        cursor.execute(_KEEP, (source, dedupe_id, json.dumps(dict(headers)), body, sha256, signed_by))
        return cursor.fetchone() is not None


_KEEP = """
    WITH seen AS (
        INSERT INTO notifications_inboundseen (source, dedupe_id) VALUES (%s, %s)
        ON CONFLICT DO NOTHING RETURNING source
    )
    INSERT INTO notifications_inbounddelivery
        (source, received_at, headers, body, sha256, signed_by, state, tries, error, is_counted)
    SELECT source, now(), %s::jsonb, %s, %s, %s, 'new', 0, '', false FROM seen
    RETURNING id
"""

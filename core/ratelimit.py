"""A simple limit on how often one person, browser or network may do a thing.

Fixed windows: a key's first hit opens one, the hits in it are counted, and the first after its end opens the next. So
within any stretch as long as a window at most twice the limit passes. Story time counts, since people act in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest

from core import clock

# A window that ends later than one opened now was opened by a clock that has since been set back: it is over too.
_HIT = """
    INSERT INTO core_ratewindow AS w (key, hits, ends_at) VALUES (%(key)s, 1, %(ends_at)s)
    ON CONFLICT (key) DO UPDATE SET
        hits = CASE WHEN w.ends_at > %(now)s AND w.ends_at <= EXCLUDED.ends_at
            THEN LEAST(w.hits + 1, %(limit)s + 1) ELSE 1 END,
        ends_at = CASE WHEN w.ends_at > %(now)s AND w.ends_at <= EXCLUDED.ends_at
            THEN w.ends_at ELSE EXCLUDED.ends_at END
    RETURNING hits
"""
_SWEEP = """
    DELETE FROM core_ratewindow WHERE key IN (
        SELECT key FROM core_ratewindow WHERE ends_at <= %(now)s LIMIT 10 FOR UPDATE SKIP LOCKED
    )
"""


def allow(key: str, *, limit: int, per: timedelta) -> bool:
    """Count one hit of `key` (at most 200 characters); False where it is more than `limit` within the window `per`.

    One statement, so that hits at the same moment are all counted. In a transaction the key stays locked until its end,
    and a rollback takes the hit back: who asks for several keys does it always in the same order.
    """
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_HIT, {"key": key, "now": now, "ends_at": now + per, "limit": limit})
        hits: int = cursor.fetchone()[0]
    if hits == 1:
        # Each new window takes some dead ones away, so the table stays as small as what is going on. After the commit,
        # so that nobody holds one dead key while waiting for another.
        transaction.on_commit(partial(_sweep, now))
    return hits <= limit


def _sweep(now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP, {"now": now})


def allow_all(limits: Mapping[str, int], *, per: timedelta) -> bool:
    """allow() for every key with its own limit; False where any is over. Each key counts the hit in any case."""
    return all([allow(key, limit=limit, per=per) for key, limit in limits.items()])  # noqa: C419  no short-circuit


def network_of(request: HttpRequest) -> str:
    """The network address that a request came from; empty where the server does not know it (a unix socket)."""
    if settings.SECURE_PROXY_SSL_HEADER:  # set where BEHIND_PROXY is
        # The last one is what our own proxy saw; whatever stands before it, the client may have made up.
        return request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()[:100]
    address: str = request.META.get("REMOTE_ADDR", "")
    return address

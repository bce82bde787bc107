"""How many help pages were opened by who is in no number: programs, prefetches, colleagues, who forbids it.

A count of the day and the reason, and nothing about who it was. A web server gathers it and writes it every SECONDS,
so a process that is killed takes the count of so many seconds with it.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import Counter
from datetime import date

from django.db import Error, connection

from analytics import shop_days
from core import clock

logger = logging.getLogger("preempt.events")

SECONDS = 20.0
REASONS = ("bot", "prefetch", "no_consent", "staff", "no_cookie")

_ADD = """
    INSERT INTO analytics_leftoutday AS known (day, why, pages)
    SELECT * FROM unnest(%s::date[], %s::text[], %s::bigint[])
    ON CONFLICT (day, why) DO UPDATE SET pages = known.pages + excluded.pages
"""

_lock = threading.Lock()
_counted: Counter[tuple[date, str]] = Counter()
_written_at = float("-inf")
_is_gathering = False


def gather() -> None:
    """From now on this process gathers: a web server says so. Without it every page is written at once."""
    global _is_gathering
    if not _is_gathering:
        _is_gathering = True
        atexit.register(write)


def on_left_out(why: str, **kwargs: object) -> None:
    """Another page; now and then what was counted is written."""
    global _written_at
    if why not in REASONS:
        return
    with _lock:
        _counted[shop_days.day_of(clock.now()), why] += 1
        if _is_gathering and time.monotonic() - _written_at < SECONDS:
            return
        _written_at = time.monotonic()
    write()


def write() -> None:
    """Write what was counted. While the database is away it is counted on."""
    with _lock:
        taken = sorted(_counted.items())  # in order, so that two writers lock rows in the same one
        _counted.clear()
    if not taken:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                _ADD, [[day for (day, _), _ in taken], [why for (_, why), _ in taken], [pages for _, pages in taken]]
            )
    except Error as error:
        logger.warning("pages that are left out wait to be counted: %s", error)
        with _lock:
            _counted.update(dict(taken))

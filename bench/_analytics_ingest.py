"""Rows a second from the file of a process into the table, through the very code of the web server."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from bench import _analytics_events
from bench._search_figures import say


def measure(*, quick: bool) -> dict[str, float]:
    return {"ingest_per_s": beside(10_000 if quick else 100_000)}


def beside(number: int = 100_000) -> float:
    """So many events a second, beside those that are there; they are taken away again."""
    from django.db import connection

    from analytics import writing

    rows = list(_analytics_events.events(number))
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_current()")
        (last,) = cursor.fetchone()
    folder = Path(tempfile.mkdtemp())
    try:
        started = time.perf_counter()
        writer = writing.Writer(folder, most=1_000_000_000)
        for row in rows:
            writer.put(row)
        if not writer.flush(seconds=600):
            raise SystemExit("ingest: not written in ten minutes")
        took = time.perf_counter() - started
        writer.end()
    finally:
        shutil.rmtree(folder)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_event WHERE txid > %s", [last])
        if cursor.rowcount != number:
            raise SystemExit(f"ingest: {number} were put, {cursor.rowcount} are there")
        cursor.execute("VACUUM analytics_event")
    say(f"  {number} events taken in in {took:.1f} s")
    return number / took

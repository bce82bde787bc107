"""Rows a second from the file of a process into the table, through the very code of the web server."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from bench import _analytics_events
from bench._search_figures import say


def measure(*, quick: bool) -> dict[str, float]:
    from django.db import connection

    from analytics import writing

    number = 10_000 if quick else 100_000
    rows = list(_analytics_events.events(number))
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
        cursor.execute("SELECT count(*) FROM analytics_event")
        found = cursor.fetchone()[0]
        if found != number:
            raise SystemExit(f"ingest: {number} were put, {found} are there")
        cursor.execute("TRUNCATE analytics_event")
    say(f"  {number} events in {took:.1f} s")
    return {"ingest_per_s": number / took}

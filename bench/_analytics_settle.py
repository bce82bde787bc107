"""Events a second into the table of a year, and from it to decided journeys and counted days; a day that comes late;
a run without news."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench import _analytics_ingest, _analytics_world
from bench._search_figures import say


def measure(year: _analytics_world.Year) -> dict[str, float]:
    from django.db import connection

    from analytics import rollups, settling
    from analytics.models import Event, Journey
    from core import clock

    _analytics_ingest.beside()  # of a year that was opened just now the indexes are on the disk alone
    took_in = _analytics_ingest.beside()
    taken: dict[str, float] = {}
    make_due = rollups.make_due

    def timed(**given: object) -> int:
        started = time.perf_counter()
        made = make_due(**given)  # type: ignore[arg-type]
        taken["counting"] = time.perf_counter() - started
        return made

    rollups.make_due = timed  # type: ignore[assignment]
    try:
        with clock.frozen(_analytics_world.END):
            before = _memory("VmRSS")
            Path("/proc/self/clear_refs").write_text("5")  # VmHWM is the most from now on
            started, worked = time.perf_counter(), _worked()
            settled = settling.settle()
            took = time.perf_counter() - started
            ours, theirs = (after - before for before, after in zip(worked, _worked(), strict=True))
            grown = (_memory("VmHWM") - before) / 1024
            say(f"  seconds of a processor: {ours:.1f} Python, {theirs:.1f} PostgreSQL")
            say(f"  {year.events} events, all new: {took:.1f} s, {taken['counting']:.1f} s of it counting; {settled}")
            say(f"  {grown:.0f} MB more memory at most while it was settled")
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE analytics_journey")
            for what in ("a run without news", "another"):
                began = time.perf_counter()
                settling.settle()
                say(f"  {what}: {time.perf_counter() - began:.2f} s, of which {taken['counting']:.2f} s counting")
            number = year.come_late()
            began = time.perf_counter()
            settled = settling.settle()
            late = time.perf_counter() - began
            say(f"  {number} events that came late: {late:.1f} s, {taken['counting']:.1f} s of it counting; {settled}")
    finally:
        rollups.make_due = make_due
    say(f"  {Journey.objects.count()} journeys of {Event.objects.count()} events")
    return {
        "settle_per_s": year.events / took,
        "late_resettle_s": late,
        "settle_memory_mb": grown,
        "ingest_per_s": took_in,
        "event_cost_us": 1e6 / took_in + 1e6 * took / year.events,
    }


def _memory(name: str) -> int:
    """KB of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _worked() -> tuple[float, float]:
    """Seconds of a processor that this process has taken, and the database's beside it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        fields = Path(f"/proc/{cursor.fetchone()[0]}/stat").read_text().rpartition(")")[2].split()
    return time.process_time(), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

"""What events cost: to take in, to a page's reader, on the disk, to decide and count, and to look at.

    python -m bench.analytics [--part ingest|page|storage|flood|settle|screens]... [--events N]
        [--keep FOLDER] [--quick] [--check]

Prints one JSON line a figure.

Of the first four parts: ingest_per_s (events a second through analytics/writing.py, from the file of a web process
into the table, with all indexes), page_view_ms (how much later an article's page is answered because the view is
recorded), bytes_per_event (a million events of a realistic mix, with all indexes; on stderr by kind), flood_is_held
(1 where ten thousand beacons from one address, about as fast as they can come, are capped and skew nothing).

Of a year of events (bench/_analytics_world.py), at 1,000,000 and, without --quick, at 10,000,000 and 50,000,000, or at
--events alone:
settle_per_s (events a second from the table to decided journeys and counted days), ingest_per_s (into the table of a
year: the second 100,000), event_cost_us (both together, of one event), late_resettle_s (a day that comes
two weeks late), settle_memory_mb (what the process grew by meanwhile), page_p95_ms (the slowest of the desk's pages of
numbers as they open and however narrowed, each asked 20 times; one that answers other than 200 fails the bench),
long_page_p95_ms (the slowest of a year or 90 days, held against the year before), first_view_ms (the slowest first view
of any). Beside them cost_ratio_10m_1m (event_cost_us at 10,000,000, by that at 1,000,000). The figures are those of
10,000,000, with --quick of 1,000,000; those of 50,000,000 have names that end in _50m; each size's own are on stderr.
Each size is a process and a database of its own: 10,000,000 take about half an hour and 7 GB, 50,000,000 two and a half
hours and 35 GB, which --keep FOLDER puts there and leaves.

--keep FOLDER: the years stay there (bench/_analytics_kept.py) and are made once. `--part screens` then settles only
what is not settled; `--part settle` settles all of it anew. BENCH_PAGES=health asks only for pages with that in their
address.

page_view_ms: in one process pages are asked for with the receivers connected and without, in turns of 100, and the
difference of the two medians counts; the thread that writes runs beside them as in a web server.

--check: exit code 1 where issue 9's bounds are not reached.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from bench import (
    _analytics_flood,
    _analytics_ingest,
    _analytics_kept,
    _analytics_page,
    _analytics_screens,
    _analytics_settle,
    _analytics_storage,
)
from bench._report import report
from bench._search_figures import say
from bench._search_world import World

PARTS = {
    "ingest": _analytics_ingest,
    "page": _analytics_page,
    "storage": _analytics_storage,
    "flood": _analytics_flood,
}
OF_A_YEAR = ("settle", "screens")
SMALL, USUAL, LARGE = 1_000_000, 10_000_000, 50_000_000
UNITS = {
    "ingest_per_s": "1/s",
    "page_view_ms": "ms",
    "bytes_per_event": "bytes with all indexes",
    "flood_is_held": "1: nothing was skewed",
    "settle_per_s": "1/s",
    "settle_memory_mb": "MB that the process grew by",
    "late_resettle_s": "s",
    "page_p95_ms": "ms",
    "long_page_p95_ms": "ms",
    "first_view_ms": "ms",
    "cost_ratio_10m_1m": "ratio",
    "cost_ratio_50m_10m": "ratio",
    "event_cost_us": "µs",
}
AT_LEAST = {"ingest_per_s": 5_000.0, "flood_is_held": 1.0, "settle_per_s": 20_000.0}
AT_MOST = {
    "page_view_ms": 1.0,
    "bytes_per_event": 150.0,
    "late_resettle_s": 60.0,
    "settle_memory_mb": 300.0,
    "page_p95_ms": 300.0,
    "long_page_p95_ms": 1_000.0,
    "first_view_ms": 1_000.0,
    "cost_ratio_10m_1m": 1.2,
    "cost_ratio_50m_10m": 1.2,
}
_PAGES_OF_LARGE = 500.0
_OF_LARGE = "_50m"
_COST = "event_cost_us"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=[*PARTS, *OF_A_YEAR], action="append")
    parser.add_argument("--events", type=int, help="the size of the year, alone")
    parser.add_argument("--keep", type=Path, help="a folder in which the years stay, and from which they are taken")
    parser.add_argument("--quick", action="store_true", help="a tenth of the events, and no year of 10,000,000")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    parts = given.part or [*PARTS, *OF_A_YEAR]
    of_a_year = [name for name in parts if name in OF_A_YEAR]
    if given.events and set(parts) == set(of_a_year):
        figures = _year(given.events, of_a_year, given.keep)
    else:
        sizes = [given.events] if given.events else [SMALL] if given.quick else [SMALL, USUAL, LARGE]
        figures = _at_sizes(of_a_year, sizes, given.keep)
        figures |= _small([name for name in PARTS if name in parts], quick=given.quick)
    for name, value in figures.items():
        report(name, value, UNITS[name.removesuffix(_OF_LARGE)])
    misses = _misses(figures, is_large=(given.events or 0) > USUAL)
    for sentence in misses:
        say(f"not reached: {sentence}")
    return 1 if given.check and misses else 0


def _small(parts: list[str], *, quick: bool) -> dict[str, float]:
    figures: dict[str, float] = {}
    if parts:
        with World([]) as world:
            world.django()
            for name in parts:
                figures |= PARTS[name].measure(quick=quick)
    return figures


def _year(events: int, parts: list[str], keep: Path | None) -> dict[str, float]:
    """The figures of one size, in this process. The pages need what settling makes."""
    folder = None if keep is None else _analytics_kept.fresh(keep / str(events))
    with World([], keep=folder) as world:
        world.django()
        year = _analytics_kept.year(folder, events)
        figures = _analytics_kept.settled(folder)
        if figures is None or "settle" in parts:
            _analytics_kept.unsettle(folder, year)
            figures = _analytics_settle.measure(year)
            _analytics_screens.count_at_night()
            _analytics_kept.note_settled(folder, figures)
        screens = _analytics_screens.measure() if "screens" in parts else {}
    return (figures if "settle" in parts else {}) | screens


def _at_sizes(parts: list[str], sizes: list[int], keep: Path | None) -> dict[str, float]:
    """The figures of each of the sizes, measured in a process of its own, and how they grow."""
    found: dict[int, dict[str, float]] = {}
    for size in sizes if parts else ():
        asked = [sys.executable, "-m", "bench.analytics", "--events", str(size)]
        asked += [word for part in parts for word in ("--part", part)]
        asked += [] if keep is None else ["--keep", str(keep)]
        said = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True).stdout
        found[size] = {figure["name"]: float(figure["value"]) for figure in map(json.loads, said.splitlines())}
        say(f"  at {size} events: {found[size]}")
    large = found.pop(LARGE, {})
    figures = found[max(found)] if found else {}
    if len(found) > 1 and _COST in figures:
        figures = figures | {"cost_ratio_10m_1m": figures[_COST] / found[SMALL][_COST]}
        if _COST in large:
            figures["cost_ratio_50m_10m"] = large[_COST] / figures[_COST]
    return figures | {name + _OF_LARGE: value for name, value in large.items()}


def _misses(figures: dict[str, float], *, is_large: bool) -> list[str]:
    """What does not reach its bound. `is_large`: all of them are of the largest size."""
    misses = []
    for name, value in figures.items():
        of_any = name.removesuffix(_OF_LARGE)
        least, most = AT_LEAST.get(of_any, 0), AT_MOST.get(of_any, float("inf"))
        if of_any == "page_p95_ms" and (is_large or name != of_any):
            most = _PAGES_OF_LARGE
        if value < least:
            misses.append(f"{name} {value:.2f} < {least}")
        if value > most:
            misses.append(f"{name} {value:.2f} > {most}")
    return misses


if __name__ == "__main__":
    raise SystemExit(main())

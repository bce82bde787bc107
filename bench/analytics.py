"""What events cost: to take in, to a page's reader, and on the disk.

    python -m bench.analytics [--part ingest|page|storage] [--quick] [--check]

Prints one JSON line a figure: ingest_per_s (events a second through analytics/writing.py, from the file of a web
process into the table, with all indexes), page_view_ms (how much later an article's page is answered because the view
is recorded), bytes_per_event (a million events of a realistic mix, with all indexes; on stderr by kind).

page_view_ms: in one process pages are asked for with the receivers connected and without, in turns of 100, and the
difference of the two medians counts; the thread that writes runs beside them as in a web server.

--check: exit code 1 where issue 9's bounds are not reached.
"""

from __future__ import annotations

import argparse

from bench import _analytics_ingest, _analytics_page, _analytics_storage
from bench._report import report
from bench._search_figures import say
from bench._search_world import World

PARTS = {"ingest": _analytics_ingest, "page": _analytics_page, "storage": _analytics_storage}
UNITS = {"ingest_per_s": "1/s", "page_view_ms": "ms", "bytes_per_event": "bytes with all indexes"}
AT_LEAST = {"ingest_per_s": 5_000.0}
AT_MOST = {"page_view_ms": 1.0, "bytes_per_event": 150.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    figures: dict[str, float] = {}
    with World([]) as world:
        world.django()
        for name in [given.part] if given.part else PARTS:
            figures |= PARTS[name].measure(quick=given.quick)
    for name, value in figures.items():
        report(name, value, UNITS[name])
    misses = [
        f"{name} {figures[name]:.2f} < {least}" for name, least in AT_LEAST.items() if figures.get(name, 1e9) < least
    ]
    misses += [f"{name} {figures[name]:.2f} > {most}" for name, most in AT_MOST.items() if figures.get(name, 0) > most]
    for sentence in misses:
        say(f"not reached: {sentence}")
    return 1 if given.check and misses else 0


if __name__ == "__main__":
    raise SystemExit(main())

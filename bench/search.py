"""How well and how fast search answers, beside its peers in the same run. One JSON line a figure.

    python -m bench.search [--quick] [--check] [--only PART] [--engine whoosh|postgres|opensearch]

Relevance: nDCG@10 on real help centres, FAQs and SciFact (../shared/data or PREEMPT_DATA). A name without ending
tells of the half of the queries that no weight was chosen on, _dev of the other, _all of both (bench/_relevance.py).
Speed: the same texts made up to size, their real queries, each the best of three (bench/_search_corpus.py).
Each engine runs in a process of its own and times its own calls. tantivy is installed in .data/bench-peers.

--quick: 2,000 texts (1,000 as pages), fewer runs, tantivy as the only peer, no SciFact. --check: exit code 1 where
issue 3's bounds are not reached, and which on stderr. Exit code 2 where nothing could be measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bench import _relevance, _search_http, _search_postgres, _search_process, _search_relevance, _search_speed
from bench._search_figures import Figures, say
from bench._search_process import ROOT, Process, ProcessEnded
from bench._search_world import World

SETS = ("gumroad", "dnsimple", "stackfaq", "scifact")
PARTS = ("relevance", "speed", "postgres", "http", "bad")


def main() -> int:
    given = _arguments()
    data = Path(os.environ.get("PREEMPT_DATA", ROOT.parent / "shared" / "data"))
    sets = _relevance.load(data, SETS)
    for name in SETS:
        if all(name != found.name for found in sets):
            say(f"skipped {name}: it is not in {data} (set PREEMPT_DATA)")
    if not sets:
        return 2
    figures = Figures()
    has_failed = False
    with World(sets) as world:
        peers = _peers(world, is_quick=given.quick)
        for part in given.only or PARTS:
            started = time.monotonic()
            if given.engine != "whoosh":
                world.django()  # it lives in the database, or reads where its server is from the settings
            try:
                _measure(part, figures, world, peers, given)
            except ProcessEnded as error:
                say(f"{part}: {error}")
                has_failed = True
            say(f"{part} took {time.monotonic() - started:.0f} s")
    if not figures.values:
        return 2
    if given.check:
        misses = figures.misses(is_whole_run=not given.only and not given.quick)
        for sentence in misses:
            say(f"not reached: {sentence}")
        return 1 if misses or has_failed else 0
    return 1 if has_failed else 0


def _measure(
    part: str,
    figures: Figures,
    world: World,
    peers: Mapping[str, Callable[[], Process]],
    given: argparse.Namespace,
) -> None:
    size = 2_000 if given.quick else 10_000
    pages = 1_000 if given.quick else size
    match part:
        case "relevance":
            _search_relevance.measure(figures, world, engine=given.engine, peers=peers, is_quick=given.quick)
        case "speed":
            _search_speed.measure(
                figures,
                world,
                engine=given.engine,
                peers=peers,
                sizes=[size] if given.quick else [size, 50_000],
                queries=400,
                repeats=2 if given.quick else 3,
                processes=2 if given.quick else 20,
            )
        case "postgres":
            _search_postgres.measure(figures, is_quick=given.quick)
        case "http":
            _search_http.measure(figures, world, size=pages, requests=60 if given.quick else 300)
        case "bad":
            _search_http.measure_bad(figures, world, engine=given.engine, size=pages, count=50 if given.quick else 200)


def _peers(world: World, *, is_quick: bool) -> dict[str, Callable[[], Process]]:
    """How to start each peer that can be had here."""
    peers: dict[str, Callable[[], Process]] = {}
    if _search_process.install_peers():
        peers["tantivy"] = partial(_search_process.peer, "tantivy")
    if peers and not is_quick:
        peers["tantivy_top"] = partial(_search_process.peer, "tantivy_top")
    if not is_quick:
        peers |= {name: partial(_search_process.peer, name) for name in ("plain_whoosh", "fts5")}
        peers["ts_rank"] = lambda: _search_process.peer("ts_rank", env={"BENCH_DATABASE_URL": world.database("peers")})
    return peers


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", action="append", choices=PARTS, help="may be given several times")
    parser.add_argument("--engine", default="whoosh", choices=("whoosh", "postgres", "opensearch"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

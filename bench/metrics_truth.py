"""Do the numbers hold what they promise? Invented shops whose truth is known, and each number's interval against it.

    python -m bench.metrics_truth [--seeds 100] [--coverage 30 60 95] [--late-days 3] [--processes 2] [--quick]
                                  [--check]

For each seed and each coverage (per cent of the journeys that are linkable): some thousand visitors of a shop are
written as rows, with the contacts of an imported channel late by so many days; the product's own settling and reports
run before those are in and after; then each interval is held against what is true in the long run of that shop
(docs/simulation.md says of whom). Once more for each seed without any effect of suggestions and messages: they must
not be shown.

The figure is that of the worst number at the worst coverage: of a hundred seeds, how many intervals held the truth.
Withheld counts as neither. What is done is kept in .data/metrics_truth, and a run that was cut off goes on where it
was; --fresh forgets it, as after any change of the code. `--check` ends with 1 where a figure misses its bound.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import _experiment_truth as places
from bench import _metrics_truth as truth
from bench import _truth_looks
from bench._metrics_truth import Case
from bench._report import report

REPOSITORY = Path(__file__).resolve().parent.parent
HOME = REPOSITORY / ".data" / "metrics_truth"
LEAST = 0.93
LEAST_NOT_SHOWN = 0.95
LEAST_MONEY = 0.975
_EFFECTS = ("effect of suggestions", "effect of messages")
_NULL_AT = 60


def main() -> int:
    given = _arguments()
    if given.make_world:
        truth.make_world(HOME)
        return 0
    if given.work:
        _work(json.loads(line) for line in sys.stdin)
        return 0
    if given.fresh:
        places.stop_server(HOME)
        shutil.rmtree(HOME, ignore_errors=True)
    wanted = list(_cases(given))
    known = _done()
    missing = [case for case in wanted if _name(case) not in known]
    _say(f"{len(missing)} of {len(wanted)} seeds to play")
    if missing:
        _play(missing, given.processes)
    done = _done()
    misses = _tell([done[_name(case)] | asdict(case) for case in wanted], given)
    if not given.keep:
        places.stop_server(HOME)
        shutil.rmtree(HOME, ignore_errors=True)
    for sentence in misses:
        _say(f"not reached: {sentence}")
    return 1 if given.check and misses else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=0, help="how many (100; 4 with --quick)")
    parser.add_argument("--coverage", type=int, nargs="+", default=[30, 60, 95], help="per cent of the journeys")
    parser.add_argument("--late-days", type=int, default=3, help="by how many days imported contacts are late")
    parser.add_argument("--visitors", type=int, default=3_000, help="of one seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep what was played, for a run with more seeds")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run left, as after any change")
    parser.add_argument("--make-world", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.seeds = given.seeds or (4 if given.quick else 100)
    if not all(30 <= coverage <= 96 for coverage in given.coverage):
        parser.error("--coverage: from 30 (below, no rate is shown) to 96 (nobody knows more) per cent.")
    if given.late_days < 0 or given.visitors < 500 or given.processes < 1:
        parser.error("--late-days from 0, --visitors from 500, --processes from 1 on.")
    return given


def _cases(given: argparse.Namespace) -> Iterable[Case]:
    """Seed by seed, so that a run that is cut off has something of everything."""
    for seed in range(1, given.seeds + 1):
        more = {"seed": seed, "visitors": given.visitors, "late_days": given.late_days}
        for coverage in given.coverage:
            yield Case(coverage=coverage, is_on=True, **more)
        yield Case(coverage=_NULL_AT, is_on=False, **more)


def _play(missing: Sequence[Case], processes: int) -> None:
    worlds = sorted({(case.number, case.coverage, case.is_on) for case in missing})
    with ProcessPoolExecutor(processes) as pool:
        for counted in [pool.submit(truth.known_truth, HOME, *one[:2], is_on=one[2]) for one in worlds]:
            counted.result()
    _say(f"what is true in {len(worlds)} worlds is counted")
    places.start_server(HOME)
    if not places.has_world(HOME):
        _child("--make-world", database=places.WORLD)
    with ThreadPoolExecutor(processes) as threads:
        for part in [threads.submit(_share, missing[n::processes], n) for n in range(processes)]:
            part.result()


def _share(cases: Sequence[Case], number: int) -> None:
    """One process's share, in a database of its own."""
    with places.copy_of_world(HOME, f"truth_{number}") as name:
        _child("--work", database=name, said="".join(json.dumps(asdict(case)) + "\n" for case in cases))


def _child(*arguments: str, database: str, said: str = "") -> None:
    env = {**os.environ, **places.environment(HOME, database), "OMP_NUM_THREADS": "1"}
    env.pop("DATABASE_URL", None)
    subprocess.run(
        [sys.executable, "-m", "bench.metrics_truth", *arguments],
        cwd=REPOSITORY, env=env, input=said, text=True, check=True,
    )  # fmt: skip


def _work(cases: Iterable[dict[str, Any]]) -> None:
    places.set_up(HOME, truth.database())
    for given in cases:
        case, began = Case(**given), time.monotonic()
        result = truth.play(HOME, case)
        with (HOME / "done.jsonl").open("a") as file:
            file.write(json.dumps({"name": _name(case), **result}) + "\n")
        _say(f"{_name(case)} in {time.monotonic() - began:.1f} s")


def _name(case: Case) -> str:
    return f"seed {case.seed}, {case.world}, {case.visitors} visitors, {case.late_days} days late"


def _done() -> dict[str, dict[str, Any]]:
    file = HOME / "done.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return {row["name"]: row for row in rows}


def _tell(results: Sequence[dict[str, Any]], given: argparse.Namespace) -> list[str]:
    """Report the figures; returns what misses its bound."""
    misses, shares = [], []
    for coverage in given.coverage:
        own = [result for result in results if result["coverage"] == coverage and result["is_on"]]
        for when in ("before", "after"):
            for metric, share, of, withheld in _shares(own, when):
                told = f"{metric} at {coverage} %, {when} the late contacts: {100 * share:.1f} % of {of} hold the truth"
                _say(told + (f", {withheld} withheld" if withheld else ""))
                shares.append((share, told))
        _say(_gap(own, coverage))
    worst, told = min(shares)
    report("coverage_of_truth", 100 * worst, f"of 100 seeds, the worst number: {told}")
    if worst < LEAST:
        misses += [told for share, told in shares if share < LEAST]
    for metric in _EFFECTS:
        misses += _effect(metric, results)
    return misses + _money(results)


def _shares(results: Sequence[dict[str, Any]], when: str) -> list[tuple[str, float, int, int]]:
    """(number, share of its intervals that hold the truth, how many were shown, how many withheld). All articles count
    as one number, since each of them is one look at the same promise."""
    held: dict[str, list[bool | None]] = defaultdict(list)
    for look in (look for result in results for look in result[when] if not _is_apart(look["metric"])):
        name, colon, _article = look["metric"].partition(":")
        held[f"{name}, each" if colon else name].append(look["holds"])
    told = []
    for metric, looks in held.items():
        shown = [look for look in looks if look is not None]
        if shown:
            told.append((metric, sum(shown) / len(shown), len(shown), len(looks) - len(shown)))
    return told


def _is_apart(metric: str) -> bool:
    """Not an interval that is to hold the truth."""
    return metric == _truth_looks.VENDOR or metric.startswith(_truth_looks.SAVED)


def _money(results: Sequence[dict[str, Any]]) -> list[str]:
    """Of all seeds, with effects and without: in how many more was said to be saved than was, in the worst line."""
    held: dict[str, list[bool]] = defaultdict(list)
    claims = 0
    for look in (look for result in results for when in ("before", "after") for look in result[when]):
        if look["metric"].startswith(_truth_looks.SAVED):
            held[look["metric"]].append(look["holds"])
            claims += bool(look["shown"])
    worst, name = min((_share_of(own), name) for name, own in held.items())
    report("metrics.money_not_over_truth", 100 * worst, f"% of {len(held[name])} looks: {name}; {claims} claims in all")
    return [f"{name}: more than true in {100 - 100 * worst:.1f} %"] if worst < LEAST_MONEY else []


def _gap(results: Sequence[dict[str, Any]], coverage: int) -> str:
    """By how much the figure that most tools print misleads."""
    looks = [look for result in results for look in result["after"] if look["metric"] == _truth_looks.VENDOR]
    printed = sum((look["low"] + look["high"]) / 2 for look in looks) / len(looks)
    true = sum(look["truth"] for look in looks) / len(looks)
    report(f"metrics.deflection_misleads_{coverage}", 100 * (printed - true), "points above what was truly answered")
    told = f"{_truth_looks.VENDOR} at {coverage} %: {100 * printed:.1f} %"
    return f"{told}; truly answered, without a contact: {100 * true:.1f} %"


def _effect(metric: str, results: Sequence[dict[str, Any]]) -> list[str]:
    name = metric.rpartition(" ")[2]
    looks = [(result["is_on"], look) for result in results for look in result["after"] if look["metric"] == metric]
    planted = [bool(look["holds"] and look["shown"]) for is_on, look in looks if is_on]
    null = [not look["shown"] for is_on, look in looks if not is_on]
    report(
        f"metrics.{name}_recovered", 100 * _share_of(planted), f"% of {len(planted)}: shown, and the interval holds it"
    )
    report(f"metrics.{name}_not_shown", 100 * _share_of(null), f"% of {len(null)} seeds without an effect")
    misses = [f"{metric}: not shown in {100 * _share_of(null):.1f} %"] if _share_of(null) < LEAST_NOT_SHOWN else []
    return misses + ([f"{metric}: recovered in few"] if _share_of(planted) < LEAST else [])


def _share_of(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def _say(line: str) -> None:
    print(f"metrics_truth: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

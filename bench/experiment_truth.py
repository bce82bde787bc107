"""A/B tests end to end, with known truth: readers through the real pages, a look every night, and what was said.

    python -m bench.experiment_truth [--seeds 20] [--visitors 20000] [--processes 2] [--quick] [--check] [--only KIND]

For each seed three tests on the demo's articles, each in a database of its own (a copy of one that is made once):
found: arm b answers 5 points more of its readers; the verdict must say that it is best. false: both answer alike; no
look may say anything else. srm: something loses 4 % of arm b's readers before they are counted; the verdict must be
blocked. So small a loss is no longer chance after some 100,000 readers (at 20,000 it is seen in a quarter of tests),
so there are five times as many of them; they only read. A quick run loses half of arm b's readers instead.

`--bulk` writes the readers as rows, past the pages: a minute a seed, and proves the verdicts only.

What is done is kept in .data/experiment_truth: a run that was cut off goes on where it was (--fresh forgets it). A seed
takes some minutes of both processors (docs/simulation.md). `--check` ends with 1 where a figure misses its bound.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import _experiment_truth as truth
from bench._report import report

REPOSITORY = Path(__file__).resolve().parent.parent
HOME = REPOSITORY / ".data" / "experiment_truth"
KINDS = ("found", "false", "srm")


def main() -> int:
    given = _arguments()
    if given.one:
        kind, seed = given.one
        print(
            json.dumps(
                truth.play(HOME, kind, int(seed), visitors=given.visitors, is_quick=given.quick, in_bulk=given.bulk)
            )
        )
        return 0
    if given.make_world:
        truth.make_world(HOME)
        return 0
    started = time.monotonic()
    if given.fresh:
        truth.stop_server(HOME)
        shutil.rmtree(HOME, ignore_errors=True)
    done = _done(given)
    wanted = [(kind, seed) for seed in range(1, given.seeds + 1) for kind in given.only or KINDS]
    missing = [one for one in wanted if one not in done]
    _say(f"{len(missing)} of {len(wanted)} tests to play")
    if missing:
        truth.start_server(HOME)
        if not truth.has_world(HOME):
            _child("--make-world")
        with ThreadPoolExecutor(given.processes) as pool:
            for (kind, seed), result in zip(missing, pool.map(lambda one: _play(given, *one), missing), strict=True):
                done[kind, seed] = result
                _say(
                    f"{time.monotonic() - started:6.0f} s  {kind} {seed}: {result['sentence']} ({result['seconds']} s)"
                )
    misses = _tell({one: done[one] for one in wanted}, given)
    if not given.keep:
        truth.stop_server(HOME)
        shutil.rmtree(HOME, ignore_errors=True)
    for sentence in misses:
        _say(f"not reached: {sentence}")
    return 1 if given.check and misses else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=0, help="how many (20; 2 with --quick)")
    parser.add_argument("--visitors", type=int, default=0, help="of a test (20,000; 1,500 and a greater lift, quick)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--bulk", action="store_true", help="the readers as rows, past the pages: only the verdicts")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep what was played, for a run with more seeds")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run left, as after any change")
    parser.add_argument("--only", action="append", choices=KINDS)
    parser.add_argument("--one", nargs=2, metavar=("KIND", "SEED"), help=argparse.SUPPRESS)
    parser.add_argument("--make-world", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.seeds = given.seeds or (2 if given.quick else 20)
    given.visitors = given.visitors or (1_500 if given.quick else 20_000)
    return given


def _play(given: argparse.Namespace, kind: str, seed: int) -> dict[str, object]:
    """One test in a process and a database of its own. Its result is written down."""
    with truth.copy_of_world(HOME, f"truth_{kind}_{seed}") as name:
        flags = [f"--{flag}" for flag in ("quick", "bulk") if getattr(given, flag)]
        said = _child("--one", kind, str(seed), "--visitors", str(given.visitors), *flags, database=name)
    result: dict[str, object] = json.loads(said.splitlines()[-1])
    with (HOME / "done.jsonl").open("a") as file:
        file.write(json.dumps({"kind": kind, "seed": seed, "of": _of(given), **result}) + "\n")
    return result


def _child(*arguments: str, database: str = truth.WORLD) -> str:
    # One thread for sums: two processes on two processors.
    env = {**os.environ, **truth.environment(HOME, database), "OMP_NUM_THREADS": "1"}
    env.pop("DATABASE_URL", None)
    asked = [sys.executable, "-m", "bench.experiment_truth", *arguments]
    return subprocess.run(asked, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def _of(given: argparse.Namespace) -> str:
    return f"{given.visitors}{' quick' if given.quick else ''}{' in bulk' if given.bulk else ''}"


def _done(given: argparse.Namespace) -> dict[tuple[str, int], dict[str, object]]:
    """What an earlier run of the same size has played."""
    file = HOME / "done.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return {(row["kind"], row["seed"]): row for row in rows if row["of"] == _of(given)}


def _tell(done: dict[tuple[str, int], dict[str, object]], given: argparse.Namespace) -> list[str]:
    """Report the figures; returns what misses its bound."""
    names = {"found": "truth_found", "false": "truth_false", "srm": "truth_srm_blocked"}
    units = {
        "found": "tests with +5 points whose verdict says so",
        "false": "tests without a difference of which a look said something",
        "srm": "tests with 4 % of an arm lost that are blocked",
    }
    misses = []
    for kind in given.only or KINDS:
        of = [result for (each, _seed), result in done.items() if each == kind]
        hits = sum(bool(result["is_hit"]) for result in of)
        report(f"experiments.{names[kind]}_of_{given.seeds}", hits, units[kind])
        most_wrong = given.seeds // 10
        wrong = hits if kind == "false" else len(of) - hits
        if wrong > most_wrong:
            misses.append(f"{names[kind]}: {wrong} of {len(of)} are wrong, over {most_wrong}")
    seconds = [float(str(result["seconds"])) for result in done.values()]
    report("experiments.truth_seconds", sum(seconds), f"s in all, {len(seconds)} tests")
    return misses


def _say(line: str) -> None:
    print(f"experiment_truth: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

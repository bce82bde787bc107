"""The statistics of experiments played many times: how often they err where nothing differs, and how often they see.

    PREEMPT_DATA_DIR=/tmp/bench-experiments python -m bench.experiments [--quick] [--check]

Base rates .55, .65, .75; a look every 50 sessions to 10,000 (open end) or 28 nights (deadline); seeds are fixed.
`--quick` plays a tenth. `--check` ends with 1 where a figure misses its bound. At the end a look at
a test of a million visitors, on a database of its own (bench/_experiment_verdict.py). Some four minutes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from bench import _experiment_runs as runs
from bench._report import report
from kb.arms import Arms

_BASES = (0.55, 0.65, 0.75)
_AT_MOST = {
    "false_positive_open": 0.05,
    "false_positive_deadline": 0.06,
    "false_positive_5_arms": 0.05,
    "verdict_1m_s": 2.0,
}
# The powers of the design's tables, to be met within 3 points.
_ABOUT = {"power_open_10pt_500": 0.73, "power_deadline_10pt_500": 0.915}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    figures = _measure(100 if given.quick else 1_000)
    misses = [f"{name} is {figures[name]:.3f}, over {most}" for name, most in _AT_MOST.items() if figures[name] > most]
    misses += [
        f"{name} is {figures[name]:.3f}, not {about} ± .03"
        for name, about in _ABOUT.items()
        if abs(figures[name] - about) > 0.03
    ]
    for sentence in misses:
        print(f"experiments: not reached: {sentence}", file=sys.stderr)
    return 1 if given.check and misses else 0


def _measure(times: int) -> dict[str, float]:
    """Each figure as it is known; `times` is how many runs the dearest of them plays."""
    figures: dict[str, float] = {}

    def say(name: str, value: float, unit: str) -> None:
        figures[name] = value
        report(f"experiments.{name}", value, unit)

    by_base = {base: runs.open_ended([base, base], runs=times, sessions=10_000, seed=1).share for base in _BASES}
    say("false_positive_open", max(by_base.values()), f"share of {times:,} runs, the worst of bases {_BASES}")
    by_base = {base: runs.with_deadline((base, base), runs=4 * times, planned=1_000, seed=2).share for base in _BASES}
    say("false_positive_deadline", max(by_base.values()), f"share of {4 * times:,} runs, the worst of bases {_BASES}")
    five = runs.open_ended([0.65] * 5, runs=times, sessions=10_000, seed=3)
    say("false_positive_5_arms", five.share, f"share of {times:,} runs in which any of four treatments was called")
    uneven = runs.open_ended([0.65, 0.65], runs=times, sessions=10_000, seed=4, weights=[9, 1])
    say("false_positive_90_10", uneven.share, f"share of {times:,} runs, weights 9 to 1")
    found = runs.open_ended([0.65, 0.70], runs=times, sessions=4_000, planned=4_000, seed=5)
    say("power_open_5pt_2000", found.share, f"share of {times:,} runs that see +5 points by 2,000 an arm")
    found = runs.open_ended([0.65, 0.75], runs=times, sessions=1_000, planned=1_000, seed=6)
    say("power_open_10pt_500", found.share, f"share of {times:,} runs that see +10 points by 500 an arm")
    found = runs.with_deadline((0.65, 0.75), runs=4 * times, planned=1_000, seed=7)
    say("power_deadline_10pt_500", found.share, f"share of {4 * times:,} runs that see +10 points with 500 an arm")
    for visitors in (20_000, 40_000, 100_000):
        blocked, at_once = runs.broken_splitter(visitors, lost=0.04, runs=2 * times, seed=8)
        say(
            f"srm_blocked_{visitors // 1000}k",
            blocked,
            f"share of {2 * times:,} tests of {visitors:,} in which one of two arms loses 4 %; "
            f"a chi-squared test at p < .001, looked at once, would block {at_once:.3f}",
        )
    say(
        "assignment_us",
        _assignment(),
        "µs a page view: takes part, in which of 5 arms; least of 7 rounds",
    )
    say(
        "verdict_1m_s",
        _verdict(100_000 if times < 1_000 else 1_000_000),
        "s, the median of 5 looks at all its visitors",
    )
    return figures


def _verdict(visitors: int) -> float:
    """In a process of its own, since it needs a database and the rest does not."""
    command = [sys.executable, "-m", "bench._experiment_verdict", str(visitors)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(told.strip().splitlines()[-1])["seconds"])


def _assignment() -> float:
    """As the page does it for a visitor who came back: drawn, then held to the arm that they have seen."""
    visitors = [f"{number:032x}" for number in range(2_000)]
    arms = Arms("9f1c7a52-8f0e-4a51-9d56-1f3f4a1e0b77", 0.5, tuple("abcde"), (1.0,) * 5)
    seen = [arms.key_for(visitor) for visitor in visitors]
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        for visitor, key in zip(visitors, seen, strict=True):
            arms.key_for(visitor)
            arms.key_for(visitor, key)
        best = min(best, (time.perf_counter() - started) / len(visitors))
    return best * 1e6


if __name__ == "__main__":
    sys.exit(main())

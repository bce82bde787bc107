"""How fast messages go out, beside the tools that people use, and how long an urgent one waits behind a campaign.

    python -m bench.delivery [--quick] [--check] [--part _delivery_ours]

Prints one JSON line a figure: strict_per_s (one request a message), batched_per_s (a hundred a request) and
worker_growth_mb (bench/_delivery_ours.py), urgent_p99_s behind 1,000,000 (bench/_delivery_urgent.py),
post_office_per_s and mailer_per_s (bench/_delivery_peers.py), and ours divided by theirs: strict_vs_post_office,
strict_vs_mailer, batched_vs_post_office, batched_vs_mailer. Each part runs in a process and on a database of its own.
--check: exit code 1 where issue 7's bounds are not reached. --quick: all parts small; a hint, no measurement.
"""

from __future__ import annotations

import argparse
import sys

from bench import _parts
from bench._report import report

AT_LEAST = {
    "strict_per_s": 500.0,
    "batched_per_s": 2000.0,
    "batched_vs_post_office": 5.0,
    "batched_vs_mailer": 50.0,
    "strict_vs_post_office": 1.5,
    "strict_vs_mailer": 13.0,
}
AT_MOST = {"urgent_p99_s": 1.0, "worker_growth_mb": 10.0}
PARTS = ("_delivery_peers", "_delivery_ours", "_delivery_urgent")
PEERS = {"post_office": "django-post_office 3.12.0", "mailer": "django-mailer 2.3.2"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="all parts small")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--part", choices=PARTS, help="only this part")
    given = parser.parse_args()
    if given.part:
        figures = _parts.measure(given.part, quick=given.quick)
    else:
        figures = {}
        for part in PARTS:
            figures |= _parts.in_a_process("delivery", part, quick=given.quick)
        figures |= _beside_peers(figures)
    misses = [f"{name} {figures[name]:.2f} > {most}" for name, most in AT_MOST.items() if figures.get(name, 0) > most]
    misses += [
        f"{name} {figures[name]:.2f} < {least}" for name, least in AT_LEAST.items() if figures.get(name, least) < least
    ]
    if not given.part:
        misses += [f"{name} was not measured" for name in (*AT_MOST, *AT_LEAST) if name not in figures]
    for sentence in misses:
        print(f"delivery: not reached: {sentence}", file=sys.stderr)
    return 1 if given.check and misses else 0


def _beside_peers(figures: dict[str, float]) -> dict[str, float]:
    """Ours divided by theirs, reported; of a peer that is not here there is none."""
    found = {}
    for way in ("strict", "batched"):
        for peer, called in PEERS.items():
            if theirs := figures.get(f"{peer}_per_s"):
                found[f"{way}_vs_{peer}"] = ratio = figures[f"{way}_per_s"] / theirs
                report(f"{way}_vs_{peer}", ratio, "x", peer=called, ratio=ratio)
    return found


if __name__ == "__main__":
    sys.exit(main())

"""How fast orders and scans come in, and how fast trouble among many parcels is found.

    python -m bench.intake [--quick] [--check] [--part _intake_import]

Prints one JSON line a figure: webhooks_per_s and webhook_p99_ms (bench/_intake_webhooks.py, real HTTP while workers
parse), import_100k_s and import_scans_300k_s (bench/_intake_import.py: files of 100,000 orders, and of their 300,000
scans, through the real commands),
sweep_1m_s (bench/_intake_sweep.py: a sweep over 1,000,000 open shipments of which a few are due). Each part runs in a
process and on a database of its own. --check: exit code 1 where issue 6's bounds are not reached. --quick: a tenth of
the rows; the seconds are then times ten and only a hint.
"""

from __future__ import annotations

import argparse
import sys

from bench import _parts

AT_MOST = {"import_100k_s": 60.0, "sweep_1m_s": 60.0, "webhook_p99_ms": 200.0}
AT_LEAST = {"webhooks_per_s": 500.0}
PARTS = ("_intake_webhooks", "_intake_import", "_intake_sweep")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--part", choices=PARTS, help="only this part")
    given = parser.parse_args()
    if given.part:
        figures = _parts.measure(given.part, quick=given.quick)
    else:
        figures = {}
        for part in PARTS:
            figures |= _parts.in_a_process("intake", part, quick=given.quick)
    misses = [f"{name} {figures[name]:.1f} > {most}" for name, most in AT_MOST.items() if figures.get(name, 0) > most]
    misses += [
        f"{name} {figures[name]:.1f} < {least}" for name, least in AT_LEAST.items() if figures.get(name, least) < least
    ]
    if not given.part:
        misses += [f"{name} was not measured" for name in (*AT_MOST, *AT_LEAST) if name not in figures]
    for sentence in misses:
        print(f"intake: not reached: {sentence}", file=sys.stderr)
    return 1 if given.check and misses else 0


if __name__ == "__main__":
    sys.exit(main())

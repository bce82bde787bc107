"""Parts of a bench: modules with measure(quick) -> {figure: value}; a figure's name says its unit. Each part runs in a
process of its own: Django's settings hold one database a process.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

from bench._report import report

_UNITS = {"_ms": "ms", "_mb": "MB", "_per_s": "1/s"}


def measure(part: str, *, quick: bool) -> dict[str, float]:
    """The figures of bench/<part>.py, each reported."""
    figures: dict[str, float] = importlib.import_module(f"bench.{part}").measure(quick)
    for name, value in figures.items():
        report(name, value, next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "s"))
    return figures


def in_a_process(bench: str, part: str, *, quick: bool) -> dict[str, float]:
    """The same by `python -m bench.<bench> --part <part>`."""
    asked = [sys.executable, "-m", f"bench.{bench}", "--part", part, *(["--quick"] if quick else [])]
    said = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True).stdout
    print(said, end="", flush=True)
    return {figure["name"]: figure["value"] for figure in map(json.loads, said.splitlines())}

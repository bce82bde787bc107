"""How long the embedded PostgreSQL keeps a person waiting. The median of several starts; this machine, as it is.

python -m bench.embedded [--quick]
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench._report import report
from config import embedded
from config.embedded import place as places
from config.embedded import server


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def kill_and_wait(data_dir: Path) -> None:
    """kill -9 of the server, until it answers again."""
    place = places.find(data_dir)
    old = (place.cluster / "postmaster.pid").read_text().split()[0]
    os.kill(int(old), signal.SIGKILL)
    while Path(f"/proc/{old}/cwd").exists() or server.probe(place, "preempt") is not server.State.READY:
        time.sleep(0.002)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    rounds = 3 if parser.parse_args().quick else 10
    figures: dict[str, list[float]] = {"cold": [], "warm": [], "again": [], "killed": [], "stop": []}
    with tempfile.TemporaryDirectory(prefix="preempt-bench-") as folder:
        Path(folder).chmod(0o755)
        data_dir = Path(folder) / "data"
        for _ in range(rounds):
            figures["cold"].append(seconds(lambda: embedded.ensure(data_dir)))
            figures["warm"].append(seconds(lambda: embedded.ensure(data_dir)))
            figures["killed"].append(seconds(lambda: kill_and_wait(data_dir)))
            figures["stop"].append(seconds(lambda: embedded.leave(data_dir)))
            figures["again"].append(seconds(lambda: embedded.ensure(data_dir)))
            embedded.remove(data_dir)
    names = {
        "cold": "first start with initdb",
        "warm": "attach to a running server",
        "killed": "back after kill -9 of the server",
        "stop": "last user leaves until stopped",
        "again": "start of a database that exists",
    }
    for key, values in figures.items():
        report(f"embedded PostgreSQL: {names[key]}", statistics.median(values), "s")
    check = [sys.executable, "manage.py", "check"]
    runs = [
        seconds(lambda: subprocess.run(check, cwd=embedded.REPOSITORY, check=True, capture_output=True))
        for _ in range(rounds + 1)
    ]
    report("manage.py check, database started and stopped", statistics.median(runs), "s")


if __name__ == "__main__":
    main()

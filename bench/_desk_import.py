"""How long an import takes: the 121 articles of a real help centre, and 5,000 made of them, with the memory it takes.

    python -m bench.desk --part _desk_import

A part of bench/desk.py, which reports. Everything runs on a database of its own, each import in a process of its own.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

from bench._search_figures import say
from bench._search_process import ROOT, Process
from bench._search_world import World

DATA = Path(os.environ.get("PREEMPT_DATA", ROOT.parent / "shared" / "data"))
MANY = 5_000


def measure(quick: bool) -> dict[str, float]:
    """import_gumroad_s, import_5000_s, import_5000_peak_mb; `quick`: a tenth of the 5,000, its time times ten.

    Empty, saying so, where the real texts are not here.
    """
    file = DATA / "help_gumroad" / "articles.jsonl"
    if not file.exists():
        say(f"no {file}: the import is not measured (PREEMPT_DATA names another folder)")
        return {}
    with World([]) as world:
        world.django()
        many = world.folder / "many.jsonl"
        share = 10 if quick else 1
        _write(many, file, MANY // share)
        env = {"PREEMPT_DATA_DIR": str(world.folder / "data"), "DJANGO_SETTINGS_MODULE": "config.settings"}
        said = {}
        for name, path in (("gumroad", file), ("many", many)):
            with Process([sys.executable, "-m", "bench._desk_import"], env=env) as child:
                said[name] = child.ask(path=str(path), source=name)
            say(f"{name}: {said[name]}")
    return {
        "import_gumroad_s": said["gumroad"]["seconds"],
        "import_5000_s": said["many"]["seconds"] * share,
        "import_5000_peak_mb": said["many"]["peak_mb"],
    }


def _write(path: Path, source: Path, count: int) -> None:
    """So many articles, each of its own title and id, with the real bodies over and over."""
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines() if line.strip()]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            row = rows[number % len(rows)]
            file.write(json.dumps({**row, "id": f"n{number}", "title": f"{row['title'][:180]} {number}"}) + "\n")


def _child() -> None:
    import django

    django.setup()
    from kb import import_runs
    from kb.import_reports import Asked

    for line in sys.stdin:
        asked = json.loads(line)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.monotonic()
        run, _ = import_runs.run_here(Path(asked["path"]), Asked(source=asked["source"]))
        seconds = time.monotonic() - started
        cpu = time.process_time()  # of this process alone: a busy machine does not change it
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        said = {"seconds": round(seconds, 2), "cpu_s": round(cpu, 2), "new": run.new, "refused": run.refused,
                "peak_mb": round(peak / 1024, 1), "before_mb": round(before / 1024, 1)}  # fmt: skip
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    _child()

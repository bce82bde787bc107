"""The main job on real articles and orders, with real processes, one of them killed: bench/loop.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PREEMPT_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.skipif(
    not (DATA / "olist_2016_2017" / "orders.csv").exists() or not (DATA / "help_gumroad" / "articles.jsonl").exists(),
    reason=f"no Olist orders and Gumroad articles in {DATA}; set PREEMPT_DATA to the folder that holds them",
)
def test_three_weeks_of_real_orders_lose_and_double_nothing_though_the_worker_is_killed():
    run = subprocess.run(
        [sys.executable, "-m", "bench.loop", str(DATA), "--kill"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    figures = {line["name"]: line["value"] for line in _json_lines(run.stdout)}
    assert figures["articles"] == 121
    assert figures["orders_known"] == 12_312
    assert figures["messages_sent"] > 200
    assert figures["messages_held_out"] > 10
    assert figures["provider_log"] == figures["messages_sent"]
    assert figures["worker_kills"] == 3
    assert figures["lost"] == figures["doubled"] == figures["new_in_second_run"] == figures["failed_visits"] == 0


def _json_lines(text: str) -> list[dict[str, float]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith('{"name"')]

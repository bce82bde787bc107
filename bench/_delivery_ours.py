"""How many messages a second go out, one request each (strict) and a hundred a request; what a worker's memory does.

A part of bench/delivery.py, which reports strict_per_s, batched_per_s and worker_growth_mb. Everything of a real run:
workers as processes (manage.py dispatch), the embedded database with its usual safety, each mail rendered from its own
order's facts, each intent committed before its request; the provider on loopback answers after 20 ms.
"""

from __future__ import annotations

import subprocess
import time
from typing import Any

from bench import _delivery_world as delivery
from bench._search_figures import say
from bench._search_world import World


def measure(quick: bool) -> dict[str, float]:
    """The figures; `quick`: a twelfth of the messages."""
    strict, batched = (1_500, 5_000) if quick else (20_000, 60_000)
    with World([]) as world, delivery.provider(world.folder) as provider:
        delivery.begin(world, provider)
        delivery.fill(strict, lane="normal")
        strict_per_s, _ = _drain(provider, strict, before=0)
        delivery.fill(batched, lane="campaign", first=strict + 1)
        batched_per_s, growth = _drain(provider, batched, before=strict)
        counts = delivery.state_counts()
        if counts != {"accepted": strict + batched}:
            raise SystemExit(f"delivery: not all were sent, or not once: {counts}")
    return {"strict_per_s": strict_per_s, "batched_per_s": batched_per_s, **growth}


def _drain(provider: Any, count: int, *, before: int) -> tuple[float, dict[str, float]]:
    """Mails a second between the tenth and the ninetieth of a hundred; memory at the tenth and at the end."""
    marks: dict[int, float] = {}
    memory: list[float] = []
    with delivery.workers() as processes:
        for share in (10, 90, 100):
            _until(provider, before + count * share // 100, processes)
            marks[share] = time.monotonic()
            memory.append(max(delivery.rss_mb(process.pid) for process in processes))
    say(f"delivery: {count:,} mails; a worker's memory was {memory[0]:.0f} MB at 10 %, {memory[-1]:.0f} MB at the end")
    rate = count * 0.8 / (marks[90] - marks[10])
    return rate, {"worker_rss_mb": memory[-1], "worker_growth_mb": memory[-1] - memory[0]}


def _until(provider: Any, accepted: int, processes: list[subprocess.Popen[bytes]], longest: float = 300.0) -> None:
    ends = time.monotonic() + longest
    while provider.state()["accepted"] < accepted:
        if time.monotonic() > ends or any(process.poll() for process in processes):
            raise SystemExit(f"delivery: the workers do not send: {provider.state()}")
        time.sleep(0.1)  # to ask costs the two cores something, too: a tenth of all at fifty times a second

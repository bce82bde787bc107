"""Posts prepared requests over kept connections, each once, with as little work of its own as can be.

python -m bench._intake_load FILE, one JSON line in ({port, seconds, connections}), one out: a process of its own, so
that what it costs is not the server's. FILE holds the requests, each after its length in eight digits.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench._pages_load import Connection


def requests_in(path: Path) -> list[bytes]:
    data, found, at = path.read_bytes(), [], 0
    while at < len(data):
        length = int(data[at : at + 8])
        found.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    return found


def run(left: Iterator[bytes], port: int, seconds: float, connections: int) -> dict[str, Any]:
    """Each connection takes the next request until the time is over or none is left."""
    lock, statuses, times = threading.Lock(), [], []
    until = time.perf_counter() + seconds

    def walk() -> None:
        own: list[tuple[int, float]] = []
        connection = Connection(port)
        while time.perf_counter() < until:
            with lock:
                request = next(left, None)
            if request is None:
                break
            began = time.perf_counter()
            status = connection.ask(request)  # again where the server has closed a kept one, as a sender would
            own.append((status, (time.perf_counter() - began) * 1000))
        connection.close()
        with lock:
            statuses.extend(status for status, _ in own)
            times.extend(took for _, took in own)

    started = time.perf_counter()
    walkers = [threading.Thread(target=walk) for _ in range(connections)]
    for walker in walkers:
        walker.start()
    for walker in walkers:
        walker.join()
    return {
        "good": statuses.count(200),
        "failed": len(statuses) - statuses.count(200),
        "seconds": time.perf_counter() - started,
        "times": times,
    }


if __name__ == "__main__":
    ready = iter(requests_in(Path(sys.argv[1])))
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(run(ready, **json.loads(line))), flush=True)

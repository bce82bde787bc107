"""Asks a web server for pages over a few kept connections, with as little work of its own as can be.

python bench/_pages_load.py, one JSON line in ({port, requests, seconds, connections}), one out: a process of its own,
so that what it costs is not the server's.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from typing import Any


class Connection:
    """Sends prepared requests and reads answers that name their length."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = self._connect()

    def ask(self, request: bytes) -> int:
        """The status. Connects again where the server has closed."""
        try:
            self._socket.sendall(request)
            return self._answer()
        except (ConnectionError, ValueError):
            self._socket.close()
            self._socket = self._connect()
            self._socket.sendall(request)
            return self._answer()

    def close(self) -> None:
        self._socket.close()

    def _connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _answer(self) -> int:
        data = self._socket.recv(65536)
        while (end := data.find(b"\r\n\r\n")) < 0:
            if not (more := self._socket.recv(65536)):
                raise ConnectionError("closed")
            data += more
        head = data[:end].lower()
        at = head.index(b"content-length:") + 15
        stop = head.find(b"\r\n", at)
        missing = int(head[at : stop if stop >= 0 else None]) - (len(data) - end - 4)
        while missing > 0:
            if not (more := self._socket.recv(65536)):
                raise ConnectionError("closed")
            missing -= len(more)
        return int(head[9:12])


def run(port: int, requests: list[str], seconds: float, connections: int) -> dict[str, Any]:
    """Each connection walks through the requests, from a place of its own, until the time is over."""
    prepared = [request.encode("latin-1") for request in requests]
    done: list[int] = []
    failed: list[int] = []
    until = time.perf_counter() + seconds

    def walk(first: int) -> None:
        connection, at, good = Connection(port), first, 0
        while time.perf_counter() < until:
            status = connection.ask(prepared[at % len(prepared)])
            at += 1
            if status == 200:
                good += 1
            else:
                failed.append(status)
        connection.close()
        done.append(good)

    started = time.perf_counter()
    walkers = [
        threading.Thread(target=walk, args=[number * len(prepared) // connections]) for number in range(connections)
    ]
    for walker in walkers:
        walker.start()
    for walker in walkers:
        walker.join()
    return {"good": sum(done), "failed": len(failed), "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)

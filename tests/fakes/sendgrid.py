"""A SendGrid on loopback: speaks POST /v3/mail/send as strictly as the real one, and fails to order.

As a process:  python -m tests.fakes.sendgrid --port 0 --log FILE [--events-to URL] [--key-file PEM]
prints its port on the first line and the public key of its event signatures on the second.
In a test:     with sendgrid.running(log=tmp_path / "log") as fake: ... fake.url, fake.order(...), fake.log()

The log is the provider's truth: one JSON line per accepted personalization, written before the 202 is. It
survives kill -9 of anything but the machine (no fsync).

POST /_control takes orders; each field given replaces its old value, {"reset": true} clears all:
  answers           list of {"times": n, "accept": bool, "then": "status" | "hang" | "reset" |
                    "reset_before_body", "status": 500, "headers": {}, "body": "", "reset_in": seconds}, used
                    up one request each, in order. "accept" takes the mail first, whatever is answered.
                    "reset_in" is for 429: it sets X-RateLimit-Reset.
  refuse_addresses  400 for a request with one of these, naming the recipient
  keep_content      true: the log has each recipient's own text and HTML too
  latency_ms        before every answer
  outcomes          {address: [event words]}, instead of processed and delivered
  events            {"delay_ms", "hold", "double_every", "lose_every", "is_reversed"}: see
                    sendgrid_events.Manner
GET /_state counts requests, accepted mails and events.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.fakes.sendgrid_events import Key
from tests.fakes.sendgrid_server import DEFAULT_LARGEST, FakeSendGrid

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # loopback goes through no proxy


class Handle:
    """A running fake as its test sees it, in this process or another."""

    def __init__(self, *, url: str, log: Path) -> None:
        self.url = url
        self._log = log

    def order(self, **order: Any) -> None:
        """Give orders; see the module's docstring."""
        self._call("/_control", json.dumps(order).encode())

    def state(self) -> dict[str, Any]:
        """What was counted so far."""
        state: dict[str, Any] = json.loads(self._call("/_state", None))
        return state

    @property
    def public_key(self) -> str:
        """For SENDGRID_EVENT_PUBLIC_KEY."""
        return str(self.state()["public_key"])

    def log(self) -> list[dict[str, Any]]:
        """Every accepted personalization, in order."""
        return [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]

    def wait_until(self, condition: Callable[[dict[str, Any]], bool], *, seconds: float = 10) -> dict[str, Any]:
        """The state once `condition` holds for it. Raises TimeoutError with the last state."""
        end = time.monotonic() + seconds
        while not condition(state := self.state()):
            if time.monotonic() > end:
                raise TimeoutError(f"still not after {seconds} s: {state}")
            time.sleep(0.01)
        return state

    def _call(self, path: str, body: bytes | None) -> bytes:
        with _open(urllib.request.Request(self.url + path, data=body), timeout=10) as response:
            content: bytes = response.read()
            return content


@contextlib.contextmanager
def running(
    *,
    log: Path,
    events_to: str | None = None,
    key_file: Path | None = None,
    api_key: str | None = None,
    largest: int = DEFAULT_LARGEST,
) -> Iterator[Handle]:
    """A fake in a thread of this process, on a free port."""
    ready = threading.Event()
    box: dict[str, Any] = {}

    async def main() -> None:
        box["loop"], box["stop"] = asyncio.get_running_loop(), asyncio.Event()
        fake = FakeSendGrid(log=log, key=Key(key_file), events_to=events_to, api_key=api_key, largest=largest)

        def on_ready(port: int) -> None:
            box["port"] = port
            ready.set()

        await fake.serve(port=0, on_ready=on_ready, stop=box["stop"])

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="fake-sendgrid", daemon=True)
    thread.start()
    assert ready.wait(10), "the fake did not start"
    try:
        yield Handle(url=f"http://127.0.0.1:{box['port']}", log=log)
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(15)


def main(arguments: list[str] | None = None) -> None:
    """Run as a process until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="A SendGrid on loopback that fails to order.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--events-to", default=None, help="URL of the shop's event webhook")
    parser.add_argument("--key-file", type=Path, default=None, help="PEM; made if it is not there")
    parser.add_argument("--api-key", default=None, help="the only key that is let in")
    given = parser.parse_args(arguments)

    async def run() -> None:
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        key = Key(given.key_file)

        def on_ready(port: int) -> None:
            print(port, key.public, sep="\n", flush=True)

        fake = FakeSendGrid(log=given.log, key=key, events_to=given.events_to, api_key=given.api_key)
        await fake.serve(port=given.port, on_ready=on_ready, stop=stop)

    asyncio.run(run())


if __name__ == "__main__":
    main()

"""What goes wrong in bench/soak.py: a list of blows at chosen moments, all drawn from one seed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import _soak_world
from bench._soak_broker import Rabbit

SENDERS = ("worker", "dispatch")
# The keeper of the embedded server gives up on one that dies six times with less than a minute between.
DATABASE_EVERY = 65.0
# Seconds after which the provider is well again, though not all that was ordered was asked for: the probes of an open
# circuit, one at a time, would meet nothing else for minutes.
TROUBLE = 3.0
# Mean seconds between two blows of a kind. The queue in PostgreSQL is emptied, and restarted with the rest of it; a
# RabbitMQ takes a while to start.
BROKER_EVERY = {"pgmq": ("wipe_broker", 15.0), "rabbitmq": ("restart_broker", 45.0)}
EVERY = {
    "kill_sender": 20.0,
    "stop_sender": 25.0,
    "provider": 12.0,
    "reports": 7.0,
    "kill_child": 30.0,
    "kill_web": 75.0,
    "kill_beat": 60.0,
}
ANSWERS: tuple[dict[str, Any], ...] = (
    {"accept": True, "then": "hang"},
    {"accept": False, "then": "hang"},
    {"accept": True, "then": "reset"},
    {"accept": False, "then": "reset"},
    {"accept": False, "then": "reset_before_body"},
    {"accept": True, "status": 500},
    {"accept": False, "status": 500},
    {"accept": False, "status": 503},
    {"accept": False, "status": 429, "reset_in": 2},
)


@dataclass(frozen=True)
class Blow:
    """What happens, and when: seconds from the start."""

    at: float
    kind: str


def blows(rng: random.Random, *, seconds: float, broker: str, pace: float = 1.0) -> list[Blow]:
    """All that will go wrong. A `pace` of 3 is three times as much, but for the database."""
    found = [Blow(at, "restart_database") for at in _moments(rng, seconds, DATABASE_EVERY)]
    found = found or [Blow(seconds / 2, "restart_database")]
    for kind, every in (BROKER_EVERY[broker], *EVERY.items()):
        at = 0.0
        while (at := at + rng.uniform(0.4, 1.6) * every / pace) < seconds:
            found.append(Blow(at, kind))
    return sorted(found, key=lambda blow: blow.at)


def _moments(rng: random.Random, seconds: float, least: float) -> Iterator[float]:
    at = least / 2
    while at < seconds:
        yield at
        at += rng.uniform(1.0, 1.3) * least


class Storm:
    """Deals the blows and counts them."""

    def __init__(
        self, rng: random.Random, parts: Any, fake: Any, *, home: Path, size: _soak_world.Size, rabbit: Rabbit | None
    ) -> None:
        self.rng, self.parts, self.fake, self.home = rng, parts, fake, home
        self.size, self.rabbit = size, rabbit
        self._parts_by_name: dict[str, Any] = {}
        self.dealt: Counter[str] = Counter()
        self._stopped: dict[str, tuple[int, float]] = {}  # part -> its process group, when it may go on
        self._reports_again_at = 0.0
        self._provider_again_at = 0.0

    def start(self, part: Any) -> None:
        self._parts_by_name[part.name] = part
        self.parts.start(part)

    def deal(self, blow: Blow) -> None:
        self.dealt[blow.kind] += 1
        act: Callable[[], None] = getattr(self, f"_{blow.kind}")
        act()

    def tend(self) -> None:
        """Wake who has been stopped for long enough, let held reports go, start again who has ended."""
        for name, (group, until) in list(self._stopped.items()):
            if time.monotonic() > until:
                del self._stopped[name]
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGCONT)
        if self._reports_again_at and time.monotonic() > self._reports_again_at:
            self._reports_again_at = 0.0
            self.fake.order(events={"double_every": 11, "lose_every": 7})
        if self._provider_again_at and time.monotonic() > self._provider_again_at:
            self._provider_again_at = 0.0
            self.fake.order(answers=[])
        self.parts.tend()

    def end(self) -> None:
        """Peace: everybody wakes, the provider does what it should, and what it held back comes."""
        for group, _ in self._stopped.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGCONT)
        self._stopped.clear()
        self._reports_again_at = 0.0
        self.fake.order(answers=[], events={})
        if self.rabbit is not None:
            self.rabbit.settle()

    def _kill_sender(self) -> None:
        name = self.rng.choice(SENDERS)
        self._stopped.pop(name, None)
        self._kill_and_start(name)

    def _kill_web(self) -> None:
        self._kill_and_start("web")

    def _kill_beat(self) -> None:
        self._kill_and_start("beat")

    def _kill_and_start(self, name: str) -> None:
        self.parts.kill(name)
        self.parts.start(self._parts_by_name[name])

    def _kill_child(self) -> None:
        """One process of the worker's pool: Celery makes another, and its task comes again."""
        worker = self.parts.pid("worker")
        with contextlib.suppress(OSError, IndexError):
            children = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
            os.kill(int(self.rng.choice(children)), signal.SIGKILL)

    def _stop_sender(self) -> None:
        """Longer than the lease of a claim, now and then; never as long as an unknown one's patience."""
        name = self.rng.choice(SENDERS)
        if name not in self._stopped and self.parts.runs(name):
            group = self.parts.pid(name)
            os.killpg(group, signal.SIGSTOP)
            self._stopped[name] = (group, time.monotonic() + self.rng.uniform(1, 1.5 * self.size.lease))

    def _wipe_broker(self) -> None:
        """Every ring of the doorbell that is under way is forgotten, unless a worker that is stopped holds one: it is
        woken by this very loop, so that nobody may wait for it here.
        """
        from django.db import OperationalError, connection, transaction
        from psycopg.errors import LockNotAvailable

        def wipe() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                try:
                    cursor.execute("SELECT pgmq.purge_queue(queue_name) FROM pgmq.meta")
                except OperationalError as error:
                    if not isinstance(error.__cause__, LockNotAvailable):
                        raise
                    transaction.set_rollback(True)

        _soak_world.patiently(wipe)

    def _restart_broker(self) -> None:
        """Whoever is connected loses it, and what was not yet confirmed."""
        if self.rabbit is not None:
            self.rabbit.restart()

    def _restart_database(self) -> None:
        """What `pg_ctl stop -m immediate` does, and the keeper starts it again: recovery from the log."""
        from config.embedded import place as places
        from config.embedded import server

        place = places.find(self.home)
        old = int((place.cluster / "postmaster.pid").read_text().split()[0])
        os.kill(old, signal.SIGQUIT)
        ends = time.monotonic() + 90
        while Path(f"/proc/{old}/cwd").exists() or server.probe(place, "preempt") is not server.State.READY:
            if time.monotonic() > ends:
                raise SystemExit("soak: PostgreSQL did not come back")
            time.sleep(0.05)

    def _provider(self) -> None:
        answers = [
            {**self.rng.choice(ANSWERS), "times": self.rng.choice((1, 1, 1, 2, 3))}
            for _ in range(self.rng.randint(1, 3))
        ]
        self.fake.order(answers=answers, latency_ms=self.rng.choice((0, 5, 20)))
        self._provider_again_at = time.monotonic() + TROUBLE

    def _reports(self) -> None:
        """Late, held back, doubled, the newest first; and every seventh never comes, of a mail's two at most one."""
        latest = self.size.latest_report
        manner: dict[str, Any] = self.rng.choice(
            (
                {"delay_ms": int(1000 * self.rng.uniform(0, latest))},
                {"hold": True},
                {"is_reversed": True},
                {"double_every": 2},
                {},
            )
        )
        self.fake.order(events={"double_every": 11, "lose_every": 7, **manner})
        self._reports_again_at = time.monotonic() + self.rng.uniform(0.3, 1.0) * latest

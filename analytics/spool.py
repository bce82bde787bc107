"""A file of rows that a process has seen and the database has not yet: what a killed process leaves behind.

A row is in the file, in the kernel's hands, before the answer goes out; kill -9 takes nothing of it away. The process
holds a lock on its file for as long as it lives, so that others know whose rows to take over: those that nobody holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

_ENDING = ".events"
_PIECE = 1_000_000  # bytes read at once


class Spool:
    """One file, held by this process. Not safe for threads to append at once."""

    def __init__(self, path: Path, handle: int) -> None:
        self.file = UUID(path.name.removesuffix(_ENDING))
        self.end = os.fstat(handle).st_size
        self._path = path
        self._handle = handle

    def append(self, line: bytes) -> None:
        """Raises OSError where the disk does not take it; then nothing of it is in the file."""
        done = os.write(self._handle, line)
        if done < len(line):
            os.ftruncate(self._handle, self.end)
            raise OSError("the disk is full")
        self.end += done

    def read(self, start: int, *, most: int) -> list[bytes]:
        """At most so many whole lines from `start` on, each with its end."""
        piece = os.pread(self._handle, _PIECE, start)
        return piece[: piece.rfind(b"\n") + 1].splitlines(keepends=True)[:most]

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """The lock goes with it, unless another process came by the handle through a fork."""
        os.close(self._handle)


def begin(folder: Path) -> Spool:
    """A new file of this process. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        path = folder / f"{uuid4()}{_ENDING}"
        spool = _hold(path, os.O_CREAT | os.O_EXCL)
        if spool is not None:
            return spool


def left(folder: Path) -> Iterator[Spool]:
    """The files whose processes are gone, oldest first; each is held until the next is asked for."""
    found = []
    for path in folder.glob(f"*{_ENDING}"):
        with contextlib.suppress(OSError):
            found.append((path.stat().st_mtime, path))
    for _changed_at, path in sorted(found):
        spool = None
        with contextlib.suppress(OSError, ValueError):
            spool = _hold(path)
        if spool is not None:
            yield spool


def sizes(folder: Path) -> list[tuple[UUID, int, datetime]]:
    """Every file that is there, held or not: its bytes, and when something was last added."""
    found = []
    for path in folder.glob(f"*{_ENDING}"):
        with contextlib.suppress(OSError, ValueError):
            told = path.stat()
            found.append(
                (UUID(path.name.removesuffix(_ENDING)), told.st_size, datetime.fromtimestamp(told.st_mtime, UTC))
            )
    return found


def _hold(path: Path, flags: int = 0) -> Spool | None:
    """None where another process holds it, or has just removed it."""
    handle = os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_nlink:
            return Spool(path, handle)
    except (OSError, ValueError):
        os.close(handle)
        return None
    os.close(handle)
    return None

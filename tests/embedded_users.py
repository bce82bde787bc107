"""Processes that use an embedded server, for tests to kill."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg

from config import embedded
from config.embedded import place as places

OPTIONS = {"fsync": "off", "full_page_writes": "off"}
_USE = """
import os, sys
from pathlib import Path
from config import embedded
url = embedded.ensure(Path(sys.argv[1]), options={"fsync": "off", "full_page_writes": "off"})
if sys.argv[2] == "fork" and os.fork():
    import time
    time.sleep(600)
print(os.getpid(), url, flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def user(data_dir: Path, *, fork: bool = False) -> Iterator[subprocess.Popen[str]]:
    """A process that has called ensure(); with `fork`, its child answers and reads stdin in its place."""
    with subprocess.Popen(
        [sys.executable, "-c", _USE, str(data_dir), "fork" if fork else "alone"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=embedded.REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(embedded.REPOSITORY)},
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            if process.stdin:
                process.stdin.close()


def word(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its pid and URL, once the server answers."""
    assert process.stdout is not None
    line = process.stdout.readline().split()
    assert len(line) == 2, "the user process ended before the server answered"
    return int(line[0]), line[1]


def postmaster(data_dir: Path) -> int:
    return int((places.find(data_dir).cluster / "postmaster.pid").read_text().split()[0])


def keeper(data_dir: Path) -> int:
    return int((data_dir / "run" / "keeper").read_text().split()[0])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def lives(pid: int) -> bool:
    """Whether the process runs; a zombie, which its parent has not read yet, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute(question).fetchone()
        return None if row is None else row[0]


def tell(url: str, statement: str) -> None:
    with psycopg.connect(url, connect_timeout=5) as connection:
        connection.execute(statement)


def answers(url: str) -> bool:
    try:
        return ask(url, "select 1") == 1
    except psycopg.OperationalError:
        return False

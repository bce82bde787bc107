"""Engines under test as processes of their own, spoken to by JSON lines: nobody's memory or caches help another."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEERS_HOME = ROOT / ".data" / "bench-peers"
PEERS_PACKAGES = ("tantivy==0.27.0",)  # the newest on the package index when this was written


class ProcessEnded(Exception):
    """It ended instead of answering; what it said is on stderr."""


class Process:
    """`ask(do=…, **what)` returns its answer."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> None:
        self._name = " ".join(command[1:])
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def ask(self, **what: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ProcessEnded(f"{self._name} ended with code {self._process.wait()}")
        return json.loads(line)

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def ours(engine: str, folder: Path, *, env: Mapping[str, str] | None = None) -> Process:
    """Our engine on the index in `folder`."""
    return Process([sys.executable, "-m", "bench._search_ours", engine, str(folder)], env=env)


def peer(name: str, *, env: Mapping[str, str] | None = None) -> Process:
    """A peer by its name in _search_peers.PEERS. Those that need more than our own environment has run in theirs."""
    python = PEERS_HOME / "bin" / "python" if name.startswith("tantivy") else Path(sys.executable)
    return Process([str(python), "-P", str(ROOT / "bench" / "_search_peers.py"), name], env=env)


def install_peers() -> bool:
    """Make the peers' environment where it is not there as pinned. False, and why on stderr, where that cannot be."""
    mark = PEERS_HOME / "installed"
    if mark.exists() and mark.read_text().split() == list(PEERS_PACKAGES):
        return True
    for command in (
        [sys.executable, "-m", "venv", str(PEERS_HOME)],
        [
            str(PEERS_HOME / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *PEERS_PACKAGES,
        ],
    ):
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            print(f"search: the peers cannot be installed, their names are left out: {last}", file=sys.stderr)
            return False
    mark.write_text("\n".join(PEERS_PACKAGES))
    return True

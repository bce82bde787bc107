"""The three servers of bench/pages.py, alike: gunicorn with one worker of four threads, on a port of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from bench._search_figures import say
from bench._search_process import ROOT

HOME = ROOT / ".data" / "bench-helpdesk"
PACKAGES = ("django-helpdesk==2.6.1", "gunicorn==27.0.1", "psycopg[binary]", "psycopg-pool")
_START_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A gunicorn; `cpu()` is the seconds of processor time that its worker has taken."""

    def __init__(
        self, python: Path, application: str, *, folder: Path, env: Mapping[str, str], ready: str, log: Path
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        kind = ("--worker-class", "gthread", "--workers", "1", "--threads", "4", "--no-control-socket")
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(python), "-m", "gunicorn", *kind, "--bind", f"127.0.0.1:{self.port}", application],
                cwd=folder,
                env={**os.environ, **env},
                stdout=output,
                stderr=output,
                process_group=0,
            )
        self._wait(ready, log)

    def cpu(self) -> float:
        """Of all its processes."""
        total = 0.0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self._process.pid:  # its process group
                    total += (int(fields[11]) + int(fields[12])) / _TICKS
        return total

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _wait(self, path: str, log: Path) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError):
                asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"User-Agent": "bench"})
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    if answer.status == 200:
                        return
            time.sleep(0.1)
        self.end()
        raise SystemExit(f"pages: a server does not answer {path}:\n{log.read_text()[-2000:]}")

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class Load:
    """The process that asks."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(ROOT / "bench" / "_pages_load.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, port: int, requests: Sequence[str], *, seconds: float, connections: int = 4) -> tuple[int, float]:
        """How many pages came, and in how many seconds. Any that fails ends the bench."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"port": port, "requests": list(requests), "seconds": seconds, "connections": connections}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        if told["failed"]:
            raise SystemExit(f"pages: {told['failed']} requests of {told['good']} failed")
        return told["good"], told["seconds"]

    def __enter__(self) -> Load:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)
        if self._process.stdout is not None:
            self._process.stdout.close()


def install_helpdesk() -> Path | None:
    """django-helpdesk's own Python, made where it is not there as pinned; None, and why on stderr, where it cannot."""
    mark, python = HOME / "installed", HOME / "bin" / "python"
    if mark.exists() and mark.read_text().split() == list(PACKAGES):
        return python
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    for command in ([sys.executable, "-m", "venv", str(HOME)], install):
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            say(f"pages: django-helpdesk cannot be installed, article_vs_helpdesk is left out: {last}")
            return None
    mark.write_text("\n".join(PACKAGES))
    return python

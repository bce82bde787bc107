"""`manage.py demo` with every one of its processes killed: it goes on, or the next start does."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import embedded, supervisor
from tests import embedded_users as users
from tests.conftest import in_memory
from tests.waiting import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and only Linux ends orphans"),
]


class Demo:
    """A running `manage.py demo` on a data folder of its own."""

    def __init__(self, process: subprocess.Popen[bytes], data_dir: Path, said: Path) -> None:
        self.process, self.data_dir, self.said = process, data_dir, said

    def says(self, words: str, *, seconds: float = 60) -> None:
        def heard() -> bool:
            if words in self.said.read_text():
                return True
            assert self.process.poll() is None, self.said.read_text()
            return False

        until(heard, f"the demo says {words!r}", seconds=seconds)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(20)

    @property
    def port(self) -> int:
        found = re.search(r"help centre +http://localhost:(\d+)/", self.said.read_text())
        assert found
        return int(found[1])

    def is_healthy(self) -> bool:
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status == 200
        return False

    def processes(self) -> dict[int, str]:
        """Every live process of this data folder, but the test's own: pid -> command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
                if str(self.data_dir).encode() in environment and users.lives(int(folder.name)):
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        found.pop(os.getpid(), None)
        return found

    def pid_of(self, words: str, *, child_of: int | None = None) -> int:
        """The oldest process with `words` in its command; 0 where none is."""
        pids = [pid for pid, command in self.processes().items() if words in command and "manage.py" not in command]
        return min((pid for pid in pids if child_of in (None, parent(pid))), key=started, default=0)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def started(pid: int) -> tuple[int, int]:
    """When, in ticks since the machine's start. Not by the number alone: numbers begin again when they are used up."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]), pid


def demo(data_dir: Path, *, port: int = 0) -> Demo:
    """Started, and ready."""
    data_dir.mkdir(exist_ok=True)
    said = data_dir.parent / f"said-{len(list(data_dir.parent.glob('said-*')))}"
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--no-seed", "--port", str(port or free_port())],
            cwd=embedded.REPOSITORY,
            env={**kept, "PREEMPT_DATA_DIR": str(data_dir)},
            stdout=out,
            stderr=out,
            process_group=0,
        )
    running = Demo(process, data_dir, said)
    try:
        running.says("Ctrl-C stops everything.", seconds=90)
    except BaseException:
        running.stop()
        raise
    return running


class Stage:
    """One data folder for the module, and the demo that runs on it: a start takes longer than most of these tests."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._demo: Demo | None = None

    def running(self) -> Demo:
        if self._demo is None or self._demo.process.poll() is not None:
            self._demo = demo(self.data_dir)
        return self._demo

    def anew(self, *, port: int = 0) -> Demo:
        """Another start, where the last demo has ended or been ended."""
        self.clear()
        self._demo = demo(self.data_dir, port=port)
        return self._demo

    def clear(self) -> None:
        if self._demo is not None:
            self._demo.stop()
            self._demo = None


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with in_memory() as folder:
        stage = Stage(folder / "data")
        yield stage
        stage.clear()
        embedded.remove(folder / "data")


@pytest.fixture
def running(stage) -> Demo:
    """A demo that must be healthy again after the test, or have ended."""
    return stage.running()


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("web", "config.wsgi"),
        ("shop", "config.storefront"),
        ("worker", "config.celery worker"),
        ("beat", "config.celery beat"),
    ],
)
def test_killed_part_is_started_again_and_said(running, part, words):
    killed = running.pid_of(words)
    users.kill(killed)
    running.says(f"{part} was killed (SIGKILL); again in 0.5 s")
    until(lambda: running.pid_of(words) not in (0, killed), f"{part} is back")
    until(running.is_healthy, "it is healthy", seconds=30)


@pytest.mark.parametrize("words", ["config.wsgi", "config.celery worker"])
def test_killed_child_of_a_part_is_replaced_by_its_master(running, words):
    master = until(lambda: running.pid_of(words), "it runs")
    child = until(lambda: running.pid_of(words, child_of=master), "it has a child")
    users.kill(child)
    others = {pid for pid in running.processes() if parent(pid) == master} - {child}
    until(
        lambda: {p for p in running.processes() if parent(p) == master} - others - {child}, "another came", seconds=40
    )
    assert running.pid_of(words) == master
    until(running.is_healthy, "it is healthy", seconds=30)


def test_killed_database_comes_back_under_the_running_demo(running):
    killed = users.postmaster(running.data_dir)
    users.kill(killed)
    until(lambda: not users.lives(killed), "it is gone")
    until(running.is_healthy, "it is healthy", seconds=30)


def test_killed_keeper_comes_back_under_the_running_demo(running):
    users.kill(users.keeper(running.data_dir))
    running.says("its keeper was killed; starting again")
    until(running.is_healthy, "it is healthy", seconds=30)


def test_healthz_names_what_fails_and_no_more(running):
    keeper = users.keeper(running.data_dir)
    os.kill(keeper, signal.SIGSTOP)  # or it would bring the server back
    try:
        users.kill(users.postmaster(running.data_dir))

        def failing() -> object:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{running.port}/healthz", timeout=10)
            except urllib.error.HTTPError as error:
                return json.loads(error.read())
            return None

        assert until(failing, "it fails") == {"status": "failing", "failing": ["database"]}
    finally:
        os.kill(keeper, signal.SIGCONT)
    until(running.is_healthy, "it is healthy", seconds=30)


def test_second_demo_of_a_checkout_is_refused_with_the_address_of_the_first(running):
    second = subprocess.run(
        [sys.executable, "manage.py", "demo", "--no-seed"],
        cwd=embedded.REPOSITORY,
        env={**os.environ, "PREEMPT_DATA_DIR": str(running.data_dir), "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
    )
    assert second.returncode != 0
    assert f"runs already, at http://localhost:{running.port}" in second.stderr
    assert running.is_healthy()


def test_parts_know_the_address_they_are_reached_at(running):
    for words in ("config.wsgi", "config.celery worker"):
        environment = Path(f"/proc/{running.pid_of(words)}/environ").read_text().split("\0")
        assert f"SITE_URL=http://localhost:{running.port}" in environment


def test_everything_killed_at_once_while_the_shop_was_being_filled(stage, running):
    users.tell(embedded.url(stage.data_dir), "create table half_a_shop ()")
    (stage.data_dir / "run" / "seeding").touch()  # as seed_demo's caller leaves it
    for pid in [running.process.pid, *running.processes()]:
        with contextlib.suppress(ProcessLookupError):
            users.kill(pid)
    running.process.wait()
    until(lambda: not running.processes(), "nothing is left", seconds=20)
    again = stage.anew()
    again.says("cut off the last time; starting with an empty database")
    assert again.is_healthy()
    assert users.ask(embedded.url(stage.data_dir), "select to_regclass('half_a_shop')") is None
    assert not (stage.data_dir / "run" / "seeding").exists()


def test_ctrl_c_stops_everything_within_ten_seconds(stage, running):
    assert len(running.processes()) >= 8
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(10) == 0
    until(lambda: not running.processes(), "nothing is left", seconds=3)
    assert not embedded.is_kept(stage.data_dir)


def test_taken_port_is_stepped_over_and_a_killed_supervisor_gives_its_port_to_the_next_start(stage):
    taken = supervisor.listen(8140)
    wished = taken[0].getsockname()[1]
    first = stage.anew(port=wished)
    first.says(f"port {wished} is taken: using ")
    port = first.port
    assert port > wished
    for listener in taken:
        listener.close()
    first.process.kill()
    first.process.wait()
    again = stage.anew(port=port)
    assert again.port == port
    assert again.is_healthy()
    stage.clear()
    until(lambda: not first.processes(), "nothing of the first is left either", seconds=20)

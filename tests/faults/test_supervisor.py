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


@contextlib.contextmanager
def demo(data_dir: Path, *, port: int = 0) -> Iterator[Demo]:
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
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(20)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Iterator[Path]:
    """One for the module: the second start is the common one."""
    with in_memory() as folder:
        yield folder / "data"
        embedded.remove(folder / "data")


@pytest.fixture(scope="module")
def running(data_dir) -> Iterator[Demo]:
    """One demo for the tests after which it must be healthy again."""
    with demo(data_dir) as running:
        yield running


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


@pytest.fixture(scope="module")
def other_dir() -> Iterator[Path]:
    """One for the tests that stop the whole demo: the first of them makes its tables."""
    with in_memory() as folder:
        yield folder / "data"
        embedded.remove(folder / "data")


def test_ctrl_c_stops_everything_within_ten_seconds(other_dir):
    with demo(other_dir) as running:
        assert len(running.processes()) >= 8
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(10) == 0
        until(lambda: not running.processes(), "nothing is left", seconds=3)
    assert not embedded.is_kept(other_dir)


def test_taken_port_is_stepped_over_and_a_killed_supervisor_gives_its_port_to_the_next_start(other_dir):
    taken = supervisor.listen(8140)
    wished = taken[0].getsockname()[1]
    with demo(other_dir, port=wished) as running:
        running.says(f"port {wished} is taken: using ")
        port = running.port
        assert port > wished
        for listener in taken:
            listener.close()
        running.process.kill()
        running.process.wait()
        with demo(other_dir, port=port) as again:
            assert again.port == port
            assert again.is_healthy()
        until(lambda: not running.processes(), "nothing of the first is left", seconds=20)


def test_everything_killed_at_once_while_the_shop_was_being_filled(other_dir):
    with demo(other_dir) as running:
        users.tell(embedded.url(other_dir), "create table half_a_shop ()")
        (other_dir / "run" / "seeding").touch()  # as seed_demo's caller leaves it
        for pid in [running.process.pid, *running.processes()]:
            with contextlib.suppress(ProcessLookupError):
                users.kill(pid)
        running.process.wait()
        until(lambda: not running.processes(), "nothing is left", seconds=20)
    with demo(other_dir) as again:
        again.says("cut off the last time; starting with an empty database")
        assert again.is_healthy()
        assert users.ask(embedded.url(other_dir), "select to_regclass('half_a_shop')") is None
        assert not (other_dir / "run" / "seeding").exists()

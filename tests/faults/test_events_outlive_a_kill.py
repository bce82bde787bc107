"""A web server that is killed right after its answers: every look that was answered becomes an event, once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection, transaction

from analytics import writing
from analytics.models import Event, SpoolMark
from analytics.writing import Writer
from tests.analytics.history import ANNA, at
from tests.waiting import until

LOOKS = 25


class Server:
    """A gunicorn of one worker, on the test's database."""

    def __init__(self, spool: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        kind = ("--worker-class", "gthread", "--workers", "1", "--threads", "4", "--no-control-socket")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *kind, "--bind", f"127.0.0.1:{self.port}", "config.wsgi:application"],
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "PREEMPT_DATABASE": connection.settings_dict["NAME"],
                "EVENT_SPOOL_DIR": str(spool),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        until(self._answers, "the web server answers", seconds=60)

    def look(self) -> int:
        """A visitor opens the help centre; the answer's status."""
        headers = {"User-Agent": "Mozilla/5.0 Firefox/140.0", "Cookie": f"pv={ANNA}", "Host": "localhost"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/en/", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return answer.status

    def kill(self) -> None:
        """It and its worker, as kill -9 does."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=30):
                return True
        except OSError:
            return False


@contextmanager
def serving(spool: Path) -> Iterator[Server]:
    server = Server(spool)
    try:
        yield server
    finally:
        server.kill()


def looks() -> int:
    return Event.objects.filter(kind="help", visitor=ANNA).count()


@pytest.mark.faults
def test_no_look_is_lost_or_doubled_when_a_server_is_killed_after_its_answers(transactional_db, tmp_path):
    with serving(tmp_path) as server:
        # Nobody can write an event: the server has begun to, and can get no further.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE analytics_event IN SHARE MODE")
            seen = [server.look() for _ in range(LOOKS)]
            server.kill()
        assert seen == [200] * LOOKS
    assert looks() == 0
    with serving(tmp_path) as server:
        server.look()
        until(lambda: looks() >= LOOKS + 1, "the next server has taken over")
    assert looks() == LOOKS + 1


def row(number: int) -> dict:
    return {"kind": "read", "at": at().isoformat(), "visitor": str(ANNA), "article_id": number}


def written() -> list[int | None]:
    return list(Event.objects.order_by("article_id").values_list("article_id", flat=True))


@pytest.fixture
def killed(transactional_db, tmp_path, monkeypatch) -> Writer:
    """A writer with five rows in its file, which never came to write them and is gone."""
    monkeypatch.setattr(writing.Writer, "_run", lambda self: None)
    writer = Writer(tmp_path)
    for number in range(5):
        assert writer.put(row(number))
    return writer


def test_what_a_living_process_holds_is_left_to_it(killed, tmp_path):
    assert writing.take_in_left(tmp_path) == 0
    assert written() == []


def test_what_a_dead_process_left_is_written_and_its_file_is_gone(killed, tmp_path):
    killed.forget()
    assert writing.take_in_left(tmp_path) > 0
    assert writing.take_in_left(tmp_path) == 0
    assert written() == [0, 1, 2, 3, 4]
    assert list(tmp_path.iterdir()) == []
    assert not SpoolMark.objects.exists()


def test_what_was_written_before_the_kill_is_not_written_again(killed, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_BATCH", 2)
    writing._write_some(killed._spool, 0)
    killed.forget()
    writing.take_in_left(tmp_path)
    assert written() == [0, 1, 2, 3, 4]


def test_a_process_that_comes_late_to_a_file_that_is_further_writes_nothing_twice(killed, monkeypatch):
    monkeypatch.setattr(writing, "_BATCH", 2)
    spool = killed._spool
    first = writing._write_some(spool, 0)
    assert writing._write_some(spool, 0) == first
    assert written() == [0, 1]


def test_half_a_row_at_the_end_of_a_file_was_never_answered(killed, tmp_path):
    (file,) = tmp_path.iterdir()
    with file.open("ab") as end:
        end.write(b'{"kind": "read", "at": "20')
    killed.forget()
    writing.take_in_left(tmp_path)
    assert written() == [0, 1, 2, 3, 4]
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_cannot_be_read_takes_no_other_with_it(killed, tmp_path, caplog):
    (file,) = tmp_path.iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], b"\xff}\n", *lines[1:]]))
    killed.forget()
    writing.take_in_left(tmp_path)
    assert written() == [0, 1, 2, 3, 4]
    assert "an event was refused" in caplog.text


def test_a_full_disk_costs_time_and_no_event(transactional_db, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(writing, "_is_gathering", True)
    monkeypatch.setattr(writing, "_writer", Writer(tmp_path / "file" / "no folder"))
    writing.put(row(1))
    assert written() == [1]


def test_a_file_that_is_long_and_written_is_thrown_away_for_a_new_one(transactional_db, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_FULL", 100)
    writer = Writer(tmp_path, gather_seconds=0.01)
    for number in range(3):
        writer.put(row(number))
        assert writer.flush()
        until(lambda: not list(tmp_path.iterdir()), "the file is gone")
    assert written() == [0, 1, 2]
    assert not SpoolMark.objects.exists()

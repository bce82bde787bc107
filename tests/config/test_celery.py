"""A real worker on the real database."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.celery import app
from tests import tasks, workers
from tests.waiting import until
from tests.workers import WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)


def words(path: Path) -> list[str]:
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """One worker for these tests, started by the first: a start takes longer than each of them."""
    worker = WorkerProcess(tmp_path_factory.mktemp("worker") / "worker.log")
    yield worker
    worker.kill()


@pytest.fixture
def worker(shared: WorkerProcess, transactional_db: None) -> WorkerProcess:
    """It runs, with two children."""
    workers.empty_queues()
    if not shared.runs():
        shared.start(concurrency=2)
    return shared


def test_worker_does_what_the_test_database_was_asked(worker, tmp_path):
    notes = tmp_path / "notes"
    for word in ("one", "two", "three"):
        tasks.note.delay(str(notes), word)
    until(lambda: len(words(notes)) == 3, "three notes are there")
    assert sorted(words(notes)) == ["one", "three", "two"]


def test_forked_workers_share_no_database_connection(worker, tmp_path):
    notes, gate = tmp_path / "notes", tmp_path / "gate"
    for word in ("left", "right"):
        tasks.hold.delay(str(notes), word, str(gate))
    until(lambda: len(words(notes)) == 2, "both children are at work")
    gate.touch()
    until(lambda: len(words(notes)) == 4, "both have finished")
    pairs = {tuple(line.split()[1:]) for line in notes.read_text().splitlines()}
    assert len({process for process, _ in pairs}) == 2
    assert len({backend for _, backend in pairs}) >= 2
    for _, backend in pairs:
        assert len({process for process, other in pairs if other == backend}) == 1


@pytest.mark.faults
def test_task_of_a_killed_child_is_done_again(worker, tmp_path):
    notes, gate = tmp_path / "notes", tmp_path / "gate"
    tasks.hold.delay(str(notes), "held", str(gate))
    until(lambda: words(notes) == ["held"], "the child is at work")
    os.kill(int(notes.read_text().split()[1]), signal.SIGKILL)
    until(lambda: words(notes) == ["held", "held"], "another child has begun anew")
    gate.touch()
    until(lambda: words(notes)[-1] == "held-done", "it is done")


@pytest.mark.faults
def test_task_published_while_no_worker_lives_is_done_by_the_next(worker, tmp_path):
    notes = tmp_path / "notes"
    tasks.note.delay(str(notes), "before")
    until(lambda: words(notes) == ["before"], "the first note is there")
    worker.kill()
    tasks.note.delay(str(notes), "meanwhile")
    worker.start()
    until(lambda: words(notes) == ["before", "meanwhile"], "the second note is there")


def test_every_scheduled_task_has_a_due_time_and_a_name():
    assert all(entry["task"].count(".") == 1 for entry in app.conf.beat_schedule.values())
    assert all(entry["schedule"] > 0 for entry in app.conf.beat_schedule.values())

"""A real worker on the real database."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from config.celery import app
from tests import tasks
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def words(path: Path) -> list[str]:
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def test_worker_does_what_the_test_database_was_asked(celery_worker_process, tmp_path):
    notes = tmp_path / "notes"
    celery_worker_process.start()
    for word in ("one", "two", "three"):
        tasks.note.delay(str(notes), word)
    until(lambda: len(words(notes)) == 3, "three notes are there")
    assert sorted(words(notes)) == ["one", "three", "two"]


def test_forked_workers_share_no_database_connection(celery_worker_process, tmp_path):
    notes, gate = tmp_path / "notes", tmp_path / "gate"
    celery_worker_process.start(concurrency=2)
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
def test_task_published_while_no_worker_lives_is_done_by_the_next(celery_worker_process, tmp_path):
    notes = tmp_path / "notes"
    celery_worker_process.start()
    tasks.note.delay(str(notes), "before")
    until(lambda: words(notes) == ["before"], "the first note is there")
    celery_worker_process.kill()
    tasks.note.delay(str(notes), "meanwhile")
    celery_worker_process.start()
    until(lambda: words(notes) == ["before", "meanwhile"], "the second note is there")


@pytest.mark.faults
def test_task_of_a_killed_child_is_done_again(celery_worker_process, tmp_path):
    notes, gate = tmp_path / "notes", tmp_path / "gate"
    celery_worker_process.start(concurrency=1)
    tasks.hold.delay(str(notes), "held", str(gate))
    until(lambda: words(notes) == ["held"], "the child is at work")
    os.kill(int(notes.read_text().split()[1]), signal.SIGKILL)
    until(lambda: words(notes) == ["held", "held"], "another child has begun anew")
    gate.touch()
    until(lambda: words(notes)[-1] == "held-done", "it is done")


def test_every_scheduled_task_has_a_due_time_and_a_name():
    assert all(entry["task"].count(".") == 1 for entry in app.conf.beat_schedule.values())
    assert all(entry["schedule"] > 0 for entry in app.conf.beat_schedule.values())

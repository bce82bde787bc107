"""One clock for the story, which tests and replays may move."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from config import embedded
from core import clock

NOON = datetime(2017, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_clock_file(monkeypatch):
    monkeypatch.delenv("PREEMPT_CLOCK_FILE", raising=False)


def test_clock_is_the_real_one_unless_moved():
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.shift() == timedelta()


def test_frozen_clock_stands_still_and_runs_on_afterwards():
    with clock.frozen(NOON):
        assert clock.now() == clock.now() == NOON
        with clock.frozen(NOON + timedelta(days=1)):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == NOON
    assert clock.now() > NOON + timedelta(days=365)


def test_shifted_clock_runs_on():
    with clock.shifted(timedelta(days=-30)):
        first = clock.now()
        assert abs(datetime.now(UTC) - first - timedelta(days=30)) < timedelta(minutes=1)
        assert clock.now() >= first


def test_clock_speaks_utc_whatever_zone_it_was_told_in():
    lisbon = timezone(timedelta(hours=-3))
    with clock.frozen(datetime(2017, 11, 24, 9, tzinfo=lisbon)):
        assert clock.now() == NOON
        assert clock.now().utcoffset() == timedelta()


def test_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"), clock.frozen(datetime(2017, 11, 24, 12)):  # noqa: DTZ001
        pass


def test_other_threads_keep_their_own_time():
    seen = []
    with clock.frozen(NOON):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
    assert seen[0] > NOON + timedelta(days=365)


def test_clock_file_moves_this_process_and_every_other_that_follows_it(monkeypatch, tmp_path):
    path = tmp_path / "clock"
    monkeypatch.setenv("PREEMPT_CLOCK_FILE", str(path))
    assert clock.shift() == timedelta(), "no file yet: real time"
    clock.set_for_all(path, NOON)
    assert timedelta() <= clock.now() - NOON < timedelta(minutes=1)
    other = subprocess.run(
        [sys.executable, "-c", "from core import clock; print(clock.now().isoformat())"],
        cwd=embedded.REPOSITORY,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert timedelta() <= datetime.fromisoformat(other.stdout.strip()) - NOON < timedelta(minutes=1)
    clock.set_for_all(path, NOON + timedelta(days=1))
    assert timedelta(days=1) <= clock.now() - NOON < timedelta(days=1, minutes=1)

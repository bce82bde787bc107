"""The demo's A/B tests: one runs, one is finished and waits for its decision, of one the winner was published.

Their readers walk the real pages, and every night somebody looked: what the tests say is what was found, not written.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from analytics import verdicts
from analytics.simulation import demo_trial, trial
from analytics.simulation.script import Script
from core import clock
from kb import experiments
from kb.models import Decision, Experiment, ExperimentState, Mode

_NIGHT = 3  # o'clock
_NO_SEARCH = trial.Ways(search=0)  # a search costs ten times a page, and the demo is waited for


@dataclass(frozen=True, kw_only=True)
class _Test:
    """A test of the demo; `since` and `days` (of readers) in days. `planned` visitors to be judged."""

    file: str
    name: str
    hypothesis: str
    since: int
    days: int
    readers: int
    truth: trial.Truth
    planned: int | None = None
    declared: dict[str, Any] = field(default_factory=dict)


RUNNING = _Test(
    file=demo_trial.WHERE_IS_MY_ORDER,
    name="The steps first",
    hypothesis="Who asks where a parcel is wants to act, not to read: three steps first, the explanations after.",
    since=28,
    days=28,
    readers=220,
    truth=trial.Truth(base=0.55, lift=0.15, writes=0.15, says_no=0.65),
    planned=400,
)
AWAITING = _Test(
    file="reset-password-b.md",
    name="Sign in without the password",
    hypothesis="Most people want to get in, not a new password: the e-mail link first.",
    since=33,
    days=23,
    readers=220,
    truth=trial.Truth(base=0.42, lift=0.36, writes=0.12, says_no=0.75),
    planned=160,
    declared={"mode": Mode.DEADLINE, "worthwhile": 0.15},
)
DECIDED = _Test(
    file="when-will-i-be-refunded-b.md",
    name="How long, in one sentence",
    hypothesis="One sentence with the days that it takes in all answers more than the rules it is made of.",
    since=34,
    days=14,
    readers=200,
    truth=trial.Truth(base=0.40, lift=0.38, writes=0.12, says_no=0.75),
    planned=140,
    declared={"mode": Mode.DEADLINE, "worthwhile": 0.15, "window_days": 3},
)


def play_past(folder: Path, asks: Script, *, now: datetime, seed: int) -> None:
    """The two tests that are over: one decided, one not yet."""
    decided = _begin(folder, DECIDED, now=now)
    _read(decided, DECIDED, asks, now=now, seed=seed)
    over_at = _look_nightly(decided, DECIDED, now=now)
    with clock.frozen(over_at + timedelta(hours=7)):
        _decide(decided, by=User.objects.get(username="editor"))
    awaiting = _begin(folder, AWAITING, now=now)
    _read(awaiting, AWAITING, asks, now=now, seed=seed + 1)
    _look_nightly(awaiting, AWAITING, now=now)


def begin_running(folder: Path, *, now: datetime) -> Experiment:
    """The one that goes on; the visitors of the whole shop come to it too."""
    return _begin(folder, RUNNING, now=now)


def read_running(test: Experiment, asks: Script, *, now: datetime, seed: int) -> None:
    """More readers of it, and a look for every night since its start."""
    _read(test, RUNNING, asks, now=now, seed=seed)
    _look_nightly(test, RUNNING, now=now)


def _begin(folder: Path, one: _Test, *, now: datetime) -> Experiment:
    editor = User.objects.get(username="editor")
    start = now - timedelta(days=one.since)
    with clock.frozen(start - timedelta(hours=1)):
        declared = {"hypothesis": one.hypothesis, "by": editor, **one.declared}
        test = demo_trial.draft(folder / "experiments" / one.file, name=one.name, **declared)
    with clock.frozen(start):
        due_at = start + timedelta(days=one.days) if test.mode == Mode.DEADLINE else None
        experiments.start(test, by=editor, planned_units=one.planned, due_at=due_at)
    return test


def _read(test: Experiment, one: _Test, asks: Script, *, now: datetime, seed: int) -> None:
    start = now - timedelta(days=one.since)
    moments = trial.arrivals(start, start + timedelta(days=one.days, hours=-1), one.readers, random.Random(seed))  # noqa: S311
    readers = trial.of(test, asks, one.truth, ways=_NO_SEARCH, until=now)
    with trial.quick_commits():
        done = trial.walk(readers, list(enumerate(moments)), seed=seed)
    if failed := [what for what in done if what.startswith("failed")]:
        raise trial.TrialError(f"“{one.name}”: {', '.join(failed)}")


def _look_nightly(test: Experiment, one: _Test, *, now: datetime) -> datetime:
    """A look for every night until it is over or today. Returns when the last one was."""
    start = now - timedelta(days=one.since)
    night = (start + timedelta(days=1)).replace(hour=_NIGHT, minute=0, second=0, microsecond=0)
    looked_at = start
    while night < now and test.state == ExperimentState.RUNNING:
        with clock.frozen(night):
            verdicts.look(test, now=night)
        looked_at, night = night, night + timedelta(days=1)
    return looked_at


def _decide(test: Experiment, *, by: User) -> None:
    """Publish the winner where there is one."""
    newest = verdicts.latest(test)
    if newest is not None and newest.code == "best":
        (winner,) = newest.said["arms"]
        experiments.complete(
            test,
            decision=Decision.PUBLISH,
            variant=test.variants.get(key=winner),
            by=by,
            why="Clear enough, and fewer people write to us about it.",
        )
    else:
        experiments.complete(test, decision=Decision.KEEP, by=by, why="It did not show what we hoped for.")

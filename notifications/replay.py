"""Plays a history of orders through detection, planning and sending, with the clock of that history."""

from __future__ import annotations

import bisect
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from operator import attrgetter
from pathlib import Path

from django.db.models import Q

from core import clock
from notifications import delivery, dispatch, doorbell, episodes, obligations, settling
from notifications.intake import storing
from notifications.intake.facts import Fact
from notifications.models import Message, MessageState

_BUSY = (MessageState.CLAIMED, MessageState.SENDING)
_LOOK_EVERY = 0.02  # seconds
_RING_EVERY = 2.0  # a ring can be lost; in production beat rings again
LONGEST_WAIT = 60.0  # seconds for one step's messages


class Stuck(Exception):
    """Messages were neither sent nor settled in time. The text says how many and what to look at."""


@dataclass
class Day:
    """What happened on one simulated day."""

    day: date
    facts: int = 0  # new ones; what was known already counts nowhere
    opened: int = 0
    closed: int = 0
    planned: int = 0
    held_out: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, swept: episodes.Swept) -> None:
        self.opened += swept.opened
        self.closed += swept.closed
        self.planned += swept.planned
        self.held_out += swept.held_out
        self.skipped += swept.skipped


def play(
    facts: Sequence[Fact],
    *,
    source: str,
    start: datetime,
    end: datetime,
    step: timedelta = timedelta(hours=1),
    speed: float = 0.0,
    drain: Callable[[], None] | None = None,
    on_day: Callable[[Day], None] = lambda day: None,
    on_step: Callable[[datetime], None] = lambda now: None,
    resume_at: datetime | None = None,
    must_stop: Callable[[], bool] = lambda: False,
) -> list[Day]:
    """Take in what was known at `start`, then play `facts` (in time order) in steps until `end`.

    Moves the clock of this process and of every process that follows PREEMPT_CLOCK_FILE. After each step `drain` lets
    the messages go and returns when none is on its way: wait_for_workers (the default) or drain_inline. `speed`: story
    seconds in a real second; 0 is as fast as it goes. `on_day` is called when a day (in the zone of `start`) is over,
    `on_step` after every step. `resume_at`: every step up to it was done before. `must_stop` is asked after each step:
    what follows waits for another run. Raises Stuck. What was played before is not played again: facts, episodes and
    messages are the same rows.
    """
    days: list[Day] = []
    at = 0
    began = time.monotonic()
    moments = _moments(start, end, step)
    if resume_at is not None:
        at = bisect.bisect_right(facts, resume_at, key=attrgetter("at"))
        moments = _moments(resume_at, end, step)[1:] if resume_at < end else []
    day = Day(_day_of(moments[0]) if resume_at is not None and moments else start.date())
    for place, now in enumerate(moments):
        with _story(now):
            until = at
            while until < len(facts) and facts[until].at <= now:
                until += 1
            stored = storing.Stored()
            for batch in storing.in_batches(facts[at:until]):
                stored += storing.store(batch, source=source, now=now)
            at = until
            if place > 0 or resume_at is not None:  # not what was known before the story begins
                day.facts += stored.orders + stored.parcels + stored.scans + stored.cancellations
            day.add(episodes.sweep(now=now))
            (drain or wait_for_workers)()
            obligations.look(now=now)
            on_step(now)
            is_last = place + 1 == len(moments) or must_stop()
            if is_last or _day_of(moments[place + 1]) != day.day:
                days.append(day)
                on_day(day)
                day = Day(now.date())
        if is_last:
            break
        if speed:
            _wait_until(began + (now - moments[0]).total_seconds() / speed, must_stop=must_stop)
    return days


def _wait_until(moment: float, *, must_stop: Callable[[], bool]) -> None:
    """`moment` by time.monotonic(); in short naps, so that Ctrl-C is heard."""
    while (left := moment - time.monotonic()) > 0 and not must_stop():
        time.sleep(min(left, 0.2))


def _day_of(now: datetime) -> date:
    """The day that a step up to `now` belongs to: midnight ends the day before."""
    return (now - timedelta(microseconds=1)).date()


def _moments(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    """`start`, then every `step`, and `end` last."""
    moments = [start]
    while moments[-1] + step < end:
        moments.append(moments[-1] + step)
    return [*moments, end]


def _story(now: datetime) -> AbstractContextManager[None]:
    """This process at `now`, and every process that follows the clock's file."""
    if path := os.environ.get("PREEMPT_CLOCK_FILE"):
        clock.set_for_all(Path(path), now)
        return nullcontext()
    return clock.frozen(now)


def drain_inline() -> None:
    """Send in this process until nothing is on its way. Raises Stuck."""

    def work() -> None:
        settling.reap()
        dispatch.drain(dispatch.LANES)
        delivery.read_inbound()

    _until_idle(work, "The mail provider does not answer, or refuses everything; see the desk's list of messages.")


def wait_for_workers() -> None:
    """Ring and wait until the workers have sent what is on its way. Raises Stuck."""
    ring_at = 0.0

    def ring() -> None:
        nonlocal ring_at
        if time.monotonic() > ring_at:
            for lane in dispatch.LANES:
                doorbell.ring(lane)
            ring_at = time.monotonic() + _RING_EVERY

    _until_idle(
        ring, "Is a worker running, on this database, with the same PREEMPT_CLOCK_FILE? Without one, use --inline."
    )


def _is_busy() -> Q:
    """Messages that are due, or on their way; those for the morning are neither."""
    return Q(state__in=_BUSY) | Q(state=MessageState.READY, not_before__lte=clock.now())


def _until_idle(work: Callable[[], None], hint: str) -> None:
    """What is unknown is not waited for: that can take half an hour."""
    ends = time.monotonic() + LONGEST_WAIT
    while waiting := Message.objects.filter(_is_busy()).count():
        if time.monotonic() > ends:
            raise Stuck(f"{waiting} messages were not sent within {LONGEST_WAIT:.0f} s. {hint}")
        work()
        time.sleep(_LOOK_EVERY)

"""When a parcel will come, as far as the shop's own past can tell. Pure.

A leg (order to hand-over, hand-over to delivery) has a *life table*: for each age in days, how many parcels of the last
weeks reached it, and how many ended the leg on that day. So parcels that are still on their way count for as long as
they have been, and a rush of new orders does not make the usual times look shorter than they are. What remains of a leg
is the table's distribution from today's age on (Kaplan and Meier 1958, left-truncated); the chances of two legs are
folded together. Measured on real orders in bench/expectations.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

# An age that this leg seldom outlasts; who has not come by then is lost more often than late.
LONGEST = 60  # days
# Fewer ended parcels than this are an anecdote: nothing is said.
ENOUGH = 30
# And so many of them must have needed at least as long as this one has by now.
ENOUGH_SO_LATE = 10
# A carrier's own table counts against that of all carriers as if this many parcels of all were among its own.
BORROWED = 30
_REACHED_BY_FEWEST = 8  # beyond the age that fewer parcels reached, the table is noise

LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9
HALF = 0.25, 0.75
MOST = 0.025, 0.975

Chances = Mapping[int, float]  # days from today -> probability; they add up to 1


@dataclass(frozen=True)
class Table:
    """A leg's life table. Both maps go from an age in days to a number of parcels."""

    waiting: Mapping[int, float]
    ended: Mapping[int, float]

    @property
    def total(self) -> float:
        return sum(self.ended.values())


@dataclass(frozen=True)
class Expectation:
    """Days from today: as likely later as earlier than `middle`; four in five between `low` and `high`, both meant.

    And the ends of the ranges that hold half, and 95 in 100.
    """

    low: int
    middle: int
    high: int
    half: tuple[int, int]
    most: tuple[int, int]


def blend(own: Table, everyone: Table) -> Table:
    """A carrier's table, filled up with everyone's as far as it is thin (BORROWED parcels at each age).

    `everyone` includes the carrier's own. An age that too few of all reached is left out.
    """
    waiting: dict[int, float] = {}
    ended: dict[int, float] = {}
    for day, reached in everyone.waiting.items():
        if reached >= _REACHED_BY_FEWEST:
            weight = min(BORROWED, reached)
            waiting[day] = own.waiting.get(day, 0) + weight
            ended[day] = own.ended.get(day, 0) + weight * everyone.ended.get(day, 0) / reached
    return Table(waiting, ended)


def remaining(table: Table, *, age: int) -> Chances | None:
    """How many days from today a leg still takes, for a parcel that has been on it for `age` days.

    None where the past is too thin for that, or the parcel has been on its way longer than almost all others.
    """
    chances: dict[int, float] = {}
    left = 1.0
    for day in range(age, LONGEST + 1):
        reached = table.waiting.get(day, 0)
        if reached < _REACHED_BY_FEWEST:
            break
        gone = left * table.ended.get(day, 0) / reached
        chances[day - age] = gone
        left -= gone
    known = sum(chances.values())
    # Under half: most of what would be said is beyond the data.
    if known < 0.5:
        return None
    return {day: chance / known for day, chance in chances.items() if chance}


def is_enough(everyone: Table, *, age: int = 0) -> bool:
    """Whether a shop knows enough ended parcels, and enough of those that took at least `age` days."""
    so_late = sum(number for day, number in everyone.ended.items() if day >= age)
    return everyone.total >= ENOUGH and so_late >= ENOUGH_SO_LATE


def after(first: Chances, then: Chances) -> Chances:
    """The days that two legs take one after the other."""
    both: dict[int, float] = defaultdict(float)
    for days, chance in first.items():
        for more, its_chance in then.items():
            both[days + more] += chance * its_chance
    return both


# A day of the week that brings less than this share of the parcels brings none: what comes on it is somebody's slip.
_IDLE_BELOW = 0.02


def idle_weekdays(arrivals: Mapping[int, int]) -> frozenset[int]:
    """The days of the week (1 is Monday) on which next to nothing is delivered; none where little is known."""
    total = sum(arrivals.values())
    if total < ENOUGH * 2:
        return frozenset()
    return frozenset(day for day in range(1, 8) if arrivals.get(day, 0) < _IDLE_BELOW * total)


def without_idle_days(chances: Chances, idle: frozenset[int], *, weekday: int) -> Chances:
    """What was to come on an idle day comes on the next that is none. `weekday` is today's, 1 for Monday."""
    moved: dict[int, float] = defaultdict(float)
    for days, chance in chances.items():
        while (weekday + days - 1) % 7 + 1 in idle:
            days += 1
        moved[days] += chance
    return moved


def expectation(chances: Chances) -> Expectation:
    """The middle, and the ranges that hold half, four in five and 95 in 100."""

    def by(share: float) -> int:
        sum_so_far = 0.0
        for day in sorted(chances):
            sum_so_far += chances[day]
            if sum_so_far >= share - 1e-9:
                return day
        return max(chances)

    half, most = (by(HALF[0]), by(HALF[1])), (by(MOST[0]), by(MOST[1]))
    return Expectation(by(LOW), by(MIDDLE), by(HIGH), half, most)


@dataclass(frozen=True)
class Tables:
    """What a shop knows of one carrier's parcels: packing is the shop's own, transit the carrier's and everyone's."""

    packing: Table
    transit: Table
    transit_of_all: Table
    idle: frozenset[int] = frozenset()  # days of the week


def expect(tables: Tables, *, packing_age: int | None, transit_age: int | None, weekday: int = 1) -> Expectation | None:
    """When a parcel comes, given how many days it has waited to be handed over, or been with the carrier since.

    Give one of the two ages (local calendar days), and today's weekday (1 is Monday). None: we cannot say.
    """
    chances = _chances(tables, packing_age=packing_age, transit_age=transit_age)
    return expectation(without_idle_days(chances, tables.idle, weekday=weekday)) if chances else None


def _chances(tables: Tables, *, packing_age: int | None, transit_age: int | None) -> Chances | None:
    if transit_age is not None:
        if not is_enough(tables.transit_of_all, age=transit_age):
            return None
        return remaining(blend(tables.transit, tables.transit_of_all), age=transit_age)
    if packing_age is None:
        raise ValueError("give packing_age or transit_age")
    if not (is_enough(tables.packing, age=packing_age) and is_enough(tables.transit_of_all)):
        return None
    packing = remaining(tables.packing, age=packing_age)
    transit = remaining(blend(tables.transit, tables.transit_of_all), age=0)
    return after(packing, transit) if packing and transit else None

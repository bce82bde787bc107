"""How long parcels of a lane take, and the chance to come in time for one that is still on its way. Pure.

Daily hazards: of the parcels that reached an age (in days) on a leg, the share that ended it at that age, counted over
the days before (Kaplan and Meier 1958, left-truncated, so that what is still on its way counts). A lane's hazards are
shrunk towards its parent's: the parent counts as if BORROWED of its parcels had been at each age of the lane's own.
Parents: carrier and destination's region, carrier and destination's country, carrier, all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from notifications.prediction.history import NEVER, Floats, History, Ints, Lane

LONGEST = 60  # days that a leg is looked at; the last hazard holds beyond
BORROWED = 30.0
FEWEST = 30  # a lane with fewer parcels has no table of its own: its parent's would outweigh it anyway
MOST_TABLES = 250  # of a level, the fullest; keeps memory bounded at any shop
WINDOW = 56  # days looked back, as transit.py
SHORT = 14  # days that show a change early; shrunk towards WINDOW
_AGES = LONGEST + 1
_BASE = 0.08  # a day's hazard where nothing at all is known, as if of _BASE_WEIGHT parcels
_BASE_WEIGHT = 2.0


@dataclass(frozen=True)
class Level:
    """Tables of one level. `of_lane` gives each lane's table, -1 where it has none."""

    of_lane: Ints
    waiting: Floats  # (tables, days + 1, ages): sums over the days before
    ended: Floats

    def between(self, since: int, until: int) -> tuple[Floats, Floats]:
        """Counts by table and age over the days [since, until), as offsets from the first day."""
        since = max(0, since)
        return self.waiting[:, until] - self.waiting[:, since], self.ended[:, until] - self.ended[:, since]

    def shrunk(self, base: Floats, waiting: Floats, ended: Floats) -> Floats:
        """(lanes, ages): `base` where a lane has no table here, else its table's hazards shrunk towards it."""
        own = np.where(self.of_lane >= 0)[0]
        table = self.of_lane[own]
        found = base.copy()
        found[own] = (ended[table] + BORROWED * base[own]) / (waiting[table] + BORROWED)
        return found


@dataclass(frozen=True)
class Leg:
    """One leg's levels, the widest first, from `first_day` on."""

    levels: tuple[Level, ...]
    first_day: int
    last_day: int  # no morning after this can be asked

    def hazards(self, day: int, window: int = WINDOW, *, levels: int | None = None) -> Floats:
        """(lanes, ages): the daily hazards that the morning of `day` believed in; of the widest `levels` only."""
        until = min(day, self.last_day) - self.first_day
        found: Floats | None = None
        for level in self.levels[:levels]:
            waiting, ended = level.between(until - window, until)
            if found is None:
                rates = (ended + _BASE * _BASE_WEIGHT) / (waiting + _BASE_WEIGHT)
                found = rates[level.of_lane]
                continue
            found = level.shrunk(found, waiting, ended)
        if found is None:
            raise ValueError("a leg has at least one level")
        return found

    def recent(self, day: int) -> Floats:
        """The hazards of the last SHORT days, shrunk towards those of WINDOW."""
        base = self.hazards(day)
        until = min(day, self.last_day) - self.first_day
        for level in self.levels:
            base = level.shrunk(base, *level.between(until - SHORT, until))
        return base


def transit(history: History, *, first_day: int, last_day: int) -> Leg:
    """Hand-over to delivery."""
    return _leg(
        history,
        history.handed_over,
        history.delivered,
        [
            [""] * len(history.lanes),
            [lane.carrier for lane in history.lanes],
            [f"{lane.carrier}|{lane.country}" for lane in history.lanes],
            [f"{lane.carrier}|{lane.destination}" for lane in history.lanes],
            ["|".join(lane) for lane in history.lanes],
        ],
        first_day=first_day,
        last_day=last_day,
    )


def packing(history: History, *, first_day: int, last_day: int) -> Leg:
    """Order to hand-over: where a parcel starts decides, not where it goes."""
    names = [[""] * len(history.lanes), [lane.origin for lane in history.lanes]]
    return _leg(history, history.placed, history.handed_over, names, first_day=first_day, last_day=last_day)


def _leg(
    history: History, began: Ints, ended: Ints, names: Sequence[Sequence[str]], *, first_day: int, last_day: int
) -> Leg:
    end = np.minimum(ended, history.dropped)
    is_ended = (ended <= history.dropped) & (ended - began <= LONGEST) & (ended < last_day)
    # The last day on which it was seen waiting: its end, the day before it was dropped, or yesterday.
    last_seen = np.minimum(np.minimum(np.where(is_ended, ended, end - 1), last_day - 1), began + LONGEST)
    spans = np.where(began == NEVER, 0, np.maximum(0, last_seen - began + 1))
    row = np.repeat(np.arange(len(history)), spans)
    age = np.arange(len(row)) - np.repeat(np.cumsum(spans) - spans, spans)
    when = began[row] + age - first_day
    inside = when >= 0
    row, age, when = row[inside], age[inside], when[inside]
    is_end = is_ended[row] & (began[row] + age == ended[row])
    levels: list[Level] = []
    for of_lane_names in names:
        of_lane, tables = _tables(history, of_lane_names, is_widest=not levels)
        table = of_lane[history.lane[row]]
        levels.append(
            Level(
                of_lane,
                _summed(table, when, age, history.weight[row], tables, last_day - first_day),
                _summed(table, when, age, history.weight[row] * is_end, tables, last_day - first_day),
            )
        )
    return Leg(tuple(levels), first_day, last_day)


def _tables(history: History, names: Sequence[str], *, is_widest: bool) -> tuple[Ints, int]:
    """The table of each lane, and how many there are."""
    sizes: Counter[str] = Counter()
    for lane, size in zip(*np.unique(history.lane, return_counts=True), strict=True):
        sizes[names[lane]] += int(size)
    kept = [name for name, size in sizes.most_common(MOST_TABLES) if size >= FEWEST or is_widest]
    number = {name: n for n, name in enumerate(kept)}
    return np.array([number.get(name, 0 if is_widest else -1) for name in names], dtype=np.int64), max(1, len(kept))


def _summed(table: Ints, when: Ints, age: Ints, weight: Floats, tables: int, days: int) -> Floats:
    own = table >= 0
    flat = (table[own] * days + when[own]) * _AGES + age[own]
    counted = np.bincount(flat, weights=weight[own], minlength=tables * days * _AGES).reshape(tables, days, _AGES)
    summed = np.zeros((tables, days + 1, _AGES))
    np.cumsum(counted, axis=1, out=summed[:, 1:])
    return summed


def survivals(hazards: Floats) -> Floats:
    """(lanes, 2·ages + 1): log of the chance to reach each age; beyond LONGEST the last hazard holds."""
    beyond = np.repeat(hazards[:, -1:], _AGES, axis=1)
    logs = np.log1p(-np.clip(np.concatenate([hazards, beyond], axis=1), 1e-4, 0.999))
    reached = np.zeros((len(hazards), logs.shape[1] + 1))
    np.cumsum(logs, axis=1, out=reached[:, 1:])
    return reached


def late_in_transit(reached: Floats, lane: Ints, age: Ints, left: Ints) -> Floats:
    """P(not delivered within `left` further days, today among them | not delivered at `age`); 1 where left < 0."""
    age = np.clip(age, 0, LONGEST)
    until = np.clip(age + np.minimum(left, LONGEST) + 1, age, 2 * _AGES)
    late = np.exp(reached[lane, until] - reached[lane, age])
    return np.where(left < 0, 1.0, late)


def late_in_packing(packed: Floats, reached: Floats, lane: Ints, age: Ints, left: Ints) -> Floats:
    """The same for a parcel that waits to be handed over: the two legs folded together."""
    age = np.clip(age, 0, LONGEST)
    left_most = np.minimum(left, LONGEST)
    late = np.exp(packed[lane, np.clip(age + left_most + 1, age, 2 * _AGES)] - packed[lane, age])
    for days in range(int(left_most.max(initial=-1)) + 1):
        at = np.minimum(age + days, 2 * _AGES - 1)
        leaves = np.exp(packed[lane, at] - packed[lane, age]) - np.exp(packed[lane, at + 1] - packed[lane, age])
        rest = left_most - days
        still = np.exp(reached[lane, np.clip(rest + 1, 0, 2 * _AGES)])
        late = late + np.where(rest >= 0, leaves * still, 0.0)
    return np.where(left < 0, 1.0, late)


__all__ = ["Lane", "Leg", "Level", "late_in_packing", "late_in_transit", "packing", "survivals", "transit"]

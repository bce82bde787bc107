"""The shop's past as arrays, one row a parcel. Pure.

A *day* is a date's ordinal where the shop is. A day's morning knows what happened on the days before it, and nothing
of the day itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEVER = 10_000_000  # a day that has not come

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Lane(NamedTuple):
    """Who carries a parcel, from where, to where."""

    carrier: str
    origin: str  # country and region, as "BR-SP"
    destination: str

    @property
    def country(self) -> str:
        return self.destination.partition("-")[0]


class Parcel(NamedTuple):
    """One row of a history. Days are ordinals, NEVER where it has not happened."""

    lane: Lane
    placed: int
    promised: int
    ship_by: int
    handed_over: int
    delivered: int
    dropped: int  # cancelled, or on its way back: of no interest from this day on
    weight: float = 1.0  # how many real parcels it stands for, in a sample


@dataclass(frozen=True)
class History:
    """Parcels as columns of one length. `lane` indexes `lanes`."""

    lane: Ints
    placed: Ints
    promised: Ints
    ship_by: Ints
    handed_over: Ints
    delivered: Ints
    dropped: Ints
    weight: Floats
    lanes: tuple[Lane, ...]

    def __len__(self) -> int:
        return len(self.lane)

    def pick(self, rows: Bools | Ints) -> History:
        """The parcels of some rows; the lanes keep their numbers."""
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "lanes"}
        return replace(self, **columns)

    @property
    def is_late(self) -> Bools:
        """Whether it came after its promised day, or never. Means nothing for what was dropped before."""
        return self.delivered > self.promised

    @property
    def label_known(self) -> Ints:
        """The first morning that knows whether it was late; NEVER for what was dropped before."""
        known = np.minimum(self.delivered, self.promised) + 1
        return np.where(self.dropped < known, NEVER, known)

    def as_known(self, day: int) -> History:
        """What the morning of `day` knew: parcels placed before it, and no later events."""
        seen = self.pick(self.placed < day)
        return replace(
            seen,
            handed_over=np.where(seen.handed_over < day, seen.handed_over, NEVER),
            delivered=np.where(seen.delivered < day, seen.delivered, NEVER),
            dropped=np.where(seen.dropped < day, seen.dropped, NEVER),
        )


def of(parcels: Iterable[Parcel]) -> History:
    """Rows into columns. What contradicts itself is put in order: nothing is before the order, nor after delivery."""
    rows = list(parcels)
    lanes = tuple(sorted({row.lane for row in rows}))
    number = {lane: n for n, lane in enumerate(lanes)}

    def column(name: str) -> Ints:
        return np.array([getattr(row, name) for row in rows], dtype=np.int64)

    placed = column("placed")
    delivered = np.maximum(column("delivered"), placed)
    return History(
        lane=np.array([number[row.lane] for row in rows], dtype=np.int64),
        placed=placed,
        promised=column("promised"),
        ship_by=column("ship_by"),
        handed_over=np.minimum(np.maximum(column("handed_over"), placed), delivered),
        delivered=delivered,
        dropped=column("dropped"),
        weight=np.array([row.weight for row in rows], dtype=np.float64),
        lanes=lanes,
    )

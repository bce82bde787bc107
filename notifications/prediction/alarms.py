"""How good early warnings are. Pure.

A warning is the first morning on which a parcel's chance to be late passes a bound. The last mornings ask for more: an
early warning is worth more, so it may be less sure, and what is undecided on the day before waits a day for the proof.

Of each parcel at most one warning counts, as a customer would get one. Precision is the share of warned parcels that
came late; recall the share of late parcels that were warned of; lead the days from the warning to the promised day
(0: on its morning). All weighted by what a parcel stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from notifications.prediction.history import Bools, Floats, Ints


@dataclass(frozen=True)
class Watched:
    """Landmarks (parcel, days left, chance) of some parcels, and how these came out. `row` indexes the parcels."""

    row: Ints
    left: Ints
    chance: Floats
    is_late: Bools  # per parcel
    weight: Floats

    def pick(self, parcels: Ints) -> Watched:
        """Some parcels, each as often as it is named (for the bootstrap)."""
        order = np.argsort(self.row, kind="stable")
        starts = np.searchsorted(self.row[order], np.arange(len(self.is_late) + 1))
        sizes = starts[parcels + 1] - starts[parcels]
        at = np.repeat(starts[parcels], sizes) + np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return Watched(
            np.repeat(np.arange(len(parcels)), sizes),
            self.left[order][at],
            self.chance[order][at],
            self.is_late[parcels],
            self.weight[parcels],
        )


@dataclass(frozen=True)
class Quality:
    """What warnings at one bound are worth. Shares are NaN where nothing is counted."""

    precision: float
    recall: float
    lead_days: float  # weighted median over the late parcels that were warned of
    mean_lead_days: float
    false_alarms_per_1000: float  # parcels watched
    warned: float  # weighted number
    warned_rows: int


LAST_MORNINGS = 2  # the promised day's and the one before
SURER = 0.75  # by so much log-odds; both chosen on Olist's orders promised from July to October 2017


def bound_on(bound: float, left: Ints) -> Floats:
    """The chance that calls a parcel late on a morning with so many days left."""
    surer = bound * np.exp(SURER) / (1 - bound + bound * np.exp(SURER))
    return np.where(left < LAST_MORNINGS, surer, bound)


def warnings_at(watched: Watched, bound: float) -> Ints:
    """Per parcel: days left at its first warning, -1 where there is none."""
    return _first(watched, watched.chance >= bound_on(bound, watched.left))


def rule(watched: Watched, days: int) -> Ints:
    """The same for the plain rule "not delivered on the morning `days` before the promised day", or seen after it."""
    return _first(watched, watched.left <= days)


def _first(watched: Watched, hit: Bools) -> Ints:
    lead = np.full(len(watched.is_late), -1, dtype=np.int64)
    np.maximum.at(lead, watched.row[hit], watched.left[hit])
    return lead


def quality(watched: Watched, lead: Ints) -> Quality:
    """Of warnings as warnings_at() and rule() give them."""
    warned = lead >= 0
    weight, late = watched.weight, watched.is_late
    right = warned & late
    total, all_late = weight[warned].sum(), weight[late].sum()
    return Quality(
        precision=_ratio(weight[right].sum(), total),
        recall=_ratio(weight[right].sum(), all_late),
        lead_days=median(lead[right].astype(np.float64), weight[right]),
        mean_lead_days=_ratio((lead * weight)[right].sum(), weight[right].sum()),
        false_alarms_per_1000=1000 * _ratio(weight[warned & ~late].sum(), weight.sum()),
        warned=float(total),
        warned_rows=int(warned.sum()),
    )


def bound_for(watched: Watched, precision: float) -> float:
    """The lowest bound from which on every higher one that warns of enough parcels is as precise; 1 where none is.

    Searched in steps of .01: a finer one would follow single parcels.
    """
    found = 1.0
    for step in range(99, 4, -1):
        bound = step / 100
        reached = quality(watched, warnings_at(watched, bound))
        if reached.warned_rows < FEWEST:
            continue
        if not reached.precision >= precision:
            break
        found = bound
    return found


FEWEST = 30  # warned parcels under which a precision is an anecdote


def brier(chance: Floats, is_late: Bools, weight: Floats) -> float:
    """Mean squared distance of the chances from what came (Brier 1950); less is better."""
    return _ratio((weight * (chance - is_late) ** 2).sum(), weight.sum())


def median(values: Floats, weight: Floats) -> float:
    """The value up to which half of the weight lies; NaN of nothing."""
    if not len(values):
        return float("nan")
    order = np.argsort(values, kind="stable")
    at = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(values[order][min(int(at), len(values) - 1)])


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")

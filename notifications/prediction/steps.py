"""A morning's row spread over the days until its promised day: what the trees are asked, one question a day. Pure.

The trees answer for one day "does it come on this day, if it has not come before?" (a discrete-time hazard, Singer and
Willett 1993). P(late) is the product of the noes. So a model learns from every day that has passed, also of parcels
whose promised day is still to come.
"""

from __future__ import annotations

import numpy as np

from notifications.prediction import features
from notifications.prediction.history import Floats, History, Ints

NAMES = (*features.NAMES, "days_on", "weekday_asked")  # days on from the morning, and the weekday of that day
MOST_HAZARD = 0.99
_LEFT, _WEEKDAY = features.NAMES.index("days_left"), features.NAMES.index("weekday")


def spread(table: Floats, days: Ints) -> tuple[Ints, Floats]:
    """For each row of `table` as many days from its morning on as `days` says: the row asked about, (asked, NAMES)."""
    row = np.repeat(np.arange(len(table)), days)
    on = np.arange(len(row)) - np.repeat(np.cumsum(days) - days, days)
    return row, np.column_stack([table[row], on, (table[row, _WEEKDAY] + on) % 7])


def all_left(table: Floats) -> Ints:
    """How many days there are until the end of the promised day, the morning's own among them."""
    return table[:, _LEFT].astype(np.int64) + 1


def seen_by(history: History, table: Floats, row: Ints, day: Ints, *, now: int) -> Ints:
    """Of those, how many had passed on the morning of `now` while the parcel was still on its way, its end included."""
    end = np.minimum(np.minimum(history.delivered, history.dropped)[row], now - 1)
    return np.clip(end - day + 1, 0, all_left(table))


def late(hazard: Floats, row: Ints, rows: int) -> Floats:
    """P(late) of each of `rows` rows, from the hazards of its days."""
    return np.exp(np.bincount(row, weights=np.log1p(-np.minimum(hazard, MOST_HAZARD)), minlength=rows))

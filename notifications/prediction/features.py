"""What is known of open parcels on the morning of a day: the rows that the model is asked about. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from notifications.prediction import lanes
from notifications.prediction.history import NEVER, Bools, Floats, History, Ints
from notifications.prediction.network import Network

HORIZON = 14  # days before the promised day, from which on a parcel is asked about

NAMES = (
    "days_left",
    "days_since_order",
    "days_since_hand_over",  # empty before it
    "days_past_ship_by",  # of the hand-over, or until today
    "promised_days",
    "weekday",
    "promised_weekday",
    "lane_late",  # P(late | not yet) of the lane, by the last weeks
    "lane_late_recent",  # the same, by the last days
    "late_rate_week",
    "transit_pace",
    "packing_pace",
    "surge",
    "backlog",
)
LANE_LATE = NAMES.index("lane_late_recent")


def asked(history: History, day: int, *, horizon: int = HORIZON) -> Ints:
    """Rows that are open on the morning of `day` and promised for one of the days from it to `horizon` on."""
    is_open = (history.placed < day) & (history.delivered >= day) & (history.dropped >= day)
    left = history.promised - day
    return np.nonzero(is_open & (left >= 0) & (left <= horizon))[0]


def of_day(history: History, known: Network, rows: Ints, day: int) -> Floats:
    """(rows, NAMES) for parcels that are open on the morning of `day`. Looks at nothing later."""
    lane, placed, promised = history.lane[rows], history.placed[rows], history.promised[rows]
    handed_over = history.handed_over[rows]
    is_packed = handed_over < day
    left, age = promised - day, day - placed
    since = np.where(is_packed, day - handed_over, -1)
    ship_by = history.ship_by[rows]
    past = np.where(is_packed, handed_over, day) - ship_by
    one = np.ones(len(rows))
    late_now = _lane_late(known, lane, is_packed, since, age, left, day, is_recent=False)
    late_recent = _lane_late(known, lane, is_packed, since, age, left, day, is_recent=True)
    columns = (
        left,
        age,
        np.where(is_packed, since, np.nan),
        np.where(ship_by < NEVER, past, np.nan),
        promised - placed,
        one * ((day - 1) % 7),  # date.fromordinal(1) was a Monday
        (promised - 1) % 7,
        late_now,
        late_recent,
        one * known.late_rate(day, 7),
        one * known.pace(known.transit, day, 7),
        one * known.pace(known.packing, day, 7),
        one * known.surge(day, 7),
        one * known.backlog(day),
    )
    return np.column_stack(columns).astype(np.float64) if len(rows) else np.zeros((0, len(NAMES)))


QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)  # the ends and the middle of the ranges of 50, 80 and 95 %


def days_to_come(history: History, known: Network, rows: Ints, day: int, *, levels: int | None = None) -> Floats:
    """(rows, QUANTILES): within how many days from the morning of `day` each comes, by its lane's times.

    With `levels`, by those of the widest levels only: 2 is the carrier's, as expectations.py has it.
    """
    found = np.full((len(rows), len(QUANTILES)), float(lanes.LONGEST))
    for left in range(lanes.LONGEST, -1, -1):
        came = 1 - late_by_lane(history, known, rows, day, left=np.full(len(rows), left), levels=levels)
        for place, share in enumerate(QUANTILES):
            found[came >= share, place] = left
    return found


def late_by_lane(
    history: History, known: Network, rows: Ints, day: int, *, left: Ints, levels: int | None = None
) -> Floats:
    """P(not delivered within `left` days from the morning of `day`), by the lanes' times of the last weeks alone."""
    handed_over = history.handed_over[rows]
    is_packed = handed_over < day
    return _lane_late(
        known,
        history.lane[rows],
        is_packed,
        np.where(is_packed, day - handed_over, -1),
        day - history.placed[rows],
        left,
        day,
        is_recent=False,
        levels=levels,
    )


def _lane_late(
    known: Network,
    lane: Ints,
    is_packed: Bools,
    since: Ints,
    age: Ints,
    left: Ints,
    day: int,
    *,
    is_recent: bool,
    levels: int | None = None,
) -> Floats:
    transit = known.transit.recent(day) if is_recent else known.transit.hazards(day, levels=levels)
    packing = known.packing.recent(day) if is_recent else known.packing.hazards(day, levels=levels and levels - 1)
    reached, packed = lanes.survivals(transit), lanes.survivals(packing)
    late = lanes.late_in_transit(reached, lane, since, left)
    waits = ~is_packed
    if waits.any():
        late[waits] = lanes.late_in_packing(packed, reached, lane[waits], age[waits], left[waits])
    return late


def table(
    history: History, days: Iterable[int], *, known: Network, horizon: int = HORIZON
) -> tuple[Floats, Ints, Ints]:
    """Landmarks: for each morning of `days` each parcel asked about. Features, row in the history, day."""
    parts: list[tuple[Floats, Ints, Ints]] = []
    for day in days:
        rows = asked(history, day, horizon=horizon)
        parts.append((of_day(history, known, rows, day), rows, np.full(len(rows), day, dtype=np.int64)))
    if not parts:
        return np.zeros((0, len(NAMES))), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    found, rows_of, days_of = zip(*parts, strict=True)
    return np.concatenate(found), np.concatenate(rows_of), np.concatenate(days_of)

"""Learns a model from a history, and judges it on later parcels against the plain rules. Pure but for scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from notifications.prediction import features, network, steps, trees
from notifications.prediction.alarms import Watched
from notifications.prediction.history import NEVER, Floats, History, Ints
from notifications.prediction.network import Network
from notifications.prediction.trees import Trees

LEARNT_DAYS = 550  # older mornings tell of another shop
MOST_ASKED = 1_000_000  # questions learnt from; of more, every second or third morning of a parcel, which was no worse
FEWEST_PARCELS, FEWEST_LATE = 600, 60  # of known outcome, before anything is learnt
# Chosen on Olist's orders before November 2017 (docs/decisions): few, small trees. More of either was no better.
_PARAMETERS = {
    "max_iter": 80,
    "learning_rate": 0.08,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 400,
    "l2_regularization": 20.0,
    "random_state": 0,
    "early_stopping": False,
}


class TooLittle(Exception):
    """Not enough is known to learn from. The text says what is missing."""


@dataclass(frozen=True)
class Landmarks:
    """Mornings of parcels: features, and the parcel's row and the day of each."""

    table: Floats
    row: Ints
    day: Ints


def landmarks(history: History, known: Network, *, since: int, until: int) -> Landmarks:
    """Of the mornings [since, until)."""
    return Landmarks(*features.table(history, range(since, until), known=known))


def network_of(history: History, *, since: int, until: int) -> Network:
    """Counts that can be asked on the mornings [since, until], with the weeks before that they look back on."""
    return network.of(history, first_day=since - 2 * 60, last_day=until)


def learn(history: History, seen: Landmarks, *, now: int) -> Trees:
    """A model of every day that the morning of `now` knows. Raises TooLittle.

    A day counts as soon as it has passed, so nothing waits for the promised day. Held back for a calibration, the last
    weeks taught less than they mended (docs/decisions).
    """
    is_known = (history.label_known[seen.row] <= now) & (seen.day < now)
    parcels, late = _numbers(history, seen.row[is_known])
    if parcels < FEWEST_PARCELS or late < FEWEST_LATE:
        raise TooLittle(
            f"{parcels} parcels of known outcome, {late} of them late; {FEWEST_PARCELS} and {FEWEST_LATE} are needed"
        )
    return _fit(history, seen, now=now)


def watched(history: History, seen: Landmarks, chance: Floats, *, since: int, until: int) -> Watched:
    """The parcels promised in [since, until) with a known outcome, with their landmarks' chances."""
    promised = history.promised[seen.row]
    inside = (promised >= since) & (promised < until) & (history.label_known[seen.row] < NEVER)
    parcels, row = np.unique(seen.row[inside], return_inverse=True)
    return Watched(
        row=row,
        left=promised[inside] - seen.day[inside],
        chance=chance[inside],
        is_late=history.is_late[parcels],
        weight=history.weight[parcels],
    )


def _numbers(history: History, rows: Ints) -> tuple[int, int]:
    """Parcels, and late ones among them."""
    parcels = np.unique(rows)
    return len(parcels), int(history.is_late[parcels].sum())


def _fit(history: History, seen: Landmarks, *, now: int) -> Trees:
    """Of every day that had passed on the morning of `now`, promised day over or not."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # the optional extra: only learning needs it

    model = HistGradientBoostingClassifier(**_PARAMETERS)
    mornings = seen.day < now
    table, of, day = seen.table[mornings], seen.row[mornings], seen.day[mornings]
    days = steps.seen_by(history, table, of, day, now=now)
    every = -(-int(days.sum()) // MOST_ASKED) or 1
    table, of, day, days = table[::every], of[::every], day[::every], days[::every]
    row, asked = steps.spread(table, days)
    on = asked[:, steps.NAMES.index("days_on")].astype(np.int64)
    model.fit(asked, history.delivered[of[row]] == day[row] + on, sample_weight=history.weight[of[row]])
    kept = trees.of_classifier(model, features=len(steps.NAMES))
    sample = asked[:500]
    if not np.allclose(trees.sigmoid(kept.log_odds(sample)), model.predict_proba(sample)[:, 1], atol=1e-6):
        raise RuntimeError("this version of scikit-learn keeps its trees in another way; install the locked one")
    return kept

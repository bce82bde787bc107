"""Boosted trees as plain arrays: stored as .npz, asked with numpy alone. Nothing here is ever unpickled. Pure.

Learning needs scikit-learn (the extra "predict"); asking does not.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from notifications.prediction import steps
from notifications.prediction.history import Floats, Ints

_FORMAT = 2  # 1 answered for the whole time until the promised day at once
_AT_ONCE = 20_000  # rows spread at a time; bounds the memory


class Unreadable(Exception):
    """These bytes are no trees of ours. The text says why."""


@dataclass(frozen=True)
class Trees:
    """All trees' nodes in one row. `roots` are the places where trees begin; children are places too."""

    roots: Ints
    feature: Ints
    threshold: Floats
    missing_left: Ints
    left: Ints
    right: Ints  # the node itself at a leaf, as is left
    value: Floats  # of leaves; 0 elsewhere
    baseline: Floats  # (1,)
    features: Ints  # (1,) how many columns a row has

    def chance(self, rows: Floats) -> Floats:
        """P(late) of each row of features.NAMES."""
        found = []
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            row, asked = steps.spread(some, steps.all_left(some))
            found.append(steps.late(sigmoid(self.log_odds(asked)), row, len(some)))
        return np.concatenate(found) if found else np.zeros(0)

    def log_odds(self, rows: Floats) -> Floats:
        """Of coming on the day asked about. (rows, steps.NAMES) -> (rows,)"""
        if rows.shape[1] != self.features[0]:
            raise ValueError(f"{rows.shape[1]} features where the model knows {self.features[0]}")
        total = np.full(len(rows), self.baseline[0])
        every = np.arange(len(rows))
        for root in self.roots:
            at = np.full(len(rows), root)
            while True:
                asked = rows[every, self.feature[at]]
                goes_left = np.where(np.isnan(asked), self.missing_left[at] == 1, asked <= self.threshold[at])
                following = np.where(goes_left, self.left[at], self.right[at])
                if (following == at).all():
                    break
                at = following
            total += self.value[at]
        return total

    def dump(self) -> bytes:
        """As bytes for load()."""
        file = io.BytesIO()
        np.savez_compressed(file, format=np.array([_FORMAT]), **{f.name: getattr(self, f.name) for f in fields(self)})
        return file.getvalue()


def load(stored: bytes) -> Trees:
    """What dump() wrote. Raises Unreadable; arrays of objects are refused, so that no code can hide in them."""
    try:
        with np.load(io.BytesIO(stored), allow_pickle=False) as file:
            if int(file["format"][0]) != _FORMAT:
                raise Unreadable(f"its format is {int(file['format'][0])}, this program writes {_FORMAT}")
            found = Trees(**{f.name: file[f.name] for f in fields(Trees)})
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Unreadable(str(error)) from error
    nodes = len(found.feature)
    links = np.concatenate([found.left, found.right, found.roots])
    if nodes and not ((links >= 0) & (links < nodes)).all():
        raise Unreadable("a branch leads out of the trees")
    own = np.arange(nodes)
    # A leaf leads to itself, all else further on: asking ends.
    if not ((found.left > own) & (found.right > own) | (found.left == own) & (found.right == own)).all():
        raise Unreadable("a branch leads back")
    return found


def of_classifier(model: Any, *, features: int) -> Trees:
    """A fitted HistGradientBoostingClassifier of two classes, without categories.

    Reads scikit-learn's own arrays, which no promise covers: training.py compares the answers before it keeps them.
    """
    parts: dict[str, list[Any]] = {name: [] for name in ("feature", "threshold", "missing", "left", "right", "value")}
    roots, offset = [], 0
    for (tree,) in model._predictors:
        nodes = tree.nodes
        own = np.arange(len(nodes)) + offset
        is_leaf = nodes["is_leaf"].astype(bool)
        roots.append(offset)
        parts["feature"].append(np.where(is_leaf, 0, nodes["feature_idx"]))
        parts["threshold"].append(np.where(is_leaf, 0.0, nodes["num_threshold"]))
        parts["missing"].append(nodes["missing_go_to_left"])
        parts["left"].append(np.where(is_leaf, own, nodes["left"].astype(np.int64) + offset))
        parts["right"].append(np.where(is_leaf, own, nodes["right"].astype(np.int64) + offset))
        parts["value"].append(np.where(is_leaf, nodes["value"], 0.0))
        offset += len(nodes)
    joined = {name: np.concatenate(part) for name, part in parts.items()}
    return Trees(
        roots=np.array(roots, dtype=np.int64),
        feature=joined["feature"].astype(np.int64),
        threshold=joined["threshold"].astype(np.float64),
        missing_left=joined["missing"].astype(np.int64),
        left=joined["left"].astype(np.int64),
        right=joined["right"].astype(np.int64),
        value=joined["value"].astype(np.float64),
        baseline=np.array([float(np.ravel(model._baseline_prediction)[0])]),
        features=np.array([features], dtype=np.int64),
    )


def sigmoid(log_odds: Floats) -> Floats:
    """Log-odds into chances."""
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30)))

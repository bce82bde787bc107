"""A model's warnings beside those of the plain rules, on the same parcels. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from notifications.prediction import alarms
from notifications.prediction.alarms import Quality, Watched

RULES = (3, 1, 0)  # "not delivered on the morning so many days before the promised day"
# A model is used where it beats the best rule by this: days of median lead at equal precision, or precision.
LEAD_GAIN, PRECISION_GAIN = 1.0, 0.08


@dataclass(frozen=True)
class Beside:
    """A rule, the model at the rule's precision, and the model at the rule's lead."""

    days: int
    rule: Quality
    bound: float
    at_precision: Quality
    at_lead: Quality

    @property
    def lead_gain(self) -> float:
        """Days of median lead at no less precision; NaN where the model is never so precise."""
        return self.at_precision.lead_days - self.rule.lead_days

    @property
    def precision_gain(self) -> float:
        """At no less lead."""
        return self.at_lead.precision - self.rule.precision

    @property
    def is_beaten(self) -> bool:
        """Whether the model is enough better, and does not get there by warning of a few only."""
        keeps_up = self.at_precision.recall >= 0.8 * self.rule.recall
        return bool((self.lead_gain >= LEAD_GAIN and keeps_up) or self.precision_gain >= PRECISION_GAIN)


def beside(watched: Watched, days: int, *, bound: float | None = None) -> Beside:
    """The model beside one rule. `bound` fixes the model's instead of the rule's precision choosing it."""
    rule = alarms.quality(watched, alarms.rule(watched, days))
    chosen = alarms.bound_for(watched, rule.precision) if bound is None else bound
    at_lead = at_precision = alarms.quality(watched, alarms.warnings_at(watched, chosen))
    for step in range(round(chosen * 100) + 1, 100):
        tried = alarms.quality(watched, alarms.warnings_at(watched, step / 100))
        if tried.warned_rows < alarms.FEWEST or not tried.lead_days >= rule.lead_days:
            break
        # At half the rule's recall the two are no longer alike.
        if tried.recall >= 0.8 * rule.recall:
            at_lead = tried
    return Beside(days, rule, chosen, at_precision, at_lead)


def best_rule(watched: Watched) -> int:
    """The rule with the best balance of precision and recall (F1) on these parcels."""

    def balance(days: int) -> float:
        found = alarms.quality(watched, alarms.rule(watched, days))
        total = found.precision + found.recall
        return 2 * found.precision * found.recall / total if total else 0.0

    # The day before and earlier: a warning on the promised day itself is no early one.
    return max((days for days in RULES if days > 0), key=balance)


def calibration(watched: Watched) -> list[dict[str, float]]:
    """By tenths of the chance: how many landmarks, the mean chance, the share late with its Wilson interval."""
    late = watched.is_late[watched.row]
    weight = watched.weight[watched.row]
    found = []
    for tenth in range(10):
        inside = (watched.chance >= tenth / 10) & ((watched.chance < (tenth + 1) / 10) | (tenth == 9))
        if not inside.any():
            continue
        own = weight[inside]
        share = float((own * late[inside]).sum() / own.sum())
        # A parcel stands in a tenth on several mornings: parcels, not mornings, are independent.
        parcels = len(np.unique(watched.row[inside]))
        low, high = _wilson(share, parcels)
        mean = float((own * watched.chance[inside]).sum() / own.sum())
        found.append(
            {"from": tenth / 10, "landmarks": int(inside.sum()), "parcels": parcels, "said": mean}
            | {"late": share, "low": low, "high": high}
        )
    return found


def _wilson(share: float, number: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson 1927."""
    middle = (share + z * z / (2 * number)) / (1 + z * z / number)
    half = z / (1 + z * z / number) * (share * (1 - share) / number + z * z / (4 * number * number)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def as_json(quality: Quality) -> dict[str, float | None]:
    """NaN is no JSON."""
    return {name: None if value != value else round(float(value), 4) for name, value in asdict(quality).items()}

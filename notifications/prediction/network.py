"""How the whole network does lately, as each morning could know it. Pure.

*Pace* is the parcels that ended a leg on the last days over those that would have at the hazards of the weeks before
(observed over expected, as in a log-rank test): 1 is as usual, .5 is half as fast. It turns days before late deliveries
can be counted, since parcels that do not arrive are already missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from notifications.prediction import lanes
from notifications.prediction.history import NEVER, Floats, History, Ints
from notifications.prediction.lanes import Leg

_TRUST = 20.0  # parcels' worth of "as usual" in every rate and pace
USUAL_LATE = 0.05  # where nothing is known


@dataclass(frozen=True)
class Network:
    """Both legs, and counts by day. `day` arguments are mornings from first_day to last_day."""

    first_day: int
    last_day: int
    transit: Leg
    packing: Leg
    judged: Floats  # (days + 1,) sums: parcels whose promised day has passed
    late: Floats
    placed: Floats  # (days + 1,) sums
    left: Floats  # handed over
    open_unpacked: Floats  # (days + 1,) waiting to be handed over on that morning

    def late_rate(self, day: int, window: int) -> float:
        """Share late of the parcels promised in the `window` days before."""
        late, judged = self._sum(self.late, day, window), self._sum(self.judged, day, window)
        return (late + USUAL_LATE * _TRUST) / (judged + _TRUST)

    def promised(self, day: int, window: int) -> float:
        """Parcels promised in the `window` days before."""
        return self._sum(self.judged, day, window)

    def pace(self, leg: Leg, day: int, window: int) -> float:
        """Observed over expected ends of a leg in the `window` days before; 1 is as usual."""
        until = min(day, leg.last_day) - leg.first_day
        waiting, ended = leg.levels[0].between(until - window, until)
        before = leg.levels[0].between(until - window - lanes.WINDOW, until - window)
        usual = (before[1][0] + 0.1) / (before[0][0] + 1.0)
        return float((ended[0].sum() + _TRUST) / ((waiting[0] * usual).sum() + _TRUST))

    def surge(self, day: int, window: int) -> float:
        """Orders of the last days against as many of the four weeks before."""
        before = self._sum(self.placed, day - window, 28) / 28 * window
        return (self._sum(self.placed, day, window) + _TRUST) / (before + _TRUST)

    def backlog(self, day: int) -> float:
        """How many days it would take to hand over what waits, at the last four weeks' speed."""
        at = self._at(day)
        return float(self.open_unpacked[at] / (self._sum(self.left, day, 28) / 28 + 1))

    def _at(self, day: int) -> int:
        return min(max(day, self.first_day), self.last_day) - self.first_day

    def _sum(self, sums: Floats, day: int, window: int) -> float:
        return float(sums[self._at(day)] - sums[self._at(day - window)])


def of(history: History, *, first_day: int, last_day: int) -> Network:
    """Count a history once, so that every morning from first_day to last_day can be asked.

    Each morning is answered by events before it only, though `history` may know later ones.
    """
    days = last_day - first_day

    def counted(when: Ints, weight: Floats) -> Floats:
        inside = (when >= first_day) & (when < last_day)
        sums = np.zeros(days + 1)
        np.cumsum(np.bincount(when[inside] - first_day, weights=weight[inside], minlength=days), out=sums[1:])
        return sums

    # A promised day's outcome is known when the day is over.
    counts = (history.dropped > history.promised) & (history.promised < NEVER)
    judged = np.where(counts, history.promised, NEVER)
    placed, left = counted(history.placed, history.weight), counted(history.handed_over, history.weight)
    gone = np.minimum(np.minimum(history.handed_over, history.dropped), history.placed + lanes.LONGEST)
    return Network(
        first_day=first_day,
        last_day=last_day,
        transit=lanes.transit(history, first_day=first_day, last_day=last_day),
        packing=lanes.packing(history, first_day=first_day, last_day=last_day),
        judged=counted(judged, history.weight),
        late=counted(judged, history.weight * history.is_late),
        placed=placed,
        left=left,
        open_unpacked=np.maximum(0.0, placed - counted(gone, history.weight)),
    )

"""Whether the network as a whole is becoming late: too much to carry, or carried too slowly. Pure.

The bounds were chosen on Olist's orders before November 2017, so that no week of that year so far was a wave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from notifications.prediction.network import Network

# Of the last three days' orders against the four weeks before, and of what waits against its usual.
SURGE, PILED_UP = 1.8, 1.5
SLOW = 0.7  # pace of the last week
LATE_TIMES, LATE_LEAST = 2.5, 0.1  # late rate of the last week against the eight before
ENDS_AFTER = 5  # calm mornings in a row


@dataclass(frozen=True)
class Morning:
    """How the network stands on a morning. `reason` is empty where it is calm."""

    day: int
    surge: float
    backlog: float
    pace: float
    late_rate: float
    reason: str


def morning(known: Network, day: int) -> Morning:
    """By what was known on it."""
    surge, backlog, pace = known.surge(day, 3), known.backlog(day), known.pace(known.transit, day, 7)
    usual = sum(known.backlog(day - 7 - days) for days in range(28)) / 28
    late, late_before = known.late_rate(day, 7), known.late_rate(day - 7, 56)
    reason = ""
    if surge >= SURGE and backlog >= PILED_UP * usual:
        reason = f"{surge:.1f} times the usual orders, and {backlog:.0f} days' work waits to be handed over"
    elif late >= max(LATE_LEAST, LATE_TIMES * late_before):
        reason = f"{late:.0%} of last week's parcels came late, {late_before:.0%} in the weeks before"
    elif pace <= SLOW and late >= 1.5 * late_before:
        reason = f"parcels arrive at {pace:.0%} of the usual pace"
    return Morning(day, surge, backlog, pace, late, reason)


def is_wave(reasons: Sequence[str]) -> bool:
    """Whether there is a wave on the last of the mornings with these reasons (in order): it ends after ENDS_AFTER calm
    ones.
    """
    return any(reasons[-ENDS_AFTER:])


def waves(mornings: list[Morning]) -> list[tuple[Morning, Morning]]:
    """First and last morning of each wave."""
    found: list[tuple[Morning, Morning]] = []
    began: Morning | None = None
    reasons = [one.reason for one in mornings]
    for n, one in enumerate(mornings):
        if is_wave(reasons[: n + 1]):
            began = began or one
        elif began is not None:
            found.append((began, mornings[n - 1]))
            began = None
    return [*found, (began, mornings[-1])] if began is not None else found

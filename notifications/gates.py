"""Whether a claimed message may go out now: the one place that decides. Pure; whoever asks has read the facts.

What forbids it for good comes before what only puts it off: a message that is no longer true must not wait for the
morning. The frequency cap is not here: only the database can count what several workers send at once (caps.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from notifications.quiet_hours import QuietHours
from notifications.states import Event

QUIET = "quiet hours where the recipient is"
HELD = "ops hold it"
RULE_OFF = "the rule was switched off"
TOO_LATE = "too late to be of use"
UNTRUE = "no longer true"
ERASED = "this person asked to be forgotten"
ENOUGH = "this person has had enough messages on that day"


@dataclass(frozen=True)
class Facts:
    """What is known of a message in the moment before it is handed over."""

    suppressed: str  # a SuppressionReason, or empty
    is_rule_active: bool
    is_still_true: bool
    closed_because: str  # why its episode is over, or empty
    expires_at: datetime
    is_held: bool  # by ops
    is_for_any_hour: bool
    quiet: QuietHours | None  # the shop's
    zone: ZoneInfo  # the recipient's
    is_erased: bool = False  # the person


@dataclass(frozen=True)
class Stop:
    """It must not go out, ever."""

    event: Event
    reason: str


@dataclass(frozen=True)
class Wait:
    """It may go out, but not before `until` (story time); None: not before somebody says so."""

    reason: str
    until: datetime | None


def decide(facts: Facts, *, now: datetime) -> Stop | Wait | None:
    """What stands between a message and its hand-over at `now`; None: nothing."""
    if facts.is_erased:
        return Stop(Event.CANCEL, ERASED)
    if facts.suppressed:
        return Stop(Event.SUPPRESS, facts.suppressed)
    if not facts.is_rule_active:
        return Stop(Event.CANCEL, RULE_OFF)
    if not facts.is_still_true:
        return Stop(Event.OUTDATE, facts.closed_because or UNTRUE)
    if facts.expires_at <= now:
        return Stop(Event.OUTDATE, TOO_LATE)
    if facts.is_held:
        return Wait(HELD, None)
    if facts.quiet and not facts.is_for_any_hour and (until := facts.quiet.until(now, facts.zone)):
        return Wait(QUIET, until)
    return None

"""Promise against progress: what is wrong with a parcel now, and when to look again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# A seller who hands over on the last evening is scanned the next day. Without this day a good third of the "not
# handed over" mails of the Olist orders would have been overtaken by a scan before the customer read them.
HAND_OVER_GRACE = timedelta(days=1)


class DelayKind(StrEnum):
    """The troubles that we can see. The values are those of models.EpisodeKind."""

    NOT_HANDED_OVER = "not_handed_over"
    PROMISE_PASSED = "promise_passed"


class Close(StrEnum):
    """Why a delay is over."""

    DELIVERED = "delivered"
    RETURNED = "returned"
    READY_TO_COLLECT = "ready_to_collect"
    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"
    SUPERSEDED = "superseded"  # the worse trouble has begun: the parcel is past its promised day
    NEW_PROMISE = "new_promise"  # the promise that was broken is no longer the one we make


@dataclass(frozen=True)
class ParcelFacts:
    """What is known of one parcel. All moments are aware."""

    promised_ship_by: datetime | None
    promised_deliver_by: datetime | None
    is_handed_over: bool = False
    is_delivered: bool = False
    is_ready_to_collect: bool = False
    is_returned: bool = False
    is_cancelled: bool = False


@dataclass(frozen=True)
class Delay:
    """A broken promise: which one, and since when it counts as broken."""

    kind: DelayKind
    promised_by: datetime
    since: datetime


def find_delays(parcel: ParcelFacts, *, now: datetime) -> list[Delay]:
    """The delays that a parcel has at `now`: none or one, since only the worst is worth telling about.

    A parcel that waits to be collected, goes back or is cancelled is not late. Without a promise nothing is late.
    """
    return [delay for delay in _breaches(parcel) if delay.since <= now][-1:]


def next_check(parcel: ParcelFacts, *, now: datetime) -> datetime | None:
    """The first moment after `now` at which find_delays() answers otherwise if nothing new is heard, or None."""
    return min((delay.since for delay in _breaches(parcel) if delay.since > now), default=None)


def why_closed(parcel: ParcelFacts, kind: DelayKind, promised_by: datetime, *, now: datetime) -> Close | None:
    """Why a delay found earlier is over at `now`, or None while it goes on."""
    if (over := _why_over(parcel)) is not None:
        return over
    if kind is DelayKind.NOT_HANDED_OVER and parcel.is_handed_over:
        return Close.HANDED_OVER
    current = find_delays(parcel, now=now)
    if any(delay.kind is kind and delay.promised_by == promised_by for delay in current):
        return None
    if kind is DelayKind.NOT_HANDED_OVER and any(delay.kind is DelayKind.PROMISE_PASSED for delay in current):
        return Close.SUPERSEDED
    return Close.NEW_PROMISE


def _why_over(parcel: ParcelFacts) -> Close | None:
    """The reason why nothing can be late any more, or None."""
    if parcel.is_returned:
        return Close.RETURNED
    if parcel.is_delivered:
        return Close.DELIVERED
    if parcel.is_ready_to_collect:
        return Close.READY_TO_COLLECT
    if parcel.is_cancelled:
        return Close.CANCELLED
    return None


def _breaches(parcel: ParcelFacts) -> list[Delay]:
    """Every promise that is broken or will be, the worse last; a lesser one that would begin later is left out."""
    if _why_over(parcel) is not None:
        return []
    found = []
    ship_by, deliver_by = parcel.promised_ship_by, parcel.promised_deliver_by
    if ship_by is not None and not parcel.is_handed_over:
        since = ship_by + HAND_OVER_GRACE
        if deliver_by is None or since < deliver_by:
            found.append(Delay(DelayKind.NOT_HANDED_OVER, ship_by, since))
    if deliver_by is not None:
        found.append(Delay(DelayKind.PROMISE_PASSED, deliver_by, deliver_by))
    return found

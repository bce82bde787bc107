"""Promise against progress: what is wrong with a parcel now, and when to look again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# A seller who hands over on the last evening is scanned the next day. Without this day a good third of the "not
# handed over" mails of the Olist orders would have been overtaken by a scan before the customer read them.
HAND_OVER_GRACE = timedelta(days=1)
# A problem that a carrier takes back within hours is none; where somebody must act there is no waiting.
EXCEPTION_GRACE = timedelta(hours=6)
# A carrier's day, or our own forecast, that wavers around the promise: only what stays beyond it counts.
EXPECTED_GRACE = timedelta(hours=6)
# Shops and post offices keep a parcel for a week or two; a reminder is of use before that.
HELD_GRACE = timedelta(days=4)
# Silence: lost where it is so many times the usual gap and the promise is over for a while; never sooner than LEAST.
LOST_GAPS = 3
LOST_LEAST_SILENCE = timedelta(days=14)
LOST_AFTER_PROMISE = timedelta(days=7)
LOST_SILENCE_UNKNOWN_LANE = timedelta(days=30)


class DelayKind(StrEnum):
    """The troubles that we can see. The values are those of models.EpisodeKind."""

    NOT_HANDED_OVER = "not_handed_over"
    PROMISE_PASSED = "promise_passed"
    NO_SCAN = "no_scan"
    CARRIER_EXCEPTION = "carrier_exception"
    EXPECTED_LATE = "expected_late"
    HELD_FOR_PICKUP = "held_for_pickup"
    LIKELY_LOST = "likely_lost"
    RETURNED = "returned"


class Close(StrEnum):
    """Why a delay is over."""

    DELIVERED = "delivered"
    RETURNED = "returned"
    READY_TO_COLLECT = "ready_to_collect"
    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"
    SUPERSEDED = "superseded"  # a worse trouble has begun (WORSE says which)
    NEW_PROMISE = "new_promise"  # the promise that was broken is no longer the one we make
    SCANNED_AGAIN = "scanned_again"  # the carrier has it, after silence
    MOVING_AGAIN = "moving_again"  # the carrier's problem is over
    EXPECTED_IN_TIME = "expected_in_time"  # it is to come by the promised day after all


# What tells the customer more than the first does; the first is not opened beside it, and ends where it begins.
# A carrier's problem and a missed promise stand side by side: neither says what the other does.
WORSE: dict[DelayKind, frozenset[DelayKind]] = {
    DelayKind.NOT_HANDED_OVER: frozenset({DelayKind.PROMISE_PASSED, DelayKind.LIKELY_LOST}),
    DelayKind.EXPECTED_LATE: frozenset(
        {DelayKind.PROMISE_PASSED, DelayKind.NOT_HANDED_OVER, DelayKind.CARRIER_EXCEPTION, DelayKind.LIKELY_LOST}
    ),
    DelayKind.NO_SCAN: frozenset(
        {
            DelayKind.PROMISE_PASSED,
            DelayKind.CARRIER_EXCEPTION,
            DelayKind.EXPECTED_LATE,
            DelayKind.LIKELY_LOST,
        }
    ),
    DelayKind.CARRIER_EXCEPTION: frozenset({DelayKind.LIKELY_LOST}),
    DelayKind.PROMISE_PASSED: frozenset({DelayKind.LIKELY_LOST}),
    DelayKind.HELD_FOR_PICKUP: frozenset(),
    DelayKind.LIKELY_LOST: frozenset(),
    DelayKind.RETURNED: frozenset(),
}

# Troubles that come and go (a flapping status): within this time of its end the same trouble is the same episode,
# opened again without a second message. The others are about a promise, which is broken once.
SAME_WITHIN: dict[DelayKind, timedelta] = {
    DelayKind.NO_SCAN: timedelta(days=14),
    DelayKind.CARRIER_EXCEPTION: timedelta(days=7),
    DelayKind.HELD_FOR_PICKUP: timedelta(days=14),
    DelayKind.LIKELY_LOST: timedelta(days=30),
    DelayKind.RETURNED: timedelta(days=60),
}


@dataclass(frozen=True)
class ParcelFacts:
    """What is known of one parcel. All moments are aware. What is None is not known or is not so."""

    promised_ship_by: datetime | None
    promised_deliver_by: datetime | None
    is_handed_over: bool = False
    is_delivered: bool = False
    is_ready_to_collect: bool = False
    is_returned: bool = False
    is_cancelled: bool = False
    last_news_at: datetime | None = None  # the carrier's last dated scan
    usual_gap: timedelta | None = None  # 95 % of the gaps between two scans on this lane are shorter
    exception_since: datetime | None = None  # the carrier reports a problem, in a spell that began then
    is_urgent_exception: bool = False  # somebody must act: a wrong address, customs, damage
    lost_since: datetime | None = None  # the carrier calls it lost
    held_since: datetime | None = None
    returned_at: datetime | None = None
    expected_by: datetime | None = None  # the carrier's latest word
    expected_late_since: datetime | None = None  # since when that word has been a day after the promise
    forecast_late_since: datetime | None = None  # since when our own forecast has called it late


@dataclass(frozen=True)
class Delay:
    """A trouble: which one, and since when it counts. `promised_by` is the promise that is broken; of a trouble that
    breaks none (SAME_WITHIN) the moment it began.
    """

    kind: DelayKind
    promised_by: datetime
    since: datetime


def find_delays(parcel: ParcelFacts, *, now: datetime) -> list[Delay]:
    """The delays that a parcel has at `now`, without those that a worse one makes pointless to tell.

    A parcel that has come, goes back or is cancelled is not late. Without a promise no promise is broken.
    """
    begun = [delay for delay in _troubles(parcel) if delay.since <= now]
    kinds = {delay.kind for delay in begun}
    return [delay for delay in begun if not WORSE[delay.kind] & kinds]


def next_check(parcel: ParcelFacts, *, now: datetime) -> datetime | None:
    """The first moment after `now` at which find_delays() answers otherwise if nothing new is heard, or None."""
    current = find_delays(parcel, now=now)
    for moment in sorted({delay.since for delay in _troubles(parcel) if delay.since > now}):
        if find_delays(parcel, now=moment) != current:
            return moment
    return None


def promise_breaks(ship_by: datetime | None, deliver_by: datetime | None, *, is_handed_over: bool) -> datetime | None:
    """When the first promise of a parcel on its way is broken if nothing is heard: what find_delays() and next_check()
    say where no more is known. They cost ten times as much, and an import asks this of every scan.
    """
    leaves_late = ship_by + HAND_OVER_GRACE if ship_by is not None and not is_handed_over else None
    if leaves_late is None or deliver_by is None:
        return leaves_late or deliver_by
    return min(leaves_late, deliver_by)


def why_closed(parcel: ParcelFacts, kind: DelayKind, promised_by: datetime, *, now: datetime) -> Close | None:
    """Why a delay found earlier is over at `now`, or None while it goes on."""
    over = _why_over(parcel)
    if over is not None and not _outlives(kind, over):
        return over
    if kind is DelayKind.NOT_HANDED_OVER and parcel.is_handed_over:
        return Close.HANDED_OVER
    current = find_delays(parcel, now=now)
    if any(delay.kind is kind and (kind in SAME_WITHIN or delay.promised_by == promised_by) for delay in current):
        return None
    if WORSE[kind] & {delay.kind for delay in current}:
        return Close.SUPERSEDED
    return _END.get(kind, Close.NEW_PROMISE) if _is_promise_kept_up(parcel, kind, promised_by) else Close.NEW_PROMISE


def is_same(kind: DelayKind, promised_by: datetime, closed_at: datetime | None, delay: Delay) -> bool:
    """Whether an episode known already is the one that `delay` is about, so that no second one is opened."""
    if kind is not delay.kind:
        return False
    if kind not in SAME_WITHIN:
        return promised_by == delay.promised_by
    return closed_at is None or delay.promised_by <= closed_at + SAME_WITHIN[kind]


def spell_start(moments: Iterable[tuple[datetime, bool]], *, within: timedelta) -> datetime | None:
    """When the trouble that goes on now began, from dated scans (moment, whether it tells of the trouble).

    A pause (scans without trouble) ends a spell only where trouble is further apart than `within`. The same for every
    order of the scans. None: the last scan tells of no trouble.
    """
    start: datetime | None = None
    has_paused = False
    known = sorted(set(moments), reverse=True)
    if not known or not any(is_trouble for at, is_trouble in known if at == known[0][0]):
        return None
    for at, is_trouble in known:
        if not is_trouble:
            has_paused = True
        elif start is not None and has_paused and start - at > within:
            break
        else:
            start, has_paused = at, False
    return start


# How a trouble ends that was not overtaken, where nothing said so before.
_END = {
    DelayKind.NO_SCAN: Close.SCANNED_AGAIN,
    DelayKind.LIKELY_LOST: Close.SCANNED_AGAIN,
    DelayKind.CARRIER_EXCEPTION: Close.MOVING_AGAIN,
    DelayKind.HELD_FOR_PICKUP: Close.MOVING_AGAIN,
    DelayKind.RETURNED: Close.MOVING_AGAIN,
    DelayKind.EXPECTED_LATE: Close.EXPECTED_IN_TIME,
}


def _is_promise_kept_up(parcel: ParcelFacts, kind: DelayKind, promised_by: datetime) -> bool:
    return kind in SAME_WITHIN or parcel.promised_deliver_by == promised_by


def _outlives(kind: DelayKind, over: Close) -> bool:
    """A parcel that waits or has come back is no longer late, but that is a trouble of its own."""
    return (kind is DelayKind.HELD_FOR_PICKUP and over is Close.READY_TO_COLLECT) or (
        kind is DelayKind.RETURNED and over is Close.RETURNED
    )


def _why_over(parcel: ParcelFacts) -> Close | None:
    """The reason why nothing can be late any more, or None."""
    if parcel.is_cancelled and parcel.returned_at is not None:
        return Close.CANCELLED  # a returned parcel of a cancelled order is dealt with
    if parcel.is_returned:
        return Close.RETURNED
    if parcel.is_delivered:
        return Close.DELIVERED
    if parcel.is_ready_to_collect:
        return Close.READY_TO_COLLECT
    if parcel.is_cancelled:
        return Close.CANCELLED
    return None


def _troubles(parcel: ParcelFacts) -> list[Delay]:
    """Every trouble that is there or will be if nothing new is heard."""
    over = _why_over(parcel)
    if over is Close.RETURNED and parcel.returned_at is not None:
        return [Delay(DelayKind.RETURNED, parcel.returned_at, parcel.returned_at)]
    if over is Close.READY_TO_COLLECT and parcel.held_since is not None:
        return [Delay(DelayKind.HELD_FOR_PICKUP, parcel.held_since, parcel.held_since + HELD_GRACE)]
    if over is not None:
        return []
    found = []
    ship_by, deliver_by = parcel.promised_ship_by, parcel.promised_deliver_by
    if ship_by is not None and not parcel.is_handed_over:
        found.append(Delay(DelayKind.NOT_HANDED_OVER, ship_by, ship_by + HAND_OVER_GRACE))
    if deliver_by is not None:
        found.append(Delay(DelayKind.PROMISE_PASSED, deliver_by, deliver_by))
        if (since := _expected_late_since(parcel, deliver_by)) is not None:
            found.append(Delay(DelayKind.EXPECTED_LATE, deliver_by, since))
    if parcel.exception_since is not None:
        grace = timedelta(0) if parcel.is_urgent_exception else EXCEPTION_GRACE
        found.append(Delay(DelayKind.CARRIER_EXCEPTION, parcel.exception_since, parcel.exception_since + grace))
    if parcel.is_handed_over and parcel.last_news_at is not None and parcel.usual_gap is not None:
        found.append(Delay(DelayKind.NO_SCAN, parcel.last_news_at, parcel.last_news_at + parcel.usual_gap))
    if (lost := _lost_since(parcel)) is not None:
        found.append(lost)
    return found


def _expected_late_since(parcel: ParcelFacts, deliver_by: datetime) -> datetime | None:
    """The carrier's word goes before our forecast: it knows where the parcel is."""
    if parcel.expected_by is not None:
        if parcel.expected_by <= deliver_by or parcel.expected_late_since is None:
            return None
        return parcel.expected_late_since + EXPECTED_GRACE
    return None if parcel.forecast_late_since is None else parcel.forecast_late_since + EXPECTED_GRACE


def _lost_since(parcel: ParcelFacts) -> Delay | None:
    if parcel.lost_since is not None:
        return Delay(DelayKind.LIKELY_LOST, parcel.lost_since, parcel.lost_since)
    if not parcel.is_handed_over or parcel.last_news_at is None:
        return None
    silence = LOST_SILENCE_UNKNOWN_LANE
    if parcel.usual_gap is not None:
        silence = max(LOST_LEAST_SILENCE, LOST_GAPS * parcel.usual_gap)
    since = parcel.last_news_at + silence
    if parcel.promised_deliver_by is not None:
        since = max(since, parcel.promised_deliver_by + LOST_AFTER_PROMISE)
    return Delay(DelayKind.LIKELY_LOST, parcel.last_news_at, since)

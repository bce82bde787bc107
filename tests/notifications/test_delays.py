"""Promise against progress."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications.delays import (
    HAND_OVER_GRACE,
    Close,
    Delay,
    DelayKind,
    ParcelFacts,
    find_delays,
    next_check,
    promise_breaks,
    why_closed,
)
from notifications.models import MILESTONES, EpisodeKind
from notifications.occasions import FOLLOW_UPS

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LATE = ParcelFacts(promised_ship_by=MONDAY, promised_deliver_by=MONDAY + 4 * DAY)

# A busy machine is no fault of the code.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
moments = st.integers(-400, 400).map(lambda hours: MONDAY + hours * HOUR)
parcels = st.builds(
    ParcelFacts,
    promised_ship_by=st.none() | moments,
    promised_deliver_by=st.none() | moments,
    is_handed_over=st.booleans(),
    is_delivered=st.booleans(),
    is_ready_to_collect=st.booleans(),
    is_returned=st.booleans(),
    is_cancelled=st.booleans(),
)


def kinds(parcel: ParcelFacts, now: datetime) -> list[DelayKind]:
    return [delay.kind for delay in find_delays(parcel, now=now)]


def test_the_kinds_are_those_of_the_table() -> None:
    others = {*MILESTONES, *FOLLOW_UPS, EpisodeKind.INCIDENT}
    assert {kind.value for kind in DelayKind} == set(EpisodeKind.values) - others


def test_a_parcel_in_time_has_no_delay() -> None:
    assert kinds(LATE, MONDAY) == []


def test_a_parcel_not_handed_over_gets_a_day_of_grace() -> None:
    assert kinds(LATE, MONDAY + HAND_OVER_GRACE - HOUR) == []
    assert find_delays(LATE, now=MONDAY + HAND_OVER_GRACE) == [
        Delay(DelayKind.NOT_HANDED_OVER, MONDAY, MONDAY + HAND_OVER_GRACE)
    ]


def test_a_parcel_past_its_promised_day_is_late_from_the_first_moment() -> None:
    handed_over = replace(LATE, is_handed_over=True)
    assert kinds(handed_over, MONDAY + 4 * DAY - timedelta(seconds=1)) == []
    assert kinds(handed_over, MONDAY + 4 * DAY) == [DelayKind.PROMISE_PASSED]


def test_only_the_worse_trouble_is_told() -> None:
    assert kinds(LATE, MONDAY + 9 * DAY) == [DelayKind.PROMISE_PASSED]


def test_a_parcel_to_collect_returned_cancelled_or_delivered_is_not_late() -> None:
    for fact in ("is_ready_to_collect", "is_returned", "is_cancelled", "is_delivered"):
        assert kinds(replace(LATE, **{fact: True}), MONDAY + 99 * DAY) == [], fact


def test_without_a_promise_nothing_is_late() -> None:
    nothing = ParcelFacts(promised_ship_by=None, promised_deliver_by=None)
    assert kinds(nothing, MONDAY + 999 * DAY) == []
    assert next_check(nothing, now=MONDAY) is None


def test_a_delay_ends_with_the_reason() -> None:
    def why(kind: DelayKind, promised_by: datetime, now: datetime, **changes: object) -> Close | None:
        return why_closed(replace(LATE, **changes), kind, promised_by, now=now)

    passed, not_sent = DelayKind.PROMISE_PASSED, DelayKind.NOT_HANDED_OVER
    friday = LATE.promised_deliver_by
    assert why(passed, friday, friday + DAY) is None
    assert why(passed, friday, friday + DAY, is_delivered=True) is Close.DELIVERED
    assert why(passed, friday, friday + DAY, is_ready_to_collect=True) is Close.READY_TO_COLLECT
    assert why(passed, friday, friday + DAY, is_returned=True, is_delivered=True) is Close.RETURNED
    assert why(passed, friday, friday + DAY, is_cancelled=True) is Close.CANCELLED
    assert why(passed, friday, friday + DAY, promised_deliver_by=friday + 9 * DAY) is Close.NEW_PROMISE
    assert why(not_sent, MONDAY, MONDAY + 2 * DAY) is None
    assert why(not_sent, MONDAY, MONDAY + 2 * DAY, is_handed_over=True) is Close.HANDED_OVER
    assert why(not_sent, MONDAY, friday) is Close.SUPERSEDED


@patient
@given(st.none() | moments, st.none() | moments, st.booleans(), moments)
def test_the_short_answer_for_imports_is_the_long_one(ship_by, deliver_by, is_handed_over, now):
    parcel = ParcelFacts(ship_by, deliver_by, is_handed_over=is_handed_over)
    breaks = promise_breaks(ship_by, deliver_by, is_handed_over=is_handed_over)
    assert bool(find_delays(parcel, now=now)) == (breaks is not None and breaks <= now)
    if breaks is None or breaks > now:
        assert next_check(parcel, now=now) == breaks


@patient
@given(parcels, moments, moments)
def test_without_news_a_missed_promise_stays_missed(parcel: ParcelFacts, one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    if DelayKind.PROMISE_PASSED in kinds(parcel, earlier):
        assert kinds(parcel, later) == [DelayKind.PROMISE_PASSED]
    if kinds(parcel, earlier):
        assert kinds(parcel, later)


@patient
@given(parcels, moments)
def test_nothing_changes_before_the_next_check(parcel: ParcelFacts, now: datetime) -> None:
    due = next_check(parcel, now=now)
    if due is None:
        assert find_delays(parcel, now=now + 9999 * DAY) == find_delays(parcel, now=now)
    else:
        assert due > now
        assert find_delays(parcel, now=due - timedelta(microseconds=1)) == find_delays(parcel, now=now)
        assert find_delays(parcel, now=due) != find_delays(parcel, now=now)


@patient
@given(parcels, moments, st.sampled_from([f.name for f in fields(ParcelFacts) if f.name.startswith("is_")]))
def test_good_news_never_makes_a_delay(parcel: ParcelFacts, now: datetime, news: str) -> None:
    before, after = kinds(replace(parcel, **{news: False}), now), kinds(replace(parcel, **{news: True}), now)
    assert set(after) <= set(before)


@patient
@given(parcels, moments)
def test_a_delay_found_is_not_closed_at_the_same_moment(parcel: ParcelFacts, now: datetime) -> None:
    for delay in find_delays(parcel, now=now):
        assert delay.since <= now
        assert why_closed(parcel, delay.kind, delay.promised_by, now=now) is None

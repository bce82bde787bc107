"""The troubles beyond the two promises: when they begin, what ends them, and that a flapping status is one episode."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications import delays, episodes, gaps, tracking
from notifications.delays import Close, DelayKind, ParcelFacts, find_delays, next_check, spell_start, why_closed
from notifications.models import Episode, EpisodeKind, ExpectedDate, LaneGap, Message, Shipment
from notifications.planning import SkipReason
from notifications.tracking import Scan
from tests.notifications import shop
from tests.notifications.shop import DAY, NOW

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
ON_ITS_WAY = ParcelFacts(
    promised_ship_by=MONDAY,
    promised_deliver_by=MONDAY + 9 * DAY,
    is_handed_over=True,
    last_news_at=MONDAY,
    usual_gap=3 * DAY,
)
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
moments = st.integers(-900, 900).map(lambda hours: MONDAY + hours * HOUR)
parcels = st.builds(
    ParcelFacts,
    promised_ship_by=st.none() | moments,
    promised_deliver_by=st.none() | moments,
    is_handed_over=st.booleans(),
    is_delivered=st.booleans(),
    is_ready_to_collect=st.booleans(),
    is_returned=st.booleans(),
    is_cancelled=st.booleans(),
    last_news_at=st.none() | moments,
    usual_gap=st.none() | st.integers(24, 400).map(lambda hours: hours * HOUR),
    exception_since=st.none() | moments,
    is_urgent_exception=st.booleans(),
    lost_since=st.none() | moments,
    held_since=st.none() | moments,
    returned_at=st.none() | moments,
    expected_by=st.none() | moments,
    expected_late_since=st.none() | moments,
    forecast_late_since=st.none() | moments,
)


def kinds(parcel: ParcelFacts, now: datetime) -> list[DelayKind]:
    return [delay.kind for delay in find_delays(parcel, now=now)]


def test_silence_counts_after_the_lanes_usual_gap() -> None:
    assert kinds(ON_ITS_WAY, MONDAY + 3 * DAY - HOUR) == []
    assert kinds(ON_ITS_WAY, MONDAY + 3 * DAY) == [DelayKind.NO_SCAN]
    assert kinds(replace(ON_ITS_WAY, usual_gap=None), MONDAY + 8 * DAY) == [], "of an unknown lane nothing is said"


def test_a_missed_promise_says_more_than_silence_and_being_lost_says_more_than_both() -> None:
    assert kinds(ON_ITS_WAY, MONDAY + 10 * DAY) == [DelayKind.PROMISE_PASSED]
    assert kinds(ON_ITS_WAY, MONDAY + 40 * DAY) == [DelayKind.LIKELY_LOST]
    for kind in (DelayKind.NO_SCAN, DelayKind.PROMISE_PASSED):
        anchor = MONDAY if kind is DelayKind.NO_SCAN else MONDAY + 9 * DAY
        assert why_closed(ON_ITS_WAY, kind, anchor, now=MONDAY + 40 * DAY) is Close.SUPERSEDED


def test_a_parcel_is_lost_at_once_where_the_carrier_says_so() -> None:
    assert kinds(replace(ON_ITS_WAY, lost_since=MONDAY), MONDAY) == [DelayKind.LIKELY_LOST]


def test_a_problem_that_is_gone_within_hours_is_none_but_one_that_needs_somebody_is_told_at_once() -> None:
    stuck = replace(ON_ITS_WAY, exception_since=MONDAY)
    assert kinds(stuck, MONDAY + 5 * HOUR) == []
    assert kinds(stuck, MONDAY + 6 * HOUR) == [DelayKind.CARRIER_EXCEPTION]
    assert kinds(replace(stuck, is_urgent_exception=True), MONDAY) == [DelayKind.CARRIER_EXCEPTION]
    over = replace(stuck, exception_since=None)
    assert why_closed(over, DelayKind.CARRIER_EXCEPTION, MONDAY, now=MONDAY + DAY) is Close.MOVING_AGAIN


def test_a_carriers_problem_and_a_missed_promise_stand_side_by_side() -> None:
    stuck = replace(ON_ITS_WAY, exception_since=MONDAY)
    assert set(kinds(stuck, MONDAY + 10 * DAY)) == {DelayKind.CARRIER_EXCEPTION, DelayKind.PROMISE_PASSED}


def test_a_day_that_the_carrier_names_after_the_promise_counts_once_it_stays() -> None:
    late = replace(ON_ITS_WAY, expected_by=MONDAY + 11 * DAY, expected_late_since=MONDAY)
    assert kinds(late, MONDAY + 5 * HOUR) == []
    assert kinds(late, MONDAY + 6 * HOUR) == [DelayKind.EXPECTED_LATE]
    back = replace(late, expected_by=MONDAY + 8 * DAY)
    promise = MONDAY + 9 * DAY
    assert why_closed(back, DelayKind.EXPECTED_LATE, promise, now=MONDAY + DAY) is Close.EXPECTED_IN_TIME
    assert why_closed(late, DelayKind.EXPECTED_LATE, promise, now=promise) is Close.SUPERSEDED
    moved = replace(late, promised_deliver_by=MONDAY + 12 * DAY)
    assert why_closed(moved, DelayKind.EXPECTED_LATE, promise, now=MONDAY + DAY) is Close.NEW_PROMISE


def test_our_forecast_counts_only_where_the_carrier_names_no_day() -> None:
    foretold = replace(ON_ITS_WAY, forecast_late_since=MONDAY)
    assert kinds(foretold, MONDAY + 6 * HOUR) == [DelayKind.EXPECTED_LATE]
    assert kinds(replace(foretold, expected_by=MONDAY + 2 * DAY), MONDAY + 6 * HOUR) == []


def test_a_parcel_that_waits_too_long_and_one_that_came_back_are_troubles_of_their_own() -> None:
    held = replace(ON_ITS_WAY, is_ready_to_collect=True, held_since=MONDAY)
    assert kinds(held, MONDAY + 3 * DAY) == []
    assert kinds(held, MONDAY + 30 * DAY) == [DelayKind.HELD_FOR_PICKUP]
    fetched = replace(held, is_ready_to_collect=False, held_since=None, is_delivered=True)
    assert why_closed(fetched, DelayKind.HELD_FOR_PICKUP, MONDAY, now=MONDAY + 5 * DAY) is Close.DELIVERED
    back = replace(ON_ITS_WAY, is_returned=True, returned_at=MONDAY)
    assert kinds(back, MONDAY) == [DelayKind.RETURNED]
    assert why_closed(back, DelayKind.RETURNED, MONDAY, now=MONDAY + 50 * DAY) is None
    assert why_closed(replace(back, is_cancelled=True), DelayKind.RETURNED, MONDAY, now=MONDAY) is Close.CANCELLED


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
@given(parcels, moments)
def test_what_is_found_goes_on_and_what_is_superseded_is_not_found(parcel: ParcelFacts, now: datetime) -> None:
    found = find_delays(parcel, now=now)
    for delay in found:
        assert delay.since <= now
        assert why_closed(parcel, delay.kind, delay.promised_by, now=now) is None
        assert not delays.WORSE[delay.kind] & {other.kind for other in found}


@patient
@given(parcels, moments, st.sampled_from(["Europe/London", "America/Sao_Paulo", "Australia/Lord_Howe"]))
def test_the_zone_that_moments_are_written_in_changes_nothing(parcel: ParcelFacts, now: datetime, zone: str) -> None:
    there = {
        name: value.astimezone(ZoneInfo(zone)) for name, value in vars(parcel).items() if isinstance(value, datetime)
    }
    assert find_delays(replace(parcel, **there), now=now.astimezone(ZoneInfo(zone))) == find_delays(parcel, now=now)


scans = st.lists(st.tuples(moments, st.booleans()), min_size=1, max_size=12)


@patient
@given(scans, st.randoms(use_true_random=False), st.integers(0, 300))
def test_a_spell_begins_at_the_same_moment_in_whatever_order_and_however_often_scans_come(
    said: list[tuple[datetime, bool]], chance: object, hours: int
) -> None:
    shuffled = [*said, *said[: len(said) // 2]]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    start = spell_start(said, within=hours * HOUR)
    assert spell_start(shuffled, within=hours * HOUR) == start
    if start is not None:
        assert (start, True) in said


def test_a_short_pause_does_not_end_a_spell_and_a_long_one_does() -> None:
    said = [(MONDAY, True), (MONDAY + DAY, False), (MONDAY + 3 * DAY, True)]
    assert spell_start(said, within=7 * DAY) == MONDAY
    assert spell_start(said, within=2 * DAY) == MONDAY + 3 * DAY
    assert spell_start([(MONDAY, True), (MONDAY + 30 * DAY, True)], within=DAY) == MONDAY, "nothing good was between"


# --- with rows ---


def moving(number: str = "FH-7") -> Shipment:
    shipment = shop.parcel(number, ship_by=None, deliver_by=NOW + 20 * DAY, placed_at=NOW - DAY, now=NOW - DAY)
    return shop.scan(shipment, "handed_over", NOW)


def look(now: datetime) -> episodes.Swept:
    Shipment.objects.update(check_at=now)
    return episodes.sweep(now=now)


@pytest.mark.django_db
def test_a_flapping_problem_opens_one_episode_and_one_message() -> None:
    shop.rules(EpisodeKind.CARRIER_EXCEPTION, holdout_share=0.0)
    shipment = moving()
    for day in range(1, 6):
        shop.scan(shipment, "exception", NOW + day * DAY)
        look(NOW + day * DAY + 7 * HOUR)
        shop.scan(shipment, "in_transit", NOW + day * DAY + 12 * HOUR)
        look(NOW + day * DAY + 13 * HOUR)
    assert list(Episode.objects.values_list("kind", "close_reason")) == [("carrier_exception", "moving_again")]
    assert Message.objects.count() == 1
    shop.scan(shipment, "exception", NOW + 6 * DAY)
    swept = look(NOW + 6 * DAY + 7 * HOUR)
    assert (swept.opened, swept.reopened) == (0, 1)
    assert Episode.objects.get().closed_at is None


@pytest.mark.django_db
def test_the_same_problem_weeks_later_is_another_episode() -> None:
    shop.rules(holdout_share=0.0)
    shipment = moving()
    shop.scan(shipment, "exception", NOW + DAY)
    look(NOW + 2 * DAY)
    shop.scan(shipment, "in_transit", NOW + 3 * DAY)
    look(NOW + 3 * DAY)
    shop.scan(shipment, "exception", NOW + 15 * DAY)
    look(NOW + 16 * DAY)
    assert Episode.objects.filter(kind="carrier_exception").count() == 2


@pytest.mark.django_db
def test_a_trouble_without_a_rule_opens_an_episode_and_says_why_nobody_is_told() -> None:
    shop.rules(holdout_share=0.0)
    shop.scan(moving(), "returned", NOW + DAY)
    swept = episodes.sweep(now=NOW + DAY)
    assert swept.opened == 1
    assert swept.skipped == {SkipReason.NO_RULE: 1}


@pytest.mark.django_db
def test_silence_is_found_by_the_lanes_gap_without_news_to_wake_the_sweep() -> None:
    LaneGap.objects.create(hours=72, gaps=500)
    LaneGap.objects.create(carrier="Parcel Post", hours=24 * 5, gaps=500)
    shipment = moving()
    assert shipment.check_at == NOW + 2 * DAY
    episodes.sweep(now=NOW + 2 * DAY)
    shipment.refresh_from_db()
    assert shipment.check_at == NOW + 5 * DAY, "the carrier's own gap goes before that of all"
    assert episodes.sweep(now=NOW + 5 * DAY).opened == 1
    assert Episode.objects.get().kind == "no_scan"


@pytest.mark.django_db
def test_a_day_after_the_promise_opens_an_episode_once_though_the_carrier_wavers() -> None:
    shipment = moving()
    promise = shipment.order.promised_deliver_by
    for day, late in ((1, True), (2, False), (3, True)):
        by = promise + (DAY if late else -DAY)
        said_at = NOW + day * DAY
        ExpectedDate.objects.create(shipment=shipment, expected_by=by, said_at=said_at, recorded_at=said_at)
        Shipment.objects.filter(pk=shipment.pk).update(expected_by=by)
        look(said_at + 7 * HOUR)
    episode = Episode.objects.get()
    assert (episode.kind, episode.promised_by, episode.closed_at) == ("expected_late", promise, None)


@pytest.mark.django_db
def test_the_usual_gap_is_learnt_by_lane_from_scans_and_silences() -> None:
    for n in range(60):
        shipment = shop.parcel(f"G-{n}", placed_at=NOW - 9 * DAY, ship_by=None, deliver_by=None)
        for days in (8, 6, 4):
            tracking.record(shipment, Scan(state="in_transit", at=NOW - days * DAY, text=str(days)), now=NOW)
        if n >= 5:
            tracking.record(shipment, Scan(state="delivered", at=NOW - 3 * DAY), now=NOW)
    assert gaps.learn(now=NOW) == 2, "of all, and of the carrier: no region is known"
    assert {gap.hours for gap in LaneGap.objects.all()} == {48.0}
    assert gaps.learn(now=NOW) == 2

"""Scans in, in any order and any number of times."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications import episodes, tracking
from notifications.models import Shipment, ShipmentState, TrackingEvent
from notifications.tracking import RANK, Known, Scan
from tests.notifications import shop
from tests.notifications.shop import DAY, NOW

# A busy machine is no fault of the code.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
known_scans = st.lists(
    st.builds(
        Known,
        state=st.sampled_from([*ShipmentState.values, ""]),
        at=st.integers(0, 60).map(lambda hours: NOW + timedelta(hours=hours)),
        is_dated=st.booleans(),
    ),
    max_size=8,
)


def test_every_state_has_a_rank() -> None:
    assert set(RANK) == set(ShipmentState.values)


@patient
@given(known_scans, st.randoms())
def test_the_order_of_arrival_changes_nothing(scans: list[Known], random: object) -> None:
    shuffled = list(scans)
    random.shuffle(shuffled)
    assert tracking.derive(shuffled) == tracking.derive(scans)


@patient
@given(known_scans)
def test_a_parcel_never_goes_back_whatever_comes_next(scans: list[Known]) -> None:
    ranks = [RANK[tracking.derive(scans[:count]).state] for count in range(len(scans) + 1)]
    assert ranks == sorted(ranks)


@patient
@given(known_scans)
def test_what_was_known_stays_known(scans: list[Known]) -> None:
    for count in range(len(scans)):
        before, after = tracking.derive(scans[:count]), tracking.derive(scans[: count + 1])
        assert before.delivered_at is None or after.delivered_at <= before.delivered_at
        assert before.last_event_at is None or after.last_event_at >= before.last_event_at


def test_a_failed_attempt_can_be_followed_by_a_new_one() -> None:
    scans = [
        Known("out_for_delivery", NOW, True),
        Known("attempt_failed", NOW + timedelta(hours=5), True),
        Known("out_for_delivery", NOW + DAY, True),
    ]
    assert tracking.derive(scans).state == "out_for_delivery"


@pytest.mark.django_db
def test_delivered_before_in_transit_arrives_stays_delivered() -> None:
    scans = [("handed_over", NOW - 3 * DAY), ("in_transit", NOW - 2 * DAY), ("delivered", NOW - DAY)]
    ends = set()
    for place, order in enumerate(permutations(scans)):
        shipment = shop.parcel(f"FH-{place}")
        for state, at in order:
            shop.scan(shipment, state, at, now=NOW)
        ends.add((shipment.state, shipment.handed_over_at, shipment.delivered_at, shipment.last_event_at))
    assert ends == {("delivered", NOW - 3 * DAY, NOW - DAY, NOW - DAY)}
    # Carriers scan what is delivered already, too: then the later moment is the wrong one's.
    assert shop.scan(shipment, "in_transit", NOW).state == "delivered"


@pytest.mark.django_db
def test_the_same_scan_counts_once() -> None:
    shipment = shop.parcel()
    scan = Scan(state="in_transit", at=NOW, place="Leeds")
    assert tracking.record(shipment, scan, now=NOW)
    assert not tracking.record(shipment, scan, now=NOW + DAY)
    assert TrackingEvent.objects.count() == 1


@pytest.mark.django_db
def test_a_word_we_do_not_know_is_kept_and_moves_nothing() -> None:
    shipment = shop.parcel()
    tracking.record(shipment, Scan(state="", at=NOW, raw_status="PKG_AT_HUB_9"), now=NOW)
    shipment.refresh_from_db()
    assert shipment.state == ShipmentState.CREATED
    assert TrackingEvent.objects.get().raw_status == "PKG_AT_HUB_9"


@pytest.mark.django_db
def test_an_odd_scan_is_taken_in_and_flagged() -> None:
    shipment = shop.parcel(placed_at=NOW - 5 * DAY)
    shop.scan(shipment, "handed_over", NOW - 6 * DAY, now=NOW)
    shop.scan(shipment, "in_transit", NOW + 6 * DAY, now=NOW)
    tracking.record(shipment, Scan(state="delivered", at=NOW, is_dated=False), now=NOW)
    shipment.refresh_from_db()
    assert shipment.state == "delivered"
    assert shipment.delivered_at is None, "a delivery without a date has none"
    assert set(TrackingEvent.objects.values_list("oddity", flat=True)) == {
        "before the order was placed",
        "in the future",
        "delivered, but the source gives no date",
    }


@pytest.mark.django_db
def test_check_at_is_the_next_promise_that_could_break() -> None:
    shipment = shop.parcel(ship_by=NOW + DAY, deliver_by=NOW + 5 * DAY, placed_at=NOW, now=NOW)
    assert shipment.check_at == NOW + 2 * DAY, "a day of grace after the hand-over was due"
    assert shop.scan(shipment, "handed_over", NOW).check_at == NOW + 2 * DAY, "whether silence is unusual here"
    episodes.sweep(now=NOW + 2 * DAY)
    shipment.refresh_from_db()
    assert shipment.check_at == NOW + 5 * DAY, "nothing is known of the lane"
    assert shop.scan(shipment, "delivered", NOW).check_at is None


@pytest.mark.django_db
def test_many_scans_need_a_fixed_number_of_queries(django_assert_max_num_queries) -> None:
    shipments = [shop.parcel(f"FH-{number}") for number in range(30)]
    scans = {shipment.pk: [Scan(state="in_transit", at=NOW), Scan(state="delivered", at=NOW)] for shipment in shipments}
    with django_assert_max_num_queries(8):
        assert tracking.record_many(scans, now=NOW) == 60
    assert Shipment.objects.filter(state="delivered").count() == 30

"""When a parcel comes: life tables against a distribution that is known, against thin data, against a rush."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import expectations as bench
from notifications import expectations, transit
from notifications.expectations import Expectation, Table, Tables
from notifications.models import LegDay, Shipment
from tests.notifications import shop

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOTHING = Table({}, {})


def table(days: dict[int, int], *, lost: int = 0) -> Table:
    """Parcels that took so many days each, all of them past; `lost` more never came."""
    total = sum(days.values()) + lost
    waiting = {age: total - sum(n for day, n in days.items() if day < age) for age in range(expectations.LONGEST + 1)}
    return Table(waiting, days)


def four_in_five(said: Expectation | None) -> tuple[int, int, int] | None:
    return (said.low, said.middle, said.high) if said else None


def expect(transit_: Table, *, age: int, own: Table = NOTHING) -> Expectation | None:
    return expectations.expect(Tables(NOTHING, own, transit_), packing_age=None, transit_age=age)


EVEN = table(dict.fromkeys(range(1, 11), 100))  # as often 1 day as 2 as … as 10


def test_without_elapsed_time_it_is_the_distribution_itself():
    assert four_in_five(expect(EVEN, age=0)) == (1, 5, 9)


def test_half_come_within_the_inner_range_and_95_in_100_within_the_outer():
    said = expectations.expect(Tables(NOTHING, NOTHING, EVEN), packing_age=None, transit_age=0)
    assert said is not None
    assert (said.half, said.most) == ((3, 8), (1, 10))


def test_the_days_that_have_passed_are_taken_off():
    # Six days gone: 6, 7, 8, 9 or 10 are left, counted from today.
    assert four_in_five(expect(EVEN, age=6)) == (0, 2, 4)


def test_nothing_is_said_where_fewer_than_thirty_are_known():
    assert expect(table({2: 15, 3: 14}), age=0) is None
    assert four_in_five(expect(table({2: 15, 3: 15}), age=0)) == (2, 2, 3)


def test_nothing_is_said_beyond_what_almost_all_parcels_take():
    assert four_in_five(expect(EVEN, age=10)) == (0, 0, 0)
    assert expect(EVEN, age=11) is None
    assert expect(table({2: 1000, 20: 9}), age=4) is None, "nine parcels are an anecdote"
    assert four_in_five(expect(table({2: 1000, 20: 10}), age=4)) == (16, 16, 16)


def test_parcels_that_never_came_do_not_stretch_the_range_of_those_that_do():
    assert four_in_five(expect(table(dict(EVEN.ended), lost=200), age=0)) == (1, 5, 9)


def test_a_carrier_with_few_parcels_is_taken_for_an_average_one_and_one_with_many_for_itself():
    slow_few, slow_many = table({30: 3}), table({30: 3000})
    assert four_in_five(expect(table({**EVEN.ended, 30: 3}), age=0, own=slow_few)) == (2, 6, 10)
    assert four_in_five(expect(table({**EVEN.ended, 30: 3000}), age=0, own=slow_many)) == (30, 30, 30)


def test_packing_and_transit_are_folded_together():
    tables = Tables(packing=table({1: 50, 2: 50}), transit=NOTHING, transit_of_all=table({3: 50, 4: 50}))
    # 4, 5, 5 or 6 days: a quarter each.
    assert four_in_five(expectations.expect(tables, packing_age=0, transit_age=None)) == (4, 5, 6)
    assert four_in_five(expectations.expect(tables, packing_age=2, transit_age=None)) == (3, 3, 4)
    assert expectations.expect(tables, packing_age=3, transit_age=None) is None, "it should be packed by now"


def test_nothing_is_expected_on_a_day_of_the_week_that_brings_nothing():
    sundays_off = expectations.idle_weekdays({1: 40, 2: 40, 3: 40, 4: 40, 5: 40, 6: 30, 7: 2})
    assert sundays_off == {7}
    assert expectations.idle_weekdays({1: 59}) == set(), "too few to tell"
    tables = Tables(NOTHING, NOTHING, table({0: 50, 1: 100}), idle=sundays_off)
    on_saturday = expectations.expect(tables, packing_age=None, transit_age=0, weekday=6)
    on_sunday = expectations.expect(tables, packing_age=None, transit_age=0, weekday=7)
    assert (four_in_five(on_saturday), four_in_five(on_sunday)) == ((0, 2, 2), (1, 1, 1))


@given(
    st.lists(st.integers(0, 50), max_size=80).map(lambda numbers: dict(enumerate(numbers))),
    st.integers(0, 90),
    st.integers(0, 300),
)
def test_whatever_the_past_the_range_is_in_order_and_not_in_the_past(days, age, lost):
    told = expect(table(days, lost=lost), age=age)
    if told is not None:
        assert 0 <= told.low <= told.middle <= told.high <= expectations.LONGEST


@pytest.mark.parametrize("age", [0, 2, 5, 9])
def test_four_parcels_in_five_come_within_the_range(age):
    rng = random.Random(5)
    took = [min(59, int(rng.lognormvariate(1.6, 0.6))) for _ in range(20_000)]
    known = table(dict(Counter(took[:10_000])))
    told = expect(known, age=age)
    later = [days - age for days in took[10_000:] if days >= age]
    inside = sum(told.low <= days <= told.high for days in later) / len(later)
    # Days are whole: the range holds at least four in five, and not a whole day's worth more at either end.
    assert 0.78 < inside < 0.92


def test_a_rush_of_new_orders_does_not_make_parcels_look_faster_than_they_are():
    """Half take 2 days, half 10; a hundred times as many were sent three days ago as on any day before."""
    today = NOW.date()
    spans = []
    for ago in range(1, 57):
        for place in range(1000 if ago == 3 else 10):
            began = today - ago * DAY
            end = began + (2 if place % 2 else 10) * DAY
            spans.append((began, end if end < today else None))
    arrived = Counter((end - began).days for began, end in spans if end)
    assert arrived[2] > 2 * arrived[10], "of those that have come, most were fast"
    told = expect(bench.table(spans, today), age=0)
    assert (told.low, told.high) == (2, 10)


@pytest.mark.django_db
def test_the_database_counts_as_the_bench_does(settings):
    settings.SHOP_TIME_ZONE = "Europe/London"
    rng = random.Random(3)
    spans = {"Parcel Post": [], "Other": []}
    for number in range(60):
        placed = NOW - rng.randrange(1, 100) * DAY
        parcel = shop.parcel(f"FH-{number}", name=f"N{number}", placed_at=placed, ship_by=None, deliver_by=None)
        carrier = rng.choice(["Parcel Post", "Other"])
        Shipment.objects.filter(pk=parcel.pk).update(carrier=carrier)
        handed_over = placed + rng.randrange(0, 5) * DAY
        delivered = handed_over + rng.randrange(1, 20) * DAY
        if handed_over < NOW:
            shop.scan(parcel, "handed_over", handed_over, now=NOW)
            if delivered < NOW:
                shop.scan(parcel, "delivered", delivered, now=NOW)
            spans[carrier].append((handed_over.date(), delivered.date() if delivered < NOW else None))
    shop.cancel(shop.parcel("FH-99", name="Cy", placed_at=NOW - 3 * DAY))
    transit.learn(now=NOW)
    transit.learn(now=NOW)  # counts anew, not on top
    tables = transit.tables_for(set(spans))
    for carrier, theirs in spans.items():
        wanted = bench.table(theirs, NOW.date())
        got = tables[carrier].transit
        assert dict(got.ended.items()) | {} == {
            age: wanted.ended[age] for age in got.waiting
        }  # an age that nobody reached has no row
        assert got.waiting == {age: n for age, n in wanted.waiting.items() if n}
    both = bench.table([span for theirs in spans.values() for span in theirs], NOW.date())
    assert tables["Other"].transit_of_all.waiting == {age: n for age, n in both.waiting.items() if n}
    arrived = Shipment.objects.filter(delivered_at__gte=NOW - transit.LOOKED_BACK, delivered_at__lt=NOW)
    weekdays = Counter(at.isoweekday() for at in arrived.values_list("delivered_at", flat=True))
    assert dict(LegDay.objects.filter(leg="arrival").values_list("days", "ended")) == weekdays
    assert set(LegDay.objects.filter(leg="packing").values_list("carrier", flat=True)) == {""}
    assert sum(tables["Other"].packing.ended.values()) > 20


@pytest.mark.django_db
def test_what_is_known_is_read_in_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert transit.tables_for({"a", "b"})["a"].transit_of_all.waiting == {}

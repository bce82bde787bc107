"""Counts held against counts: known intervals, and how often they hold the truth."""

from __future__ import annotations

import math
import random

import pytest

from analytics.stats.counts import PerUnit, change, poisson
from analytics.stats.proportions import Rate, difference


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.69), (1, 0.025, 5.57), (10, 4.80, 18.39), (100, 81.36, 121.63)]
)
def test_a_count_has_the_exact_poisson_interval_nearly(count, low, high):
    """Garwood's exact bounds (tables of Ulm 1990)."""
    found = poisson(count)

    assert found[0] == pytest.approx(low, abs=0.06)
    assert found[1] == pytest.approx(high, rel=0.03)


def test_what_is_per_unit_of_nothing_has_no_ratio():
    assert PerUnit(3, 0).ratio is None
    assert PerUnit(3, 0).interval is None
    assert PerUnit(30, 200).per_100 == 15
    assert PerUnit(300, 200).per_100 == 150, "more contacts than orders is possible"


def test_a_change_is_shown_only_beyond_chance():
    assert not change(110, 100).is_shown
    assert change(150, 100).is_rise
    assert change(60, 100).is_fall
    assert change(3, 0).times is None
    assert math.isinf(change(3, 0).interval.high)
    assert not change(3, 0).is_shown, "three may be chance"
    assert change(9, 0).is_rise
    assert change(0, 0) is None
    assert change(5, 5, of_now=0) is None


def test_units_count_so_that_more_orders_are_no_more_trouble():
    assert not change(200, 100, of_now=2_000, of_before=1_000).is_shown
    assert change(200, 100, of_now=1_000, of_before=1_000).is_rise
    assert change(100, 100, of_now=2_000, of_before=1_000).times == 0.5


def test_of_people_who_each_bring_two_half_the_count_says_as_much():
    assert poisson(40, spread=2) == tuple(2 * end for end in poisson(20))
    assert PerUnit(40, 100, 2.0).interval.low == pytest.approx(poisson(20)[0] / 50)
    assert PerUnit(40, 100, 2.0).ratio == 0.4, "the number stays"
    assert change(130, 90).is_rise
    assert not change(130, 90, spread=2).is_shown, "65 people against 45"
    assert change(130, 90, spread=2).times == change(130, 90).times


def test_people_who_write_more_than_once_are_held_in_ninety_three_of_a_hundred():
    """Of 150 people in the mean who write one to three times; without the spread it were some 83."""
    draw = random.Random(11)
    held = {True: 0, False: 0}
    for _ in range(1_000):
        total, brought = draw.expovariate(1), []
        while total < 150:
            total += draw.expovariate(1)
            brought.append(draw.choice((1, 1, 2, 3)))
        spread = sum(n * n for n in brought) / sum(brought)
        for is_known in held:
            low, high = poisson(sum(brought), spread=spread if is_known else 1.0)
            held[is_known] += low <= 150 * 1.75 <= high

    assert held[True] >= 930
    assert held[False] < 900


def test_where_nothing_changed_about_one_in_twenty_is_called_a_change():
    draw = random.Random(7)

    def count(mean: float) -> int:
        total, number = draw.expovariate(1), 0
        while total < mean:
            total, number = total + draw.expovariate(1), number + 1
        return number

    called = sum(change(count(40), count(40)).is_shown for _ in range(2_000))

    assert called / 2_000 < 0.065


def test_newcombes_difference_of_two_shares():
    """Newcombe 1998, table II (a), method 10: 56/70 − 48/80 gives 0.0524 to 0.3339."""
    found = difference(Rate(56, 70), Rate(48, 80))

    assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    assert difference(Rate(1, 2), Rate(0, 0)) is None

"""Statistics against numbers that others have published."""

import pytest

from analytics.stats import proportions
from analytics.stats.proportions import Interval, Rate


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_newcombes(hits, of, low, high):
    interval = proportions.wilson(hits, of)

    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_wilson_interval_reaches_the_edge_exactly_and_no_data_says_nothing():
    assert proportions.wilson(20, 20).high == 1.0
    assert proportions.wilson(0, 0) == Interval(0.0, 1.0)


def test_a_rate_refuses_more_hits_than_cases_and_has_no_share_without_cases():
    assert Rate(3, 4).share == 0.75
    assert Rate(0, 0).share is None
    with pytest.raises(ValueError, match="5 of 4"):
        Rate(5, 4)


def test_always_valid_half_width_is_growthbooks():
    # GrowthBook's test_tests: 1396/3000 against 2422/3461, SE .03386 of the relative lift, N* = 5,000.
    half = proportions.always_valid_half_width(0.03386, 3000 + 3461, planned=5000)

    assert half == pytest.approx((0.60675 - 0.40098) / 2, abs=2e-5)


@pytest.mark.parametrize(
    ("converted", "of", "points", "low", "high"),
    [(189, 21387, 0.311, 0.150, 0.472), (267, 21307, 0.681, 0.500, 0.861)],
)
def test_difference_of_hillstroms_mails_per_1000(converted, of, points, low, high):
    found = proportions.prevented(held_out=Rate(122, 21306), notified=Rate(converted, of))

    assert -found.per_1000 == pytest.approx(10 * points, abs=0.006)
    assert -found.per_1000 - 1.96 * found.se == pytest.approx(10 * low, abs=0.006)
    assert -found.per_1000 + 1.96 * found.se == pytest.approx(10 * high, abs=0.006)
    # Looked at any number of times the interval must be wider than the one for a single look.
    assert found.interval.high - found.interval.low > 2 * 1.96 * found.se
    assert found.is_harmful
    assert not found.is_shown


@pytest.mark.parametrize(("base", "fall", "total"), [(0.10, 0.20, 37_000), (0.20, 0.30, 7_200)])
def test_people_needed_are_those_of_the_simulated_plan(base, fall, total):
    needed = proportions.total_needed(base=base, relative_fall=fall, held_out_share=0.1)

    assert needed == pytest.approx(total, rel=0.01)


def test_no_verdict_before_twenty_contacts_in_the_smaller_arm():
    early = proportions.prevented(held_out=Rate(19, 20), notified=Rate(0, 1000))
    later = proportions.prevented(held_out=Rate(20, 25), notified=Rate(0, 1000))

    assert early.interval.low > 0
    assert early.is_too_early
    assert not early.is_shown
    assert later.is_shown


def test_no_difference_where_an_arm_is_empty():
    assert proportions.prevented(held_out=Rate(0, 0), notified=Rate(1, 10)) is None

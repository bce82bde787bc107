"""Sequential statistics against numbers that others have published (design/statistics.md says whose)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.stats import arms, deadline, earning, power, sequential, srm
from analytics.stats.arms import Arm, Difference
from analytics.stats.earning import Day
from analytics.stats.power import Mode
from bench import _experiment_runs

# --- Mode A ---


def test_the_interval_is_growthbooks() -> None:
    # 1396/3000 against 2422/3461, relative lift .50386 with SE .03386, N* = 5,000.
    found = sequential.interval(Difference(0.50386, 0.03386, 3000 + 3461), planned=5000)
    assert (found.low, found.high) == pytest.approx((0.40098, 0.60675), abs=2e-5)


@given(st.floats(-0.5, 0.5), st.floats(0.001, 0.2), st.integers(10, 10**6))
def test_zero_is_outside_the_interval_exactly_where_the_e_value_passes_one_by_alpha(
    estimate: float, se: float, units: int
) -> None:
    found = Difference(estimate, se, units)
    inside = sequential.interval(found)
    if min(abs(inside.low), abs(inside.high)) > 1e-9:
        assert (0.0 not in inside) == (sequential.log_e(found) > math.log(20))


def test_the_p_value_is_the_least_so_far_and_never_over_one() -> None:
    assert sequential.p_value(Difference(0.0, 0.1, 100)) == 1.0
    assert sequential.running([0.5, 0.01, 0.2]) == [0.5, 0.01, 0.01]


def test_holm_keeps_the_order_and_multiplies_by_what_is_left() -> None:
    # Holm 1979: .01, .04, .03 -> .03, .06, .06.
    assert sequential.holm({"b": 0.01, "c": 0.04, "d": 0.03}) == pytest.approx({"b": 0.03, "c": 0.06, "d": 0.06})


def test_epochs_are_compared_each_with_itself() -> None:
    # A base of .9 while one in ten took part, of .5 when half did: pooled, b looks far worse.
    control, treatment = [Arm(810, 900), Arm(500, 1000)], [Arm(90, 100), Arm(500, 1000)]
    found = arms.difference(control, treatment)
    assert found is not None
    assert found.estimate == pytest.approx(0.0)
    pooled = arms.difference([arms.total(control)], [arms.total(treatment)])
    assert pooled is not None
    assert pooled.estimate < -0.1


def test_an_epoch_without_an_arm_says_nothing_and_nothing_that_varies_is_no_difference() -> None:
    alone = arms.difference([Arm(5, 10), Arm(9, 9)], [Arm(6, 10), Arm(0, 0)])
    assert alone == arms.difference([Arm(5, 10)], [Arm(6, 10)])
    assert arms.difference([Arm(0, 10)], [Arm(0, 10)]) is None
    assert arms.difference([], []) is None
    with pytest.raises(ValueError, match="zip"):
        arms.difference([Arm(1, 2)], [])
    with pytest.raises(ValueError, match="3 of 2"):
        Arm(3, 2)


def test_nothing_is_judged_before_enough_successes_and_failures() -> None:
    assert not arms.may_judge([Arm(100, 109)], [Arm(50, 100)], least_share=0.5)
    assert arms.may_judge([Arm(100, 110)], [Arm(50, 100)], least_share=0.5)
    assert not arms.may_judge([Arm(1000, 1500)], [Arm(15, 30)], least_share=0.02)


def test_practically_the_same_takes_some_5700_an_arm() -> None:
    def at(units: int) -> bool:
        found = arms.difference([Arm(round(0.65 * units), units)], [Arm(round(0.65 * units), units)])
        assert found is not None
        return sequential.is_practically_the_same(found, margin=0.03)

    assert not at(4_000)
    assert at(6_000)


# --- Mode B ---


def test_obrien_flemings_bounds() -> None:
    assert deadline.obrien_fleming(5) == pytest.approx([4.562, 3.226, 2.634, 2.281, 2.040], abs=1e-3)


def test_lan_demets_bounds() -> None:
    fractions = [0.2, 0.4, 0.6, 0.8, 1.0]
    found = deadline.bounds(fractions, is_over=True)
    assert found == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)


def test_bounds_of_another_spending() -> None:
    # spotify-confidence's test of alpha·t².
    found = deadline.bounds([0.2, 0.4, 0.6, 0.8, 1.0], spending=lambda t: deadline.spent_by_power(t, exponent=2))
    assert found == pytest.approx([3.0902, 2.7141, 2.4727, 2.2798, 2.1140], abs=2e-4)


@pytest.mark.parametrize(("looks", "error"), [(2, 0.083), (5, 0.142), (10, 0.193), (20, 0.248)])
def test_peeking_at_five_per_cent_errs_as_armitage_says(looks: int, error: float) -> None:
    fractions = [look / looks for look in range(1, looks + 1)]
    assert deadline.crossing([1.959964] * looks, fractions) == pytest.approx(error, abs=5e-4)


def test_the_bounds_spend_exactly_alpha_whenever_one_looks() -> None:
    fractions = [0.11, 0.17, 0.5, 0.52, 0.93, 1.0]
    assert deadline.crossing(deadline.bounds(fractions, is_over=True), fractions) == pytest.approx(0.05, abs=2e-4)
    with pytest.raises(ValueError, match="only grows"):
        deadline.bounds([0.2, 0.2])


def test_futility_waits_for_a_third_and_then_gives_up_what_is_flat() -> None:
    flat, rising = Difference(0.0, 0.03, 600), Difference(0.09, 0.03, 600)
    assert not deadline.is_futile(Difference(0.0, 0.03, 200), planned=1000)
    assert deadline.is_futile(Difference(0.0, 0.03, 800), planned=1000)
    assert not deadline.is_futile(rising, planned=1000)
    assert deadline.predictive_power(flat, planned=1000) < deadline.predictive_power(rising, planned=1000)


# --- Sample ratio ---


def test_the_bayes_factor_of_a_mismatch_is_optimizelys() -> None:
    batches = [[20, 17, 9], [18, 21, 8], [4, 6, 4], [18, 19, 11]]
    counts, found = [0, 0, 0], []
    for batch in batches:
        counts = [a + b for a, b in zip(counts, batch, strict=True)]
        found.append(srm.dirichlet_log_bayes_factor(counts, [0.4, 0.4, 0.2], [1, 1, 1]))
    assert found == pytest.approx([-2.950561, -3.681901, -3.860658, -4.183814], abs=1e-6)


def test_a_mismatch_is_seen_and_a_fair_draw_is_not() -> None:
    assert not srm.is_mismatch([5_020, 4_980], [1, 1])
    assert srm.is_mismatch([5_000, 4_600], [1, 1])
    assert not srm.is_mismatch([9_010, 990], [9, 1])
    with pytest.raises(ValueError, match="weights"):
        srm.is_mismatch([1, 1], [1, 0])


# --- Plans ---


def test_power_is_rs() -> None:
    assert power.fixed_units(0.5, 0.75, power=0.9) == pytest.approx(76.7, abs=0.05)
    assert power.fixed_power(50, 0.5, 0.75) == pytest.approx(0.740, abs=5e-4)


def test_the_design_s_powers() -> None:
    # +10 points from .65 with 500 an arm: .915 with a deadline, .73 open-ended.
    assert power.deadline_power(500, 0.65, 0.75) == pytest.approx(0.915, abs=0.03)
    assert power.open_power(500, 0.65, 0.75) == pytest.approx(0.73, abs=0.08)


@pytest.mark.parametrize("mode", list(Mode))
def test_units_and_lifts_are_each_others_inverse(mode: Mode) -> None:
    units = power.units_needed(mode, 0.65, 0.08)
    assert power.smallest_lift(mode, 0.65, units) == pytest.approx(0.08, abs=1e-3)
    assert power.units_needed(mode, 0.65, 0.08, arms=5) > units
    assert power.smallest_lift(mode, 0.65, 3) is None
    with pytest.raises(ValueError, match="cannot be tested"):
        power.units_needed(mode, 0.65, 0.4)


def test_a_plan_says_weeks_and_what_it_cannot_see() -> None:
    short = power.plan(readers_per_day=60, base=0.65, lift=0.08)
    assert (short.mode, short.is_possible) == (Mode.DEADLINE, True)
    assert short.days == pytest.approx(units_over(short.units, 30), abs=1)
    long = power.plan(readers_per_day=3, base=0.65, lift=0.03)
    assert not long.is_possible
    assert "In 180 it can see" in long.refusal
    assert not power.plan(readers_per_day=0, base=0.65, lift=0.1).is_possible


def units_over(units: int, a_day: float) -> int:
    return math.ceil(units / a_day)


# --- Earning ---


def test_the_e_process_of_one_component_is_its_likelihood_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earning, "_LIFTS", np.array([0.1]))
    found = earning.log_e([Day(1, 0, 0, 1, rho=0.5)])
    # Before any data the base is a half: q_A = .45, q_B = .55, p0 = .5.
    assert found == pytest.approx(math.log(0.45 / 0.5) + math.log(0.45 / 0.5))


def test_the_e_process_expects_at_most_one_where_there_is_no_difference() -> None:
    """Exactly: over all outcomes of two days whose second day's rho depends on the first, E's mean is 1."""
    base = 0.3
    mean = 0.0
    for first in outcomes(rho=0.5, base=base):
        rho = 0.7 if first[0].successes_b > first[0].successes_a else 0.2
        for second in outcomes(rho=rho, base=0.6):  # the base drifts
            mean += first[1] * second[1] * math.exp(earning.log_e([first[0], second[0]]))
    assert mean == pytest.approx(1.0, abs=1e-9)


def outcomes(*, rho: float, base: float) -> list[tuple[Day, float]]:
    """Every outcome of a day with two units, each sent by chance, and how likely it is."""
    one = [
        ((1, 0, 0, 0), (1 - rho) * base),
        ((0, 1, 0, 0), (1 - rho) * (1 - base)),
        ((0, 0, 1, 0), rho * base),
        ((0, 0, 0, 1), rho * (1 - base)),
    ]
    found = []
    for a, p in one:
        for b, q in one:
            first, second, third, fourth = (x + y for x, y in zip(a, b, strict=True))
            found.append((Day(first, second, third, fourth, rho=rho), p * q))
    return found


def test_a_real_difference_is_found_and_a_day_that_compares_nothing_is_refused() -> None:
    assert earning.log_e([Day(50, 50, 65, 35, rho=0.5)] * 8) > math.log(earning.REJECT_AT)
    with pytest.raises(ValueError, match="compares nothing"):
        earning.log_e([Day(1, 1, 0, 0, rho=0.0)])


def test_shares_are_the_same_for_a_seed_and_keep_the_floor() -> None:
    found = earning.shares([50, 80], [100, 100], seed=7)
    assert found == earning.shares([50, 80], [100, 100], seed=7)
    assert sum(found) == pytest.approx(1.0)
    assert min(found) == pytest.approx(0.10, abs=0.01)
    with pytest.raises(ValueError, match="arms"):
        earning.shares([1], [1], seed=1)


# --- Played many times with known truth (bench/experiments.py plays them longer) ---


@pytest.mark.parametrize("base", [0.55, 0.65, 0.75])
def test_looking_every_50_sessions_errs_in_at_most_five_of_a_hundred(base: float) -> None:
    assert _experiment_runs.open_ended([base, base], runs=150, sessions=4_000, seed=11).share <= 0.05


def test_five_arms_together_err_no_more_than_two() -> None:
    assert _experiment_runs.open_ended([0.65] * 5, runs=60, sessions=4_000, seed=12).share <= 0.05


@pytest.mark.parametrize("base", [0.55, 0.65, 0.75])
def test_28_nights_to_a_deadline_err_in_at_most_six_of_a_hundred(base: float) -> None:
    assert _experiment_runs.with_deadline((base, base), runs=800, planned=1_000, seed=13).share <= 0.06


def test_both_modes_see_what_their_plans_say() -> None:
    seen = _experiment_runs.open_ended([0.65, 0.75], runs=300, sessions=1_000, planned=1_000, seed=14).share
    assert seen == pytest.approx(0.73, abs=0.05)
    seen = _experiment_runs.with_deadline((0.65, 0.75), runs=800, planned=1_000, seed=15).share
    assert seen == pytest.approx(0.915, abs=0.03)


def test_without_the_burn_in_an_uneven_split_errs_far_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    def errs() -> float:
        return _experiment_runs.open_ended(
            [0.65, 0.65], runs=60, sessions=3_000, every=20, seed=16, weights=[19, 1]
        ).share

    assert errs() <= 0.05
    monkeypatch.setattr(arms, "may_judge", lambda *_args, **_more: True)
    assert errs() > 0.09

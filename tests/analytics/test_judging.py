"""What counts say: each code by a case that can have no other, and what no look may ever change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.judging import deciding, wording
from analytics.judging.outlook import Outlook, look_ahead
from analytics.judging.shapes import ArmPlan, Code, Declared, Judgement, Outcome
from analytics.stats.arms import NOBODY, Arm

START = datetime(2026, 12, 1, tzinfo=UTC)
NOW = START + timedelta(days=10)


def declared(*, arms: int = 2, weights: dict[int, dict[str, float]] | None = None, **given: object) -> Declared:
    keys = "abcde"[:arms]
    plan = Declared(
        metric="resolution", mode="open", worthwhile=0.05, window_days=7, planned=4_000,
        arms=tuple(ArmPlan(key, 12 + place, place == 0) for place, key in enumerate(keys)),
        weights=weights or {1: dict.fromkeys(keys, 1.0)},
    )  # fmt: skip
    return replace(plan, **given)


def counted(*successes_of: tuple[int, int], epoch: int = 1, exposed: Sequence[int] = ()) -> list[Outcome]:
    """(successes, judged) of arms a, b, ...; as many exposed as judged where not said."""
    return [
        Outcome(epoch, key, exposed[place] if exposed else units, exposed[place] if exposed else units, units, hits)
        for place, (key, (hits, units)) in enumerate(zip("abcde", successes_of, strict=False))
    ]


def judge(outcomes: list[Outcome], plan: Declared | None = None, earlier: Judgement | None = None, **given: object):
    return deciding.judge(outcomes, plan or declared(), earlier, at=NOW, **given)


def told(outcomes: list[Outcome], plan: Declared | None = None, outlook: Outlook | None = None, **given: object) -> str:
    plan = plan or declared()
    return wording.sentence(judge(outcomes, plan, **given), plan, outlook or Outlook())


# --- Each code ---


def test_a_clear_winner_is_to_be_published() -> None:
    assert told(counted((1300, 2000), (1460, 2000))) == "Revision 13 resolves 4 to 12 points more; publish it."


def test_a_clear_loser_is_not() -> None:
    assert judge(counted((1460, 2000), (1300, 2000))).code is Code.WORSE
    assert told(counted((1460, 2000), (1300, 2000))) == "Revision 13 resolves 4 to 12 points less; keep revision 12."


def test_no_difference_worth_having() -> None:
    found = judge(counted((13_000, 20_000), (13_010, 20_000)))
    assert found.code is Code.SAME
    assert told(counted((13_000, 20_000), (13_010, 20_000))).startswith("No difference worth having: between −1 and +2")


def test_what_is_worth_having_narrows_what_is_the_same() -> None:
    outcomes = counted((13_000, 20_000), (13_010, 20_000))
    assert judge(outcomes, declared(worthwhile=0.01)).code is not Code.SAME


def test_a_gain_below_what_was_called_worth_having_says_so() -> None:
    sentence = told(counted((65_000, 100_000), (66_500, 100_000)))
    assert "real, but less than the 5 that you called worth having" in sentence


def test_too_early_names_a_day() -> None:
    outlook = Outlook(first=datetime(2026, 12, 12, tzinfo=UTC))
    assert judge(counted((20, 25), (20, 25))).code is Code.TOO_EARLY
    assert told(counted((20, 25), (20, 25)), outlook=outlook).endswith("first verdict expected about 12 Dec.")
    assert "no verdict can be expected" in told(counted((20, 25), (20, 25)))
    assert told(counted((0, 0), (0, 0), exposed=[30, 31]), outlook=outlook).startswith("Too early: 61 visitors wait")


def test_nobody_has_come() -> None:
    assert judge([]).code is Code.NOBODY
    assert told([]).startswith("Nobody has seen it yet.")


def test_under_thirty_per_cent_coverage_nothing_is_said() -> None:
    outcomes = [replace(each, exposed=7_000) for each in counted((1300, 2000), (1460, 2000))]
    assert judge(outcomes).code is Code.WITHHELD
    assert "4,000 (29 %)" in told(outcomes)
    assert judge(outcomes, declared(metric="confirmed")).code is Code.BEST


def test_a_split_that_is_off_blocks_and_names_the_arm() -> None:
    outcomes = counted((12_480, 19_200), (14_400, 20_000))
    found = judge(list(outcomes))
    assert found.code is Code.BLOCKED
    assert told(outcomes).startswith("Blocked: arm a has 2 % fewer visitors than drawn")


def test_four_per_cent_that_vanish_of_one_arm_block_at_20000_an_arm_and_look_odd_at_half_of_it() -> None:
    def split(first: int, second: int):
        return judge(counted((0, 0), (0, 0), exposed=[first, second])).split

    assert split(20_000, 19_200).is_mismatch
    half = split(10_000, 9_600)
    assert not half.is_mismatch
    assert half.is_odd
    assert not split(10_000, 10_050).is_odd


def test_once_blocked_stays_blocked() -> None:
    blocked = judge(counted((0, 0), (0, 0), exposed=[2_000, 1_500]))
    after = judge(counted((0, 0), (0, 0), exposed=[20_000, 19_800]), earlier=blocked)
    assert judge(counted((0, 0), (0, 0), exposed=[20_000, 19_800])).code is not Code.BLOCKED
    assert after.code is Code.BLOCKED


def test_the_split_is_held_against_the_weights_of_each_epoch() -> None:
    plan = declared(weights={1: {"a": 9, "b": 1}, 2: {"a": 1, "b": 1}})
    outcomes = [
        *counted((0, 0), (0, 0), exposed=[9_000, 1_000]), *counted((0, 0), (0, 0), exposed=[5_000, 5_000], epoch=2)
    ]  # fmt: skip
    assert judge(outcomes, plan).split.p > 0.9
    assert judge(outcomes, declared()).split.is_mismatch


def test_of_three_texts_the_best_beats_all_and_not_only_the_live_one() -> None:
    plan = declared(arms=3, planned=9_000)
    both = judge(counted((1800, 3000), (2100, 3000), (2110, 3000)), plan)
    assert (both.code, both.arms) == (Code.BETTER, ("b", "c"))
    best = judge(counted((1800, 3000), (2100, 3000), (2400, 3000)), plan)
    assert (best.code, best.arms) == (Code.BEST, ("c",))
    assert "does better than every other; publish it" in told(counted((1800, 3000), (2100, 3000), (2400, 3000)), plan)


def test_a_text_that_makes_people_give_up_on_the_form_is_not_simply_published() -> None:
    outcomes = [
        replace(each, forms=forms, without_contact=NOBODY)
        for each, forms in zip(counted((1300, 2000), (1460, 2000)), [Arm(700, 800), Arm(500, 800)], strict=True)
    ]
    found = judge(outcomes)
    assert found.code is Code.BEST
    assert [guard.is_harmed for guard in found.guards if guard.what == "form"] == [True]
    assert told(outcomes).endswith("send it (−31 to −19 points). Look into that before you publish it.")


def test_more_contacts_about_other_things_are_harm() -> None:
    outcomes = [
        replace(each, without_contact=Arm(good, 2000))
        for each, good in zip(counted((1300, 2000), (1460, 2000)), [1600, 1400], strict=True)
    ]
    guard = next(guard for guard in judge(outcomes).guards if guard.what == "contact")
    assert guard.is_harmed
    assert (guard.control_hits, guard.hits) == (400, 600)
    assert guard.low > 0


def test_contacts_are_said_as_contacts() -> None:
    plan = declared(metric="contact")
    assert told(counted((1800, 2000), (1900, 2000)), plan).startswith(
        "Revision 13 brings 2 to 8 fewer contacts per 100"
    )
    unclear = told(counted((1800, 2000), (1820, 2000)), plan)
    assert "between −4 and +2 contacts per 100 readers" in unclear


# --- The deadline ---


def deadline_plan(**given: object) -> Declared:
    return declared(**{"mode": "deadline", "planned": 1_000, **given})


def test_a_deadline_says_nothing_before_some_of_its_plan_is_in() -> None:
    found = judge(counted((40, 60), (45, 60)), deadline_plan())
    assert (found.code, found.fractions) == (Code.TOO_EARLY, ())


def test_each_look_of_a_deadline_spends_and_the_last_spends_the_rest() -> None:
    plan = deadline_plan()
    first = judge(counted((160, 250), (190, 250)), plan)
    assert (first.code, first.fractions) == (Code.UNCLEAR, (0.5,))
    again = judge(counted((160, 250), (190, 250)), plan, first)
    assert again.fractions == (0.5,)
    assert again.compared[0].bound == first.compared[0].bound
    last = judge(counted((320, 500), (360, 500)), plan, first, is_over=True)
    assert (last.code, last.fractions) == (Code.BEST, (0.5, 1.0))
    assert last.compared[0].bound == pytest.approx(1.9686, abs=0.001)  # of two looks by O'Brien and Fleming's spending


def test_a_deadline_that_shows_nothing_is_inconclusive_and_later_looks_show_no_more() -> None:
    plan = deadline_plan()
    last = judge(counted((320, 500), (330, 500)), plan, is_over=True)
    assert last.code is Code.INCONCLUSIVE
    assert "keep revision 12" in wording.sentence(last, plan, Outlook()).lower()
    late = judge(counted((320, 500), (400, 500)), plan, last, is_over=True)
    assert late.code is Code.INCONCLUSIVE


def test_a_deadline_with_hardly_anybody_says_so() -> None:
    assert "too few visitors to say anything: 20 were judged" in told(
        counted((8, 10), (7, 10)), deadline_plan(), is_over=True
    )


def test_a_test_that_will_show_nothing_is_called_futile() -> None:
    assert judge(counted((2_080, 3_200), (2_080, 3_200)), deadline_plan(planned=8_000)).code is Code.FUTILE


# --- Earning ---


def test_where_it_earns_the_evidence_alone_speaks_and_drift_shows_nothing() -> None:
    """The base falls as b gets more readers: pooled, b looks far worse; day by day nothing differs."""
    plan = declared(earns=True, weights={1: {"a": 9, "b": 1}, 2: {"a": 1, "b": 9}})
    outcomes = [*counted((720, 900), (80, 100)), *counted((50, 100), (450, 900), epoch=2)]
    found = judge(outcomes, plan)
    assert found.code is Code.UNCLEAR
    assert found.compared[0].estimate is None
    assert "to 1; 20 to 1 is asked for" in wording.sentence(found, plan, Outlook())
    real = [*counted((600, 900), (85, 100)), *counted((66, 100), (765, 900), epoch=2)]
    assert judge(real, plan).code is Code.BEST
    assert "By how much is not said" in told(real, plan)


# --- What holds for all ---


def test_what_was_shown_once_stays_shown() -> None:
    first = judge(counted((650, 1000), (760, 1000)))
    assert first.code is Code.BEST
    later = judge(counted((6_500, 10_000), (6_560, 10_000)), earlier=first)
    assert judge(counted((6_500, 10_000), (6_560, 10_000))).code is not Code.BEST
    assert (later.code, later.compared[0].said) == (Code.BEST, "better")


def test_a_drift_under_a_ramp_is_no_effect() -> None:
    """10 % then 50 % to b, at a base that falls: pooled this would be a great loss."""
    plan = declared(weights={1: {"a": 9, "b": 1}, 2: {"a": 1, "b": 1}}, planned=10_000)
    outcomes = [*counted((3_600, 4_500), (400, 500)), *counted((1_250, 2_500), (1_250, 2_500), epoch=2)]
    found = judge(outcomes, plan)
    assert found.compared[0].estimate == pytest.approx(0, abs=1e-9)
    assert not found.compared[0].said


numbers = st.integers(0, 3_000).flatmap(lambda units: st.tuples(st.integers(0, units), st.just(units)))
plans = st.builds(
    lambda mode, arms, metric: declared(mode=mode, arms=arms, metric=metric),
    st.sampled_from(["open", "deadline"]), st.integers(2, 4), st.sampled_from(["resolution", "contact", "confirmed"]),
)  # fmt: skip


@given(plan=plans, looks=st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_any_counts_have_a_code_a_sentence_and_come_back_from_json(plan, looks) -> None:
    earlier = None
    for at_a_time in looks:
        found = judge(counted(*at_a_time[: len(plan.arms)]), plan, earlier)
        assert wording.sentence(found, plan, Outlook())
        assert Judgement.of_data(json.loads(json.dumps(found.as_data()))) == found
        for each in found.compared:
            before = earlier.of(each.first, each.second) if earlier else None
            assert before is None or each.least_p <= before.least_p
            assert before is None or not before.said or each.said == before.said
            assert each.low is None or each.running_low <= each.running_high
        earlier = found


def test_the_first_verdict_is_expected_when_successes_and_failures_will_do() -> None:
    """20 a day and arm, 3 of 10 fail: 33 an arm are there after two days, and known a week later."""
    outcomes = [replace(each, exposed=60, linkable=60) for each in counted((28, 40), (28, 40))]
    at = START + timedelta(days=3)
    found = look_ahead(outcomes, declared(), started_at=START, due_at=None, at=at, watermark=at)
    assert found.first.date() == datetime(2026, 12, 9, tzinfo=UTC).date()
    behind = look_ahead(outcomes, declared(), started_at=START, due_at=None, at=at, watermark=at - timedelta(days=2))
    assert behind.first - found.first == timedelta(days=2)
    nobody = look_ahead([], declared(), started_at=START, due_at=None, at=at, watermark=at)
    assert nobody == Outlook()


@pytest.mark.parametrize("arms", [2, 4])
def test_looking_every_hundred_visitors_calls_a_difference_that_is_none_in_at_most_five_of_a_hundred(arms: int) -> None:
    """The whole path, look after look: 120 tests, 20 looks each. Seeds are fixed; five of a hundred would be 6."""
    random = np.random.default_rng(8)
    plan = declared(arms=arms)
    wrong = 0
    for _ in range(120):
        earlier, units, hits = None, np.zeros(arms, int), np.zeros(arms, int)
        for _look in range(20):
            came = random.multinomial(100, [1 / arms] * arms)
            units, hits = units + came, hits + random.binomial(came, 0.65)
            earlier = judge(counted(*zip(hits.tolist(), units.tolist(), strict=True)), plan, earlier)
            if earlier.code in (Code.BEST, Code.BETTER, Code.WORSE) or any(
                each.said for each in earlier.compared if each.first == "a"
            ):
                wrong += 1
                break
    assert wrong <= 6


def test_nights_to_a_deadline_call_a_difference_that_is_none_in_at_most_six_of_a_hundred() -> None:
    random = np.random.default_rng(9)
    plan = deadline_plan()
    wrong = 0
    for _ in range(150):
        earlier, units, hits = None, np.zeros(2, int), np.zeros(2, int)
        for night in range(10):  # the same sizes every time, so that the bounds are found once
            came = np.array([50, 50])
            units, hits = units + came, hits + random.binomial(came, 0.65)
            earlier = judge(
                counted(*zip(hits.tolist(), units.tolist(), strict=True)), plan, earlier, is_over=night == 9
            )
            if earlier.compared[0].said:
                wrong += 1
                break
    assert wrong <= 9

"""What a hold-out shows: planted effects are found, none is found where there is none, across changes of the share."""

import numpy
import pytest

from analytics.reports import suggestions
from analytics.reports.effect_entries import Code, Measured
from analytics.stats import holdout, proportions
from analytics.stats.holdout import Stratum
from analytics.stats.proportions import Rate


def drawn(rng: numpy.random.Generator, *, days: int, a_day: int, base, effect: float, share) -> list[list[Stratum]]:
    """The strata after each day; `base` and `share` by the day."""
    cells: dict[float, list[int]] = {}
    looks = []
    for day in range(days):
        held = share(day)
        off = int(rng.binomial(a_day, held))
        cell = cells.setdefault(held, [0, 0, 0, 0])
        cell[0] += int(rng.binomial(off, base(day)))
        cell[1] += off
        cell[2] += int(rng.binomial(a_day - off, base(day) - effect))
        cell[3] += a_day - off
        looks.append([Stratum(key, Rate(a, b), Rate(c, d)) for key, (a, b, c, d) in sorted(cells.items())])
    return looks


@pytest.mark.parametrize("effect", [0.0, 0.10, -0.10])
def test_a_planted_effect_is_in_the_interval_at_every_look_and_none_is_shown_where_there_is_none(effect):
    rng = numpy.random.default_rng(20261123)
    missed = called = 0
    for _seed in range(40):
        looks = drawn(rng, days=40, a_day=300, base=lambda _day: 0.55, effect=effect, share=lambda _day: 0.2)
        found = [suggestions.of_strata(strata) for strata in looks]
        judged = [one for one in found if one.code not in (Code.TOO_EARLY, Code.BLOCKED)]
        missed += any(not one.measured.interval.low <= 1000 * effect <= one.measured.interval.high for one in judged)
        called += any(one.code in (Code.SHOWN, Code.HARMFUL) for one in found)
        if effect:
            assert found[-1].code is (Code.SHOWN if effect > 0 else Code.HARMFUL)
    assert missed <= 5  # 2 are to be expected of 40
    assert effect or called <= 5


def test_a_share_that_rises_while_contacts_get_more_is_no_effect():
    """Pooled, those held out are mostly of the bad days."""
    rng = numpy.random.default_rng(7)
    looks = drawn(
        rng, days=60, a_day=400, base=lambda day: 0.2 if day < 30 else 0.4, effect=0.0,
        share=lambda day: 0.1 if day < 30 else 0.5,
    )  # fmt: skip
    strata = looks[-1]
    pooled = proportions.prevented(
        held_out=holdout.added([one.without for one in strata]), notified=holdout.added([one.treated for one in strata])
    )

    assert pooled.is_shown
    assert 0 in holdout.compare(strata).interval
    assert not holdout.is_mismatch(strata)


def test_one_share_is_the_plain_comparison():
    strata = [Stratum(0.5, Rate(40, 100), Rate(20, 100))]

    assert holdout.compare(strata) == proportions.prevented(held_out=Rate(40, 100), notified=Rate(20, 100))


def test_arms_that_are_not_as_large_as_was_drawn_are_blocked():
    even = Stratum(0.5, Rate(500, 1000), Rate(300, 1000))
    lost = Stratum(0.5, Rate(400, 800), Rate(300, 1000))

    assert suggestions.of_strata([even]).code is Code.SHOWN
    assert suggestions.of_strata([lost]).code is Code.BLOCKED
    assert holdout.is_mismatch([even, Stratum(0.1, Rate(50, 300), Rate(100, 1000))])


def test_too_early_is_too_few_who_contacted_us_or_too_few_who_did_not():
    assert suggestions.of_strata([Stratum(0.5, Rate(19, 500), Rate(0, 500))]).code is Code.TOO_EARLY
    assert suggestions.of_strata([Stratum(0.5, Rate(490, 500), Rate(400, 500))]).code is Code.TOO_EARLY


def test_practically_the_same_lies_within_a_fifth_of_the_base():
    close = suggestions.of_strata([Stratum(0.5, Rate(30_000, 100_000), Rate(30_010, 100_000))])
    wide = suggestions.of_strata([Stratum(0.5, Rate(30, 100), Rate(30, 100))])

    assert (close.code, wide.code) == (Code.SAME, Code.NOT_SHOWN)


def test_many_intervals_that_hold_at_once_are_wider_each():
    found = Measured.of(proportions.prevented(held_out=Rate(400, 1000), notified=Rate(2500, 9000)))

    assert found.joint(1) == found.interval
    assert found.joint(10).low < found.joint(2).low < found.interval.low
    assert found.joint(10).low + found.joint(10).high == pytest.approx(2 * found.per_1000)
    half = proportions.always_valid_half_width(found.se, found.units, alpha=0.05 / 10)
    assert found.joint(10).high - found.per_1000 == pytest.approx(half, rel=0.02)  # tuned for alpha, not alpha/10


def test_suppression_is_fewer_contacts_while_fewer_come_to_the_form():
    shown = [Stratum(0.5, Rate(500, 1000), Rate(300, 1000))]
    none = Rate(0, 0)

    def guards(forms: int) -> suggestions.Guards:
        openings = suggestions.Openings
        return suggestions.Guards(none, none, none, openings(forms, 10_000), openings(2_000, 10_000), none)

    assert suggestions.of_strata(shown, guards=guards(1_900)).code is Code.SHOWN
    assert suggestions.of_strata(shown, guards=guards(1_000)).code is Code.SUPPRESSED
    assert suggestions.of_strata([Stratum(0.5, Rate(50, 100), Rate(50, 100))], guards=guards(1_000)).code is (
        Code.NOT_SHOWN
    )

"""The interval of "confirmed": who said yes and cannot be checked may have written to us all the same."""

import math

import numpy as np
import pytest

from analytics.models import Outcome
from analytics.reports.journeys import Cell, Tally
from analytics.spreads import Spreads
from analytics.stats.proportions import PartlyChecked, Rate, wilson


def test_where_all_could_be_checked_it_is_wilsons():
    assert PartlyChecked(81, 263, refuted=Rate(9, 90)).interval == wilson(81, 263)
    assert PartlyChecked(40, 200, 2.0).interval == wilson(20, 100)


def test_the_unchecked_are_taken_to_be_refuted_as_the_others_are_and_both_doubts_are_joined():
    found = PartlyChecked(100, 1000, unchecked=50, refuted=Rate(5, 50)).interval
    doubt = math.hypot(0.1 - wilson(100, 1000).low, 0.05 * (wilson(5, 50).high - 0.1))
    assert found.low == pytest.approx(0.1 - 0.05 * 0.1 - doubt)
    assert found.high == wilson(100, 1000).high


def test_where_nobody_could_be_checked_nothing_is_known_but_what_was_checked_stays():
    assert PartlyChecked(30, 100, unchecked=30).interval.low == 0
    assert PartlyChecked(30, 100, unchecked=20).interval.low == pytest.approx(wilson(10, 100).low)
    assert PartlyChecked(0, 0).interval == wilson(0, 0)


@pytest.mark.parametrize("linkable", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("asked", [60, 3000])
def test_it_holds_the_truth_where_wilsons_does_not(linkable, asked):
    """Of those asked 15 % say yes and 12 % of these write; of the unlinkable nobody hears of it."""
    draws = np.random.default_rng(7)
    held = plain = 0
    for _ in range(1000):
        yes = draws.binomial(asked, 0.15)
        known = draws.binomial(yes, linkable)
        wrote, unheard = draws.binomial(known, 0.12), yes - known
        rate = PartlyChecked(yes - wrote, asked, unchecked=unheard, refuted=Rate(int(wrote), int(known)))
        held += 0.15 * 0.88 in rate.interval
        plain += 0.15 * 0.88 in wilson(rate.hits, rate.of)
    assert held >= 950 - 3 * math.sqrt(1000 * 0.95 * 0.05)
    if linkable == 0.3 and asked == 3000:
        assert plain < 600


def test_a_tally_says_who_could_not_be_checked_and_how_many_linkable_wrote_after_a_yes():
    def cell(
        outcome: str, journeys: int, *, vote: str = "yes", is_linkable: bool = True, article: int | None = 1
    ) -> Cell:
        return Cell(article, outcome, is_linkable, vote, False, journeys)

    tally = Tally(
        (
            cell(Outcome.CONFIRMED, 20),
            cell(Outcome.CONFIRMED, 7, is_linkable=False),
            cell(Outcome.CONFIRMED, 5, article=None),  # read nothing
            cell(Outcome.CONTACTED, 3),
            cell(Outcome.CONTACTED_OTHER, 2),
            cell(Outcome.CONTACTED, 4, is_linkable=False),  # heard of by our form
            cell(Outcome.CONTACTED, 6, vote="no"),
            cell("", 9),  # immature
        ),
        Spreads(contact=1.5),
    )
    rate = tally.confirmed.rate
    assert (rate.hits, rate.of, rate.unchecked) == (27, 42, 7)
    assert rate.refuted == Rate(5, 25, 1.5)


def test_articles_together():
    one = PartlyChecked(10, 100, unchecked=4, refuted=Rate(1, 7))
    assert PartlyChecked.together([one, one]) == PartlyChecked(20, 200, unchecked=8, refuted=Rate(2, 14))

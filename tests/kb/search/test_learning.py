"""Position-debiased learning: the arithmetic, and how a search uses what was learnt."""

from __future__ import annotations

import random

import pytest

from core import bucketing
from kb.models import SearchSignal
from kb.search import indexing, learning, query, signals
from kb.search.learning import CAP, MIN_READS, Impressions, Reading, Signal
from tests.kb.conftest import NOW

TRUE_THETA = [1.0, 0.62, 0.45, 0.33, 0.27, 0.22, 0.18, 0.16, 0.14, 0.13]


def visits(count: int, *, seed: int = 3) -> list[Impressions]:
    """Clicks of simulated visitors who look at rank p with probability TRUE_THETA[p - 1], over shuffled rankings."""
    rng = random.Random(seed)
    shown: dict[tuple[str, int, int], list[int]] = {}
    for query_number in range(20):
        relevance = {article: rng.uniform(0.2, 0.9) for article in range(10)}
        for _ranking in range(count):
            order = list(relevance)
            # Mostly the same order: that the rank goes with relevance is what makes the bias.
            order.sort(key=lambda article: -relevance[article] + rng.gauss(0, 0.3))
            for rank, article in enumerate(order, start=1):
                counts = shown.setdefault((f"q{query_number}", article, rank), [0, 0])
                counts[0] += 1
                counts[1] += rng.random() < TRUE_THETA[rank - 1] * relevance[article]
    return [Impressions(q, article, rank, *counts) for (q, article, rank), counts in shown.items()]


def test_propensities_are_recovered_from_rankings_that_vary():
    found = learning.propensities(visits(2000))
    assert found == pytest.approx(TRUE_THETA, rel=0.12)


def test_clicks_by_rank_alone_would_be_wrong_where_harvesting_is_right():
    impressions = visits(2000)
    at_rank = {rank: [0, 0] for rank in range(1, 11)}
    for one in impressions:
        at_rank[one.rank][0] += one.shown
        at_rank[one.rank][1] += one.clicks
    naive = [at_rank[rank][1] / at_rank[rank][0] / (at_rank[1][1] / at_rank[1][0]) for rank in range(1, 11)]
    harvested = learning.propensities(impressions)

    def off(found):
        return sum(abs(a - b) for a, b in zip(found, TRUE_THETA, strict=True))

    assert off(harvested) < off(naive) / 2


def test_without_enough_clicks_rank_p_is_looked_at_one_time_in_p():
    assert learning.propensities([]) == [1 / rank for rank in range(1, 11)]
    assert learning.propensities(visits(1)) == [1 / rank for rank in range(1, 11)]


def test_propensities_never_rise_with_the_rank():
    found = learning.propensities(visits(300, seed=9))
    assert found == sorted(found, reverse=True)
    assert found[0] == 1.0


def test_an_opening_from_far_down_counts_more_but_not_without_end():
    theta = [1.0, 0.5, 0.1]
    assert learning.weight(1, theta) == 1
    assert learning.weight(2, theta) == 2
    assert learning.weight(3, theta) == learning.MAX_WEIGHT
    assert learning.weight(0, theta) == 1


def test_weights_do_not_pass_for_evidence():
    """Six openings from rank 5 are at most six, whatever each weighs; unequal weights make them fewer."""
    theta = [1 / rank for rank in range(1, 11)]
    assert learning.signal([Reading(5)] * 6, theta).reads == pytest.approx(6)
    mixed = learning.signal([Reading(1)] * 5 + [Reading(5)], theta)
    assert mixed.reads == pytest.approx(10**2 / 30)


def test_shares_are_weighed_by_rank():
    theta = [1.0, 0.5]
    found = learning.signal([Reading(1, is_confirmed=True), Reading(2, is_contacted=True)], theta)
    assert found.confirmed == pytest.approx(1 / 3)
    assert found.contacted == pytest.approx(2 / 3)


USUAL = Signal(1000, 0.2, 0.1)
NOTHING = Signal(0, 0, 0)


def test_below_the_minimum_nothing_is_learnt():
    assert learning.factor(NOTHING, Signal(MIN_READS - 1, 1.0, 0.0), USUAL) == 1.0


def test_a_usual_article_is_left_where_it_is():
    assert learning.factor(NOTHING, Signal(500, 0.2, 0.1), USUAL) == pytest.approx(1.0)


def test_confirmed_raises_and_contacts_lower_and_neither_more_than_the_cap():
    assert 1 < learning.factor(NOTHING, Signal(100, 0.25, 0.1), USUAL) < 1 + CAP
    assert 1 - CAP < learning.factor(NOTHING, Signal(100, 0.2, 0.15), USUAL) < 1
    assert learning.factor(NOTHING, Signal(10_000, 1.0, 0.0), USUAL) == 1 + CAP
    assert learning.factor(NOTHING, Signal(10_000, 0.0, 1.0), USUAL) == 1 - CAP


def test_few_reads_are_shrunk_to_what_is_usual():
    few, many = (learning.factor(NOTHING, Signal(reads, 0.3, 0.1), USUAL) for reads in (30, 3000))
    assert 1 < few < many
    assert few == pytest.approx(1 + 0.1 * 30 / 60)


def test_a_query_of_its_own_counts_before_all_queries():
    good_for_all = Signal(500, 0.3, 0.1)
    assert learning.factor(Signal(500, 0.1, 0.2), good_for_all, USUAL) < 1
    assert learning.factor(Signal(MIN_READS - 1, 0.1, 0.2), good_for_all, USUAL) > 1


# --- In a search ---


def seen(article, *, key: str = "", reads: float = 2000, confirmed: float = 0.2, contacted: float = 0.1) -> None:
    SearchSignal.objects.create(
        locale="en",
        key=key,
        article_id=article.pk,
        openings=int(reads),
        reads=reads,
        confirmed=confirmed,
        contacted=contacted,
        made_at=NOW,
    )


@pytest.fixture
def rivals(write):
    """Two articles that score nearly the same for "customs"; the second is the one that helps."""
    first = write("Customs duties", "Customs are paid at the door. Customs again.")
    second = write("Customs forms", "Customs are paid at the door, as said.")
    write("Something else", "About vans.")
    indexing.rebuild()
    return first, second


def visitor_in(arm: str) -> str:
    is_learnt = arm == signals.LEARNT
    return next(v for n in range(100) if bucketing.is_in_share(signals.SALT, v := f"v{n}", signals.SHARE) == is_learnt)


def order(visitor: str = "", **more):
    found = query.find("customs", locale="en", visitor=visitor, **more)
    return [result.article_id for result in found.results], found


@pytest.mark.django_db
def test_the_article_that_helps_rises_for_visitors_of_the_learnt_arm_only(rivals, settings):
    settings.SEARCH_LEARNING = "test"
    first, second = rivals
    seen(first, confirmed=0.0, contacted=0.5)
    seen(second, confirmed=0.6, contacted=0.0)
    ids, found = order(visitor_in(signals.PLAIN))
    assert (ids, found.ranking) == ([first.pk, second.pk], "plain")
    ids, found = order(visitor_in(signals.LEARNT), explain=True)
    assert (ids, found.ranking) == ([second.pk, first.pk], "learnt")
    assert found.results[0].why["learnt"] > 0
    assert found.results[1].why["learnt"] < 0


@pytest.mark.django_db
@pytest.mark.parametrize(("setting", "is_learnt"), [("off", False), ("on", True)])
def test_off_is_for_nobody_and_on_for_everybody(rivals, settings, setting, is_learnt):
    settings.SEARCH_LEARNING = setting
    first, second = rivals
    seen(first, confirmed=0.0, contacted=0.5)
    seen(second, confirmed=0.6, contacted=0.0)
    ids, found = order()
    assert ids == ([second.pk, first.pk] if is_learnt else [first.pk, second.pk])
    assert found.ranking == ""


@pytest.mark.django_db
def test_where_nothing_was_learnt_there_is_no_test(rivals, settings):
    settings.SEARCH_LEARNING = "test"
    seen(rivals[0], reads=MIN_READS - 1, confirmed=1.0)
    ids, found = order(visitor_in(signals.LEARNT))
    assert (ids, found.ranking) == ([rivals[0].pk, rivals[1].pk], "")


@pytest.mark.django_db
def test_who_is_not_counted_is_in_no_arm(rivals, settings):
    settings.SEARCH_LEARNING = "test"
    seen(rivals[0], confirmed=0.0, contacted=0.5)
    seen(rivals[1], confirmed=0.6, contacted=0.0)
    ids, found = order("")
    assert (ids, found.ranking) == ([rivals[0].pk, rivals[1].pk], "")


@pytest.mark.django_db
def test_learning_never_lifts_a_far_worse_match(write, settings):
    settings.SEARCH_LEARNING = "on"
    best = write("Customs duties", "Customs, customs and customs.")
    weak = write("Parcels abroad and everything about them", "Far down a word on customs. " + "Vans and boxes. " * 40)
    indexing.rebuild()
    seen(best, confirmed=0.0, contacted=1.0)
    seen(weak, confirmed=1.0, contacted=0.0)
    assert order()[0] == [best.pk, weak.pk]

"""Averages of time on an article: their intervals, the readers they stand on, and those of whom nothing is known."""

from __future__ import annotations

import math
import random
import statistics
import uuid

import pytest

from analytics import periods, rollups, spreads
from analytics.models import Event, Identity, ReadDay
from analytics.reports import articles, journeys
from analytics.reports.articles import Narrowed
from analytics.reports.stays import Stay
from analytics.stats.means import Mean
from analytics.stats.proportions import Rate
from core import clock
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.history import at


def test_amounts_that_are_even_on_both_sides_have_students_interval():
    """2.306 is the tables' t for nine."""
    amounts = [46, 47, 48, 49, 50, 51, 52, 53, 54]
    found = Mean.of(amounts).interval

    half = 2.306 * statistics.stdev(amounts) / 3
    assert (found.low, found.high) == (pytest.approx(50 - half, abs=0.02), pytest.approx(50 + half, abs=0.02))


def test_a_few_long_stays_reach_further_up_than_down():
    found = Mean.of([10] * 45 + [400] * 5)

    assert found.value == 49
    assert found.interval.high - 49 > 1.5 * (49 - found.interval.low)
    assert found.interval.low > 0


def test_of_people_who_each_come_twice_half_the_number_says_as_much():
    one, twice = Mean.of(range(40)), Mean.of([*range(40), *range(40)], spread=2)

    assert twice.value == one.value
    assert twice.interval.low == pytest.approx(one.interval.low, abs=0.2)
    assert twice.interval.high == pytest.approx(one.interval.high, abs=0.2)
    assert Mean.of([5] * 40).interval.low == Mean.of([5] * 40).interval.high == 5
    assert Mean.of([5]).interval is None
    assert Mean.of([]).value is None


def people(chance: random.Random, number: int) -> list[list[float]]:
    """Their stays: one to four, alike in one person, and few of them long."""
    found = []
    for _person in range(number):
        own = chance.gauss(0, 0.64)
        of = chance.choice((1, 1, 1, 2, 2, 4))
        found.append([min(1800, math.exp(3.6 + own + chance.gauss(0, 0.64))) for _ in range(of)])
    return found


def sums(persons: list[list[float]], mean: float) -> tuple[float, ...]:
    own = [(len(each), sum(each)) for each in persons]
    return (
        sum(n for n, _h in own), sum(h for _n, h in own), sum(h * h for _n, h in own), sum(h * n for n, h in own),
        sum(n * n for n, _h in own), sum(x * x for each in persons for x in each),
    )  # fmt: skip


def test_it_holds_the_truth_in_ninety_three_of_a_hundred_where_people_stay_more_than_once():
    """Of 40 people. Without the spread it were some 87, by a t interval some 91."""
    chance = random.Random(7)
    everybody = people(chance, 60_000)
    truth = statistics.fmean(x for each in everybody for x in each)
    spread = spreads.design_effect([sums(everybody, truth)])
    assert 1.4 < spread < 1.7

    samples = [[x for each in people(chance, 40) for x in each] for _ in range(1_500)]
    held = sum(truth in Mean.of(sample, spread).interval for sample in samples)
    alone = sum(truth in Mean.of(sample).interval for sample in samples)

    assert 0.925 <= held / len(samples) <= 0.965
    assert alone / len(samples) < 0.90


def stayed(visitor: uuid.UUID, article, day: int, seconds: int, scrolled: int = 50) -> None:
    Event.objects.create(
        kind="stayed", at=at(2, days=day), visitor=visitor, article_id=article.pk,
        revision_id=article.live_revision_id, seconds=seconds, scrolled=scrolled,
    )  # fmt: skip


def told(article) -> Stay:
    """After the days were counted."""
    with clock.frozen(NOW):
        rollups.mark_all()
        rollups.make_due(windows=(7,))
        period, _wrong = periods.read({}, now=NOW)
    return articles.rows(period, journeys.tally(period), narrowed=Narrowed(only=article.pk))[0].stay


@pytest.fixture
def parcel(db):
    return history.article("Where is my parcel")


def test_the_average_of_thirty_readers_has_an_interval_and_that_of_fewer_none(parcel):
    visitors = [uuid.UUID(int=n + 1) for n in range(40)]
    for visitor in visitors:
        history.read(visitor, parcel, at())
        history.read(visitor, parcel, at(1))
    for n, visitor in enumerate(visitors[:29]):
        stayed(visitor, parcel, 0, 10 + n, 50 + n % 3)

    stay = told(parcel)
    assert (stay.told, stay.unheard) == (Rate(29, 40), 11), "each once a day, however often they opened it"
    assert "only 29 of the 30" in stay.why_withheld
    assert stay.mean_seconds is stay.seconds_interval is stay.mean_share is stay.share_interval is None

    stayed(visitors[29], parcel, 0, 200, 80)
    stayed(visitors[29], parcel, 0, 100, 90)
    stay, amounts = told(parcel), [*range(10, 39), 300]
    assert stay.mean_seconds == statistics.fmean(amounts)
    assert stay.seconds_interval == Mean.of(amounts).interval
    shares = [*(50 + n % 3 for n in range(29)), 90]
    assert stay.mean_share == pytest.approx(statistics.fmean(shares) / 100)
    assert stay.share_interval.low == pytest.approx(Mean.of(shares).interval.low / 100)
    assert stay.share_interval.high == pytest.approx(Mean.of(shares).interval.high / 100)

    ReadDay.objects.filter(stays__gt=0).update(seconds_squared=None)
    with clock.frozen(NOW):
        period, _wrong = periods.read({}, now=NOW)
    (row,) = articles.rows(period, journeys.tally(period), narrowed=Narrowed(only=parcel.pk))
    assert "only sums were kept" in row.stay.why_withheld
    assert row.stay.mean_seconds is None


@pytest.mark.parametrize("is_known", [True, False])
def test_who_stays_on_five_days_alike_is_one_reader_of_five(is_known, parcel):
    """By their visitor; or by two visitors whom we know to be one person."""
    for n in range(20):
        one, other = uuid.UUID(int=2 * n + 1), uuid.UUID(int=2 * n + 2)
        for day in range(5):
            visitor = other if day > 2 and is_known else one
            history.read(visitor, parcel, at(days=day))
            stayed(visitor, parcel, day, 10 * (n + 1))
        if is_known:
            Identity.objects.create(visitor=one, person=f"p{n}", at=at())
            Identity.objects.create(visitor=other, person=f"p{n}", at=at())

    alone = told(parcel).seconds_interval
    spreads.measure(now=NOW, windows=(7,), anew=True)
    stay = told(parcel)

    assert spreads.known(7).seconds == pytest.approx(5)
    assert stay.told == Rate(100, 100)
    assert stay.seconds_interval == Mean.of([10 * (n % 20 + 1) for n in range(100)], spread=5).interval
    assert stay.seconds_interval.high - stay.seconds_interval.low > 2 * (alone.high - alone.low)

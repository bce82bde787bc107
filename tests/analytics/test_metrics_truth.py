"""Worlds whose truth is known: both ways of telling the product of them agree, and its numbers hold what is true."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from analytics import settling, settling_rows, spreads
from analytics.models import Identity, Journey, Spread
from analytics.reports import search_counts
from analytics.simulation import world, world_pages, world_rows, world_shapes, world_shop, world_truth
from analytics.stats.proportions import Rate, wilson
from bench import _truth_looks as truth
from core import clock, people
from kb import search
from kb.models import SearchLog
from kb.search import indexing
from tests.analytics import history
from tests.analytics.history import MONDAY

FACTS = [name for name in settling_rows.FACTS if name not in ("contact_id", "decide_at")]


def journeys() -> list[tuple[object, ...]]:
    rows = Journey.objects.order_by("visitor", "started_at").values_list("visitor", "started_at", *FACTS)
    return [tuple(json.dumps(value, sort_keys=True, default=str) for value in row) for row in rows]


def settle(*, days: float) -> None:
    with clock.frozen(MONDAY + timedelta(days=days)):
        settling.settle(rebuild=True)


@pytest.mark.django_db
def test_pages_and_rows_lead_to_the_same_journeys(settings, tmp_path, django_capture_on_commit_callbacks):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    settings.SUGGESTIONS_OFF_SHARE = 0.5
    model = replace(
        world_shapes.usual(), visitors=14, strangers=0.2, late_parcel=0, straight=0.4, suggestions_answer=0.7
    )
    with clock.frozen(MONDAY - timedelta(days=80)):
        shop = world_shop.open_shop(model, at=clock.now())
        indexing.rebuild()
    told = list(world.lives(model, seed=10, key=people.person_key))
    done = Counter(deed.kind for life in told for deed in life.deeds)
    assert set(done) == {"help", "search", "read", "vote", "form", "suggested", "answered"}
    try:
        with django_capture_on_commit_callbacks(execute=True):
            walked = world_pages.walk(model, shop, told, start=MONDAY)
    finally:
        search.engine().close()
    assert not [what for what in walked if what.startswith("failed")]
    settle(days=60)
    by_pages, ties = journeys(), set(Identity.objects.values_list("visitor", "person", "at"))
    assert len(by_pages) > 15
    world_rows.clear()
    world_rows.write(model, shop, told, start=MONDAY)
    settle(days=60)
    assert journeys() == by_pages
    assert set(Identity.objects.values_list("visitor", "person", "at")) == ties


@pytest.mark.django_db
def test_what_the_product_counts_is_what_the_model_counts():
    """Exactly, number by number, over the same lives; and three days before, the newest journeys are left open."""
    period = truth.period()
    model = replace(world_shapes.usual(), visitors=250, known=0.7)
    shop = world_shop.open_shop(model, at=period.start - timedelta(days=80))
    told = list(world.lives(model, seed=3, key=people.person_key))
    counted = world_truth.count(model, told)
    now = period.end + timedelta(days=40)  # so long after the last call that the telephone counts as gone
    to_come = world_rows.write(model, shop, told, start=period.start, heard_until=period.end)
    with clock.frozen(period.end + timedelta(days=8)):
        settling.settle(rebuild=True)
    immature = truth.mature()
    world_rows.import_letters(shop, to_come, start=period.start)
    with clock.frozen(now):
        settling.settle(rebuild=True)
        found = truth.found(model, now=now)
    assert 0 < immature < truth.mature()
    named = ["coverage", "contact after read", "repeat contact", "held out", "notified", "form on", "form off"]
    named += ["form sent, with suggestions", "form sent, without suggestions", "suggestion was the answer"]
    named += ["search found nothing", "search, none opened", "search put anew", "contact after search"]
    named += [name for name in counted.counts if name.startswith("contact after read: ")]
    assert {name: list(found[name]) for name in named} == {name: counted.counts[name] for name in named}
    assert found[world_truth.LATE][0] == counted.counts[world_truth.LATE][0] > 0
    # Of people whom we do not know we cannot know that they wrote: those who said yes are a few too many.
    said, of = counted.counts["confirmed"]
    assert of == found["confirmed"][1]
    assert said <= found["confirmed"][0] <= said + 0.02 * of


def test_a_shop_is_the_same_for_the_same_seed_and_another_for_another():
    model = replace(world_shapes.usual(), visitors=30)
    assert list(world.lives(model, seed=1)) == list(world.lives(model, seed=1)) != list(world.lives(model, seed=2))


def test_so_many_are_known_that_the_coverage_is_as_asked():
    model = world_truth.calibrated(world_shapes.usual(), 0.6)
    share = world_truth.count(model, world.lives(model, seed=9, people=4_000)).share("coverage")
    assert abs(share - 0.6) < 0.03


def test_seasons_are_as_strong_as_asked():
    def mondays(seasonality: float) -> float:
        model = replace(world_shapes.usual(), visitors=3_000, strangers=0, seasonality=seasonality)
        days = [
            deed.at // world_shapes.DAY for life in world.lives(model, seed=1) for deed in life.deeds if deed.at >= 0
        ]
        return sum(day % 7 == 0 for day in days) / sum(day % 7 == 5 for day in days)

    assert mondays(0) < 1.15 < mondays(1) < mondays(2)


def test_persons_who_come_once_have_no_design_effect_and_twins_count_half():
    once = [(200.0, 40.0, 40.0, 40.0, 200.0)]  # n, h, h², hn, n² of 200 persons
    twins = [(200.0, 40.0, 80.0, 80.0, 400.0)]  # 100 persons, each of whom does the same twice
    assert spreads.design_effect(once) == 1
    assert spreads.design_effect(twins) == 2
    assert spreads.design_effect([(50.0, 10.0, 20.0, 20.0, 100.0)]) == 1  # too few to say
    assert Rate(40, 200, 2.0).interval == wilson(20, 100)
    assert Rate(40, 200, 2.0).share == Rate(40, 200).share


@pytest.mark.django_db
def test_the_spread_is_measured_once_a_day():
    def known() -> set[object]:
        return set(Spread.objects.values_list("measured_at", flat=True))

    parcel = history.article("Where is my parcel")
    history.read(history.ANNA, parcel, MONDAY)
    settle(days=10)
    assert known() == {MONDAY + timedelta(days=10)}
    with clock.frozen(MONDAY + timedelta(days=10, hours=5)):
        settling.settle()
    assert known() == {MONDAY + timedelta(days=10)}
    with clock.frozen(MONDAY + timedelta(days=10, hours=21)):
        settling.settle()
    assert known() == {MONDAY + timedelta(days=10, hours=21)}


@pytest.mark.django_db
def test_who_asks_twice_has_one_contact_after_both(monkeypatch):
    monkeypatch.setattr(spreads, "LEAST_JOURNEYS", 20)
    for n in range(10):
        visitor, when = uuid.UUID(int=5000 + n), MONDAY + timedelta(minutes=n)
        for words in ("gift wrap", "wrapping paper"):
            SearchLog.objects.create(
                at=when, visitor=str(visitor), kind="page", text=words, key=words, locale="en", total=1, engine="x",
                took_ms=1,
            )  # fmt: skip
        if n % 2:
            history.contact(when + timedelta(hours=2), visitor=visitor, person=f"p{n}")
    spreads.measure(now=MONDAY + timedelta(days=3), windows=(7,), anew=True)
    assert spreads.known(7).search == 2
    counts = search_counts.Counts(searches=20, decided=20, contacted=10, spread=2.0)
    assert search_counts.total([counts, counts]).contact == Rate(20, 40, 2.0)


def test_contacts_of_one_person_are_no_strangers():
    assert spreads.dispersion(200.0, 200.0) == 1
    assert spreads.dispersion(200.0, 400.0) == 2, "a hundred people, each with two"
    assert spreads.dispersion(20.0, 40.0) == 1, "too few to say"


@pytest.mark.django_db
def test_who_writes_twice_about_one_topic_makes_the_number_of_contacts_less_sure(monkeypatch):
    monkeypatch.setattr(spreads, "LEAST_JOURNEYS", 6)
    delivery, refunds = history.reason("delivery"), history.reason("refunds")
    late = history.reason("late", parent=delivery)
    history.contact(MONDAY, person="anna", why=delivery)
    history.contact(MONDAY + timedelta(days=3), person="anna", why=late)  # the same topic
    history.contact(MONDAY + timedelta(days=4), person="anna", why=refunds)  # another
    for n in range(3):
        history.contact(MONDAY + timedelta(hours=n), person="", why=delivery)  # each by somebody else, for all we know
    history.contact(MONDAY - timedelta(days=60), person="anna", why=delivery)  # too long ago

    spreads.measure(now=MONDAY + timedelta(days=5), windows=(7,), anew=True)

    assert spreads.known(7).count == spreads.known(14).count == pytest.approx((4 + 1 + 3) / 6)


@pytest.mark.django_db
@pytest.mark.parametrize("in_bulk", [True, False])
def test_a_world_is_played_by_a_command_that_says_what_is_true(
    settings, tmp_path, capsys, django_capture_on_commit_callbacks, in_bulk
):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    people_ = 60 if in_bulk else 4
    given = {"world": 1, "seed": 4, "visitors": people_, "late_days": 3, "bulk": in_bulk, "seasonality": 2.0}
    try:
        with django_capture_on_commit_callbacks(execute=True):
            call_command("simulate_traffic", **given)
        with pytest.raises(CommandError, match="have been here before; give another seed"):
            call_command("simulate_traffic", **given)
    finally:
        search.engine().close()
    said = capsys.readouterr().out
    assert "In truth, of those who came:" in said
    assert ("messages prevent" in said) is in_bulk
    settling.settle()
    assert Journey.objects.count() >= people_


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"world": 0, "coverage": 99}, "--coverage is a share of the journeys, from 5 to 96"),
        ({"world": 0, "late_days": 90}, "--late-days"),
        ({"world": 0, "seasonality": -1.0}, "--seasonality is from 0"),
        ({"world": 0, "prepare": True}, "--world is a shop of its own"),
        ({"bulk": True}, "say which one with --world 0"),
    ],
)
def test_a_world_that_cannot_be_is_refused_with_what_to_do(given, why):
    with pytest.raises(CommandError, match=why):
        call_command("simulate_traffic", **given)

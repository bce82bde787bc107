"""What is learnt of the past looks at nothing later, is stored without pickles, and is off until it is better."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from core import clock
from notifications import episodes, forecasts
from notifications.intake import storing
from notifications.intake.facts import CustomerFact, Fact, Placed, Region, Scanned, in_time_order
from notifications.models import DelayModel, Episode, Forecast, NetworkDay
from notifications.prediction import alarms, features, history, judging, lanes, nightly, steps, training, trees, wave
from notifications.prediction.alarms import Watched
from notifications.prediction.history import NEVER, History, Lane, Parcel

pytest.importorskip("sklearn", reason="the extra that learns is not installed: make predict")

START = date(2025, 9, 1).toordinal()
DAYS = 200
TODAY = START + DAYS


def somebody(role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    return client


def parcels(number: int = 2600, *, seed: int = 1) -> list[Parcel]:
    """A slow lane and a quick one; promised for twelve days. Parcels of the slow one are late when packed late."""
    chance = random.Random(seed)
    made = []
    for _ in range(number):
        placed = START + chance.randrange(DAYS)
        is_slow = chance.random() < 0.5
        packed = placed + chance.choice((1, 2, 3, 6))
        came = packed + (chance.choice((6, 7, 8, 9)) if is_slow else chance.choice((2, 3, 4)))
        lane = Lane("Parcel Post", "GB-LND", "GB-ABD" if is_slow else "GB-LND")
        made.append(Parcel(lane, placed, placed + 12, placed + 3, packed, came, NEVER))
    return made


def world() -> History:
    return history.of(parcels())


def test_a_morning_knows_nothing_that_happened_on_its_day_or_later() -> None:
    whole = world()
    day = START + 150
    known = whole.as_known(day)
    net, less = (training.network_of(one, since=START + 20, until=day) for one in (whole, known))
    rows, fewer = features.asked(whole, day), features.asked(known, day)
    assert len(rows) > 20
    np.testing.assert_array_equal(features.of_day(whole, net, rows, day), features.of_day(known, less, fewer, day))


def test_an_outcome_is_known_when_the_parcel_came_or_its_promised_day_is_over() -> None:
    lane = Lane("a", "", "")
    rows = history.of(
        [
            Parcel(lane, 10, 20, NEVER, 11, 15, NEVER),
            Parcel(lane, 10, 20, NEVER, 11, 30, NEVER),
            Parcel(lane, 10, 20, NEVER, 11, NEVER, NEVER),
            Parcel(lane, 10, 20, NEVER, NEVER, NEVER, 12),
        ]
    )
    assert list(rows.label_known) == [16, 21, 21, NEVER]
    assert list(rows.is_late[:3]) == [False, True, True]


def test_a_thin_lane_goes_by_its_parent_and_a_full_one_by_itself() -> None:
    many = [
        Parcel(Lane("a", "", "X-1"), START + n % 40, NEVER, NEVER, START + n % 40, START + n % 40 + 2, NEVER)
        for n in range(400)
    ]
    few = [Parcel(Lane("a", "", "X-2"), START + n, NEVER, NEVER, START + n, START + n + 9, NEVER) for n in range(3)]
    rows = history.of(many + few)
    leg = lanes.transit(rows, first_day=START, last_day=START + 50)
    hazards = leg.hazards(START + 50)
    full, thin = rows.lanes.index(Lane("a", "", "X-1")), rows.lanes.index(Lane("a", "", "X-2"))
    assert hazards[full][2] > 0.9
    assert abs(hazards[thin][2] - hazards[full][2]) < 0.1
    reached = lanes.survivals(hazards)
    late = [lanes.late_in_transit(reached, np.array([full]), np.array([0]), np.array([left]))[0] for left in range(5)]
    assert late == sorted(late, reverse=True)


def test_stored_trees_answer_as_before_and_foreign_bytes_are_refused() -> None:
    whole = world()
    seen = training.landmarks(
        whole, training.network_of(whole, since=START + 20, until=TODAY), since=START + 20, until=TODAY
    )
    model = training.learn(whole, seen, now=TODAY)
    some = seen.table[:300]
    np.testing.assert_array_equal(trees.load(model.dump()).chance(some), model.chance(some))
    import pickle

    for foreign in (b"", b"PK\x03\x04", pickle.dumps({"a": 1}), model.dump()[:-200]):
        with pytest.raises(trees.Unreadable):
            trees.load(foreign)
    with pytest.raises(trees.Unreadable, match="leads out"):
        trees.load(replace(model, left=model.left + 10**6).dump())


def test_a_loop_in_stored_trees_cannot_hold_the_worker_up() -> None:
    whole = world()
    seen = training.landmarks(
        whole, training.network_of(whole, since=START + 20, until=TODAY), since=START + 20, until=TODAY
    )
    model = training.learn(whole, seen, now=TODAY)
    looped = replace(model, right=np.where(model.right != np.arange(len(model.right)), 0, model.right))
    with pytest.raises(trees.Unreadable, match="leads back"):
        trees.load(looped.dump())


def test_a_parcel_counts_with_its_first_warning() -> None:
    watched = Watched(
        row=np.array([0, 0, 0, 1, 1]),
        left=np.array([3, 2, 1, 3, 1]),
        chance=np.array([0.2, 0.8, 0.4, 0.1, 0.9]),
        is_late=np.array([True, False]),
        weight=np.array([1.0, 3.0]),
    )
    assert list(alarms.warnings_at(watched, 0.7)) == [2, 1]
    found = alarms.quality(watched, alarms.warnings_at(watched, 0.7))
    assert (found.precision, found.recall, found.lead_days) == (0.25, 1.0, 2.0)
    assert found.false_alarms_per_1000 == 750
    assert list(alarms.rule(watched, 1)) == [1, 1]


def test_a_model_is_off_while_too_little_is_known(db: None) -> None:
    made = nightly.train(now=datetime(2026, 3, 20, tzinfo=UTC))
    assert not made.is_on
    assert "too little is known" in made.verdict
    assert nightly.forecast(now=datetime(2026, 3, 20, tzinfo=UTC)) == 0


NOW = datetime.combine(date.fromordinal(TODAY), datetime.min.time(), tzinfo=UTC) + timedelta(hours=6)


def at(day: int) -> datetime:
    return datetime.combine(date.fromordinal(day), datetime.min.time(), tzinfo=UTC) + timedelta(hours=12)


def store(rows: list[Parcel]) -> None:
    """As any source brings them, as known at NOW."""
    from notifications.tracking import Scan

    facts: list[Fact] = []
    for n, one in enumerate(rows):
        number = f"P-{n}"
        facts.append(
            Placed(
                at(one.placed),
                number,
                number,
                CustomerFact(f"c{n}", f"c{n}@example.com", "Ada"),
                (),
                at(one.ship_by),
                at(one.promised),
                one.lane.carrier,
                number,
                ship_to=Region(*one.lane.destination.split("-")),
                ship_from=Region(*one.lane.origin.split("-")),
            )
        )
        for state, day in (("handed_over", one.handed_over), ("delivered", one.delivered)):
            if day < TODAY:
                facts.append(Scanned(at(day), number, one.lane.carrier, number, Scan(state=state, at=at(day))))
    for batch in storing.in_batches(in_time_order(facts)):
        storing.store(batch, source="test", now=NOW)


def test_a_model_learns_of_days_that_have_passed_and_of_no_later_one() -> None:
    whole = world()
    now = START + 150
    rows = features.asked(whole, now - 3)
    net = training.network_of(whole, since=START + 20, until=now)
    table = features.of_day(whole, net, rows, now - 3)
    days = np.full(len(rows), now - 3)
    passed = steps.seen_by(whole, table, rows, days, now=now)
    assert set(passed) == {1, 2, 3}, "the days before today, fewer where it came or its promised day is over"
    known = whole.as_known(now)
    seen, fewer = (
        training.landmarks(one, training.network_of(one, since=START + 20, until=now), since=START + 20, until=now)
        for one in (whole, known)
    )
    told, told_less = training.learn(whole, seen, now=now), training.learn(known, fewer, now=now)
    np.testing.assert_array_equal(told.chance(table), told_less.chance(table))


def test_the_chance_to_be_late_is_that_of_coming_on_none_of_the_days_left() -> None:
    hazard = np.array([0.5, 0.5, 0.2])
    np.testing.assert_allclose(steps.late(hazard, np.array([0, 0, 1]), 2), [0.25, 0.8])


def test_the_last_mornings_ask_for_a_surer_warning() -> None:
    early, day_before, last = alarms.bound_on(0.7, np.array([2, 1, 0]))
    assert early == 0.7
    assert 0.8 < day_before == last < 0.9


@pytest.mark.slow
@pytest.mark.django_db
def test_a_model_that_beats_the_rule_is_used_and_calls_parcels_late_ahead() -> None:
    store(parcels())
    made = nightly.train(now=NOW)
    assert made.is_on, (made.verdict, made.report)
    assert nightly.train_if_due(now=NOW + timedelta(hours=3)) is None
    assert nightly.forecast(now=NOW) == Forecast.objects.count() > 50
    late = Forecast.objects.filter(late_since__isnull=False).select_related("shipment__order")
    assert late
    assert all(one.shipment.order.promised_deliver_by > NOW - timedelta(days=1) for one in late)
    episodes.sweep(now=NOW + timedelta(hours=7))
    foretold = Episode.objects.filter(kind="expected_late", closed_at=None).count()
    assert 0 < foretold <= len(late)
    shown = Forecast.objects.exclude(days=[]).select_related("shipment").first()
    if shown is not None:
        told = forecasts.expected(shown.shipment, shown.made_on)
        assert told is not None
        assert told.low <= told.middle <= told.high
        assert forecasts.expected(shown.shipment, shown.made_on + timedelta(days=3)) is None, "too old"
    with clock.frozen(NOW):
        page = somebody("ops").get(reverse("desk:predictions")).content.decode()
    assert made.verdict.split(":")[0] in page
    assert "Said and came" in page
    # Switched off, what it foretold is looked at again and ends.
    DelayModel.objects.update(is_on=False)
    nightly.forecast(now=NOW + timedelta(hours=8))
    episodes.sweep(now=NOW + timedelta(hours=8))
    assert not Forecast.objects.exists()
    assert not Episode.objects.filter(kind="expected_late", closed_at=None).exists()


@pytest.mark.django_db
def test_the_page_says_that_nothing_is_learnt_yet_and_shows_a_wave() -> None:
    NetworkDay.objects.create(
        day=date(2026, 3, 5),
        surge=2.9,
        backlog=8,
        pace=0.9,
        late_rate=0.08,
        is_wave=True,
        reason="2.9 times the usual orders",
    )
    with clock.frozen(datetime(2026, 3, 5, 12, tzinfo=UTC)):
        page = somebody("analyst").get(reverse("desk:predictions")).content.decode()
    assert "Nothing learnt yet" in page
    assert "The network is under a wave" in page


def test_a_wave_begins_with_its_reason_and_ends_after_calm_mornings() -> None:
    calm = wave.Morning(0, 1, 1, 1, 0, "")
    mornings = [replace(calm, day=n, reason="much" if n in (3, 4) else "") for n in range(20)]
    (found,) = wave.waves(mornings)
    assert (found[0].day, found[1].day) == (3, 4 + wave.ENDS_AFTER - 1)


def test_equal_precision_by_warning_of_a_few_only_beats_no_rule() -> None:
    rule = alarms.Quality(0.8, 1.0, 1.0, 1.0, 10, 100, 100)
    few = replace(rule, recall=0.3, lead_days=4.0)
    assert not judging.Beside(1, rule, 0.9, few, few).is_beaten
    assert judging.Beside(1, rule, 0.9, replace(few, recall=0.9), few).is_beaten

"""Sweeping, episodes, and whose message is made."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from core import bucketing, clock
from notifications import dispatch, episodes, planning, tracking
from notifications.models import Arm, Episode, Message, MessageState, OutboxMail, Rule, Shipment, Skip, SkipReason
from tests.notifications import shop
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thursday_noon(settings, db):
    settings.MAIL_PROVIDER = "console"
    shop.rules(holdout_share=0.1)
    with clock.frozen(NOW):
        yield


@pytest.fixture
def all_notified(db):
    shop.hold_out_nobody()


@pytest.mark.usefixtures("all_notified")
def test_a_late_parcel_gets_one_episode_and_one_message() -> None:
    shipment = shop.parcel()
    swept = episodes.sweep(now=NOW)
    assert (swept.looked_at, swept.opened, swept.planned) == (1, 1, 1)
    message = Message.objects.get()
    assert (message.state, message.arm, message.rule.key) == ("ready", "notify", "promise-passed")
    assert message.eligible_at == NOW
    assert Episode.objects.get().promised_by == shipment.order.promised_deliver_by


@pytest.mark.usefixtures("all_notified")
def test_sweeping_again_finds_nothing_to_do() -> None:
    shop.parcel()
    episodes.sweep(now=NOW)
    assert episodes.sweep(now=NOW + DAY).looked_at == 0
    assert Message.objects.count() == 1


@pytest.mark.usefixtures("all_notified")
def test_only_the_parcels_that_are_due_are_looked_at(django_assert_max_num_queries) -> None:
    for number in range(5):
        shop.parcel(f"FH-{number}", deliver_by=NOW + 30 * DAY, ship_by=NOW + 20 * DAY)
    with django_assert_max_num_queries(4):
        assert episodes.sweep(now=NOW).looked_at == 0


@pytest.mark.usefixtures("all_notified")
def test_a_parcel_can_first_leave_late_and_then_arrive_late() -> None:
    shop.parcel(ship_by=NOW - 2 * DAY, deliver_by=NOW + DAY)
    episodes.sweep(now=NOW)
    episodes.sweep(now=NOW + DAY)
    assert dict(Episode.objects.values_list("kind", "close_reason")) == {
        "not_handed_over": "superseded",
        "promise_passed": "",
    }
    assert set(Message.objects.values_list("rule__key", flat=True)) == {"not-handed-over", "promise-passed"}


@pytest.mark.parametrize("state", ["delivered", "returned", "available_for_pickup"])
@pytest.mark.usefixtures("all_notified")
def test_news_closes_the_episode_with_its_reason(state: str) -> None:
    shipment = shop.parcel()
    episodes.sweep(now=NOW)
    shop.scan(shipment, state, NOW)
    assert episodes.sweep(now=NOW).closed == 1
    first = Episode.objects.get(kind="promise_passed")
    assert first.close_reason == state.replace("available_for_pickup", "ready_to_collect")


@pytest.mark.usefixtures("all_notified")
def test_a_cancelled_order_is_no_trouble_any_more() -> None:
    shipment = shop.parcel()
    episodes.sweep(now=NOW)
    shop.cancel(shipment)
    episodes.sweep(now=NOW)
    assert Episode.objects.get().close_reason == "cancelled"


@pytest.mark.usefixtures("all_notified")
def test_a_flapping_status_cannot_mail_twice() -> None:
    shipment = shop.parcel()
    for hour in range(6):
        state = "exception" if hour % 2 else "in_transit"
        shop.scan(shipment, state, NOW + timedelta(hours=hour))
        episodes.sweep(now=NOW + timedelta(hours=hour))
    assert Episode.objects.count() == Message.objects.count() == 1


@pytest.mark.usefixtures("all_notified")
def test_the_table_takes_one_message_per_dedupe_key() -> None:
    shop.parcel()
    episodes.sweep(now=NOW)
    message = Message.objects.get()
    message.pk = None
    message._state.adding = True
    with pytest.raises(IntegrityError), transaction.atomic():
        message.save()


def test_the_dedupe_key_depends_on_rule_order_episode_and_person_only() -> None:
    rule = Rule.objects.get(key="promise-passed")
    episode = Episode(pk=7, shipment=Shipment(order_id=3))
    key = planning.dedupe_key(rule, episode, person="a")
    rule.name, rule.template = "New name", "another_template"
    assert planning.dedupe_key(rule, episode, person="a") == key
    others = {
        planning.dedupe_key(rule, episode, person="b"),
        planning.dedupe_key(rule, Episode(pk=8, shipment=Shipment(order_id=3)), person="a"),
        planning.dedupe_key(rule, Episode(pk=7, shipment=Shipment(order_id=4)), person="a"),
        planning.dedupe_key(Rule(key="other"), episode, person="a"),
    }
    assert len(others - {key}) == 4


def test_a_held_out_customer_gets_no_email() -> None:
    Rule.objects.update(holdout_share=1.0)
    shop.parcel()
    assert episodes.sweep(now=NOW).held_out == 1
    dispatch.drain(dispatch.LANES)
    message = Message.objects.get()
    assert (message.state, message.arm) == (MessageState.HELD_OUT, Arm.HELD_OUT)
    assert not OutboxMail.objects.exists()


def test_one_customer_is_in_the_same_arm_with_every_order() -> None:
    Rule.objects.update(holdout_share=0.5)
    for number in range(40):
        shop.parcel(f"FH-{number}", name=f"Name{number % 8}")
    episodes.sweep(now=NOW)
    arms = {}
    for person, arm in Message.objects.values_list("person", "arm"):
        arms.setdefault(person, set()).add(arm)
    assert len(arms) == 8
    assert all(len(of_one) == 1 for of_one in arms.values())
    assert {arm for of_one in arms.values() for arm in of_one} == {"notify", "held_out"}


def test_the_arm_is_the_one_that_the_hash_says() -> None:
    Rule.objects.update(holdout_share=0.5)
    for number in range(20):
        shop.parcel(f"FH-{number}", name=f"Name{number}")
    episodes.sweep(now=NOW)
    for message in Message.objects.select_related("rule"):
        is_out = bucketing.is_in_share(f"holdout:{message.rule.key}", message.person, 0.5)
        assert message.arm == ("held_out" if is_out else "notify")


def test_new_shops_begin_with_two_rules_that_hold_out_a_share(settings) -> None:
    Rule.objects.all().delete()
    settings.HOLDOUT_SHARE = 0.2
    migration = import_module("notifications.migrations.0001_squashed_0009_sheets")
    for _ in range(2):
        migration.make_rules(apps, None)
    assert list(Rule.objects.order_by("key").values_list("key", "kind", "holdout_share")) == [
        ("not-handed-over", "not_handed_over", 0.2),
        ("promise-passed", "promise_passed", 0.2),
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"email": ""}, SkipReason.NO_ADDRESS),
        ({"deliver_by": NOW - 8 * DAY, "ship_by": None, "placed_at": NOW - 20 * DAY}, SkipReason.NO_NEWS),
    ],
)
def test_who_gets_no_message_is_counted_and_kept_with_the_reason(changes: dict, reason: SkipReason) -> None:
    shop.parcel(**changes)
    swept = episodes.sweep(now=NOW)
    assert (swept.opened, dict(swept.skipped)) == (1, {reason: 1})
    assert not Message.objects.exists()
    skip = Skip.objects.get()
    assert (skip.episode, skip.rule, skip.reason, skip.at) == (Episode.objects.get(), _rule(), reason, NOW)
    Shipment.objects.update(check_at=NOW)
    episodes.sweep(now=NOW + DAY)
    assert Skip.objects.get() == skip, "told once"


def _rule() -> Rule:
    return Rule.objects.get(kind="promise_passed")


def test_a_rule_that_is_off_makes_no_message() -> None:
    Rule.objects.update(is_active=False)
    shop.parcel()
    assert dict(episodes.sweep(now=NOW).skipped) == {SkipReason.NO_RULE: 1}
    assert Skip.objects.get().rule is None


@pytest.mark.usefixtures("all_notified")
def test_the_same_history_twice_sends_nothing_new() -> None:
    shipment = shop.parcel()
    shop.scan(shipment, "handed_over", NOW - 3 * DAY)
    episodes.sweep(now=NOW)
    shop.parcel()
    shop.scan(shipment, "handed_over", NOW - 3 * DAY)
    assert episodes.sweep(now=NOW + timedelta(hours=1)).opened == 0
    assert Message.objects.count() == 1


def test_a_new_promise_that_is_broken_is_new_trouble() -> None:
    shop.hold_out_nobody()
    shipment = shop.scan(shop.parcel(), "in_transit", NOW - 2 * DAY)
    episodes.sweep(now=NOW)
    order = shipment.order
    order.promised_deliver_by = NOW + 2 * DAY
    order.save()
    tracking.recheck([shipment.pk], now=NOW)
    episodes.sweep(now=NOW)
    assert Episode.objects.get().close_reason == "new_promise"
    episodes.sweep(now=NOW + 3 * DAY)
    assert Message.objects.count() == 2


def test_facts_of_a_shipment_are_those_that_delays_wants() -> None:
    facts = tracking.facts_of(shop.scan(shop.parcel(), "delivered", NOW))
    untouched = replace(facts, is_delivered=False, is_handed_over=False, last_news_at=None)
    assert untouched == tracking.facts_of(shop.parcel("FH-2"))

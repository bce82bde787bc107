"""The demo's invented shop: dated facts up to now, the same for the same seed; and where it may not be put."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from config import demo_shop
from kb.models import Article, Category
from notifications.intake.facts import Cancelled, Fact, Placed, Scanned
from notifications.models import Order, ShipmentState

# After a change of the clocks, which falls into the 35 days before.
NOW = datetime(2026, 4, 15, 16, 20, tzinfo=UTC)


def facts(seed: int = 7, *, days: int = 35, now: datetime = NOW) -> list[Fact]:
    return demo_shop.facts(settings.BASE_DIR / "demo", now=now, days=days, per_day=24, seed=seed)


@pytest.fixture(scope="module")
def told() -> list[Fact]:
    return facts()


def placed(told: list[Fact]) -> list[Placed]:
    return [fact for fact in told if isinstance(fact, Placed)]


def test_it_is_told_in_time_order_up_to_now(told):
    moments = [fact.at for fact in told]
    assert moments == sorted(moments)
    assert moments[-1] <= NOW
    assert moments[0] >= NOW - timedelta(days=35)
    assert NOW - moments[-1] < timedelta(hours=12)


def test_nothing_that_happens_later_today_is_told():
    noon = NOW.replace(hour=12)
    assert max(fact.at for fact in facts(now=noon)) <= noon


def test_the_same_seed_gives_the_same_shop_and_another_another(told):
    assert facts() == told
    assert facts(seed=8) != told


def test_an_order_is_placed_before_anything_befalls_it(told):
    known = set()
    for fact in told:
        if isinstance(fact, Placed):
            assert fact.order_id not in known
            known.add(fact.order_id)
        assert fact.order_id in known


def test_about_as_many_orders_come_as_were_asked_for(told):
    assert 0.8 * 35 * 24 < len(placed(told)) < 1.2 * 35 * 24


@pytest.mark.parametrize("seed", [7, 1, 2])
def test_parcels_pass_through_every_state(seed):
    told = facts(seed)
    scans = defaultdict(list)
    for fact in told:
        if isinstance(fact, Scanned):
            scans[fact.order_id].append(fact.scan.state)
    cancelled = {fact.order_id for fact in told if isinstance(fact, Cancelled)}
    not_yet_packed = {fact.order_id for fact in placed(told)} - cancelled - scans.keys()

    assert cancelled
    assert not_yet_packed
    assert {state for states in scans.values() for state in states} == set(ShipmentState) - {ShipmentState.CREATED}


def test_promises_are_kept_until_midnight_where_the_shop_is(told):
    for order in placed(told):
        for promise in (order.promised_ship_by, order.promised_deliver_by):
            here = promise.astimezone(demo_shop.ZONE)
            assert here.time() == time(23, 59, 59)
            assert here.weekday() < 5
        assert order.at < order.promised_ship_by < order.promised_deliver_by


def test_parcels_go_out_for_delivery_in_the_morning_and_never_on_a_sunday(told):
    vans = [
        f.at.astimezone(demo_shop.ZONE) for f in told if isinstance(f, Scanned) and f.scan.state == "out_for_delivery"
    ]
    assert vans
    assert {at.weekday() for at in vans} <= set(range(6))
    assert all(time(7, 30) <= at.time() <= time(9, 0) for at in vans)


def test_nobody_of_them_can_be_written_to(told):
    people = {order.customer.external_id: order.customer for order in placed(told)}
    addresses = [customer.email for customer in people.values()]
    assert len(set(addresses)) == len(addresses) > 100
    assert all(name.isascii() and domain == "example.com" for name, _, domain in (a.rpartition("@") for a in addresses))


@pytest.mark.django_db
def test_the_demo_refuses_a_checkout_that_has_articles():
    shelf = Category.objects.create(key="delivery", topic="order_status")
    Article.objects.create(category=shelf, locale="en", slug="ours")

    with pytest.raises(CommandError, match="There are articles already"):
        call_command("seed_demo")
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_the_demo_refuses_a_real_shop(settings):
    settings.LOCAL = False
    with pytest.raises(CommandError, match="DATABASE_URL is set: this looks like a real shop"):
        call_command("seed_demo")
    assert not Article.objects.exists()

"""A table a week: made ahead, made for what came late, thrown away only when nothing needs it."""

from __future__ import annotations

import importlib
import json
import threading
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from analytics import partitions
from analytics.models import Event, Journey, SettlingMark
from core import clock
from kb.models import Experiment
from tests.analytics import history
from tests.analytics.history import ANNA, BEN, MONDAY, at
from tests.analytics.test_settling import settle

pytestmark = pytest.mark.django_db
WEEK = partitions.WEEK
START = partitions.monday(MONDAY)


def look_after(*, days: float = 0.0) -> partitions.LookedAfter:
    with clock.frozen(at(days=days)):
        done = partitions.look_after()
    assert done.is_done
    return done


def tables_of(events) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tableoid::regclass::text FROM analytics_event WHERE id = ANY(%s)",
            [[event.pk for event in events]],
        )
        return {name for (name,) in cursor.fetchall()}


def read_at(when, visitor=ANNA):
    return Event.objects.create(kind="read", at=when, visitor=visitor, article_id=1)


def test_a_week_begins_on_monday_in_utc():
    assert partitions.monday(datetime(2026, 3, 8, 23, 59, tzinfo=UTC)) == datetime(2026, 3, 2, tzinfo=UTC)
    assert partitions.monday(datetime(2026, 3, 9, tzinfo=UTC)) == datetime(2026, 3, 9, tzinfo=UTC)


def test_tables_are_made_before_their_time_and_once():
    assert look_after().made == partitions.AHEAD + 1
    assert look_after().made == 0
    assert {START + WEEK * number for number in range(partitions.AHEAD + 1)} <= set(partitions.weeks())
    assert tables_of([read_at(at())]) == {"analytics_event_w20260302"}


def test_an_event_of_a_week_without_a_table_is_kept_and_gets_one_with_many_others(monkeypatch):
    monkeypatch.setattr(partitions, "ENOUGH", 2)
    late = [read_at(at(days=-70, minutes=number)) for number in range(2)]
    alone = read_at(at(days=-140))
    far = [read_at(at(days=700)), read_at(at(days=700))]
    before = list(Event.objects.order_by("id").values())
    assert tables_of([*late, alone, *far]) == {"analytics_event_rest"}
    look_after()
    assert tables_of(late) == {"analytics_event_w20251222"}
    assert tables_of([alone, *far]) == {"analytics_event_rest"}
    assert list(Event.objects.order_by("id").values()) == before  # with id and transaction


def test_every_week_has_the_indexes():
    look_after()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'analytics_event_w20260302'")
        assert cursor.fetchone()[0] == len(Event._meta.indexes)


def forget_old(settings, *, days: float) -> partitions.LookedAfter:
    settings.EVENT_RETENTION_DAYS = 90
    return look_after(days=days)


def settled_history() -> None:
    """Two weeks of one reader each, both decided."""
    look_after()
    article = history.article("Where is my parcel")
    history.read(ANNA, article, at())
    history.read(BEN, article, at(days=7))
    settle(days=60)


def test_old_weeks_go_whole_and_their_journeys_stay(settings):
    settled_history()
    was = list(Journey.objects.order_by("started_at").values())
    assert forget_old(settings, days=100).dropped == 1
    assert list(Event.objects.values_list("visitor", flat=True)) == [BEN]
    assert SettlingMark.objects.get().events_since == START + WEEK
    history.read(ANNA, history.article("Refunds", topic="refunds"), at(days=100))
    settle(days=101)
    settle(days=101, rebuild=True)
    assert list(Journey.objects.order_by("started_at").values())[:2] == was


def test_what_comes_late_for_a_week_that_is_gone_moves_no_verdict(settings):
    settled_history()
    forget_old(settings, days=100)
    was = list(Journey.objects.order_by("started_at").values())
    history.read(ANNA, history.article("Refunds", topic="refunds"), at(days=1))
    settle(days=101)
    assert list(Journey.objects.order_by("started_at").values()) == was


def test_nothing_that_an_undecided_journey_needs_is_thrown_away(settings):
    settled_history()
    Journey.objects.filter(visitor=ANNA).update(decide_at=at(days=200))
    assert forget_old(settings, days=100).dropped == 0
    assert Event.objects.count() == 2


@pytest.mark.parametrize(("state", "dropped"), [("running", 0), ("paused", 0), ("finished", 0), ("completed", 1)])
def test_nothing_that_a_test_without_a_decision_needs_is_thrown_away(settings, state, dropped):
    settled_history()
    article = history.article("Refunds")
    Experiment.objects.create(article=article, name="A test", state=state, started_at=at(days=8))
    assert forget_old(settings, days=100).dropped == dropped


def test_nothing_that_is_not_settled_is_thrown_away(settings):
    settled_history()
    history.read(ANNA, history.article("Refunds"), at(days=2))
    assert forget_old(settings, days=100).dropped == 0
    settle(days=100)
    assert forget_old(settings, days=100).dropped == 1


def test_what_was_never_settled_is_never_thrown_away(settings):
    look_after()
    read_at(at())
    assert forget_old(settings, days=1000).dropped == 0
    assert Journey.objects.count() == 0


def test_the_rest_is_emptied_of_what_is_too_old(settings):
    settled_history()
    lone = read_at(at(days=-300))
    settle(days=61)
    forget_old(settings, days=100)
    assert not Event.objects.filter(pk=lone.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_who_holds_the_table_for_long_is_not_waited_for():
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(Event.objects.all()[:1])
            held.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    with clock.frozen(at(days=3650)):
        assert not partitions.look_after().is_done
    done.set()
    thread.join()
    assert partitions.monday(at(days=3650)) not in partitions.weeks()


def test_the_migration_brings_every_row_over_and_back():
    """Within the test's transaction, on the SQL itself: the executor would need all that came before."""
    migration = importlib.import_module("analytics.migrations.0004_events_by_week")
    search_id = uuid.UUID(int=7)
    rows = [
        read_at(at()),
        Event.objects.create(
            kind="read", at=at(1), visitor=BEN, article_id=2, revision_id=3, variant_id=4, locale="de"
        ),
        Event.objects.create(kind="search", at=at(2), visitor=BEN, locale="en", search_id=search_id),
        Event.objects.create(kind="search", at=at(3), visitor=BEN, data={"query": "late", "total": 2}),
        Event.objects.create(kind="contact", at=at(4), person="p1", contact_id=9, topic="t", data={"reason": "r"}),
    ]
    was = list(Event.objects.order_by("at").values())
    assert len(was) == len(rows)
    with connection.cursor() as cursor:
        cursor.execute(migration.BACK)
        cursor.execute("SELECT data FROM analytics_event ORDER BY at")
        assert [json.loads(data) for (data,) in cursor.fetchall()] == [
            {},
            {"locale": "de"},
            {"locale": "en", "search_id": str(search_id)},
            {"query": "late", "total": 2},
            {"reason": "r"},
        ]
        cursor.execute(migration.TABLE)
        migration.make_weeks(None, SimpleNamespace(connection=connection))
        cursor.execute(migration.MOVE)
        cursor.execute(migration.INDEXES)
        cursor.execute("ALTER TABLE analytics_event ADD COLUMN link_seen boolean")  # of 0014
    assert list(Event.objects.order_by("at").values()) == was
    assert read_at(at()).pk > max(row["id"] for row in was)

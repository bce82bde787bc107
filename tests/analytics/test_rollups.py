"""A day counted bit by bit is the day counted at once; the counts are those of the rows."""

from datetime import date

import pytest
from django.forms.models import model_to_dict

from analytics import partitions, rollups, settling
from analytics.models import ContactDay, Event, Identity, JourneyDay, ReadDay, RollupDue, SearchDay, ShareDay
from core import clock
from tests.analytics import history
from tests.analytics.history import ANNA, BEN, CARA, at

pytestmark = pytest.mark.django_db
TABLES = (ReadDay, JourneyDay, ShareDay, ContactDay, SearchDay)
MONDAY = date(2026, 3, 2)


def settle(*, days: float, rebuild: bool = False) -> None:
    written = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    with clock.frozen(at(days=days)):
        settling.settle(rebuild=rebuild)
    Event.objects.filter(id__lte=written).update(txid=0)
    Identity.objects.update(txid=0)


def counts() -> list[list[str]]:
    return [
        sorted(repr({**model_to_dict(row), "id": 0, model._meta.pk.name: 0}) for row in model.objects.all())
        for model in TABLES
    ]


def test_a_day_has_what_was_read_voted_and_decided_on_it():
    parcel = history.article("Where is my parcel")
    history.read(ANNA, parcel, at())
    history.read(BEN, parcel, at(5))
    history.voted(BEN, parcel, at(6), is_helpful=False)
    history.contact(at(9), visitor=ANNA, person="p1", why=history.reason("delivery"))
    settle(days=9)
    reads = ReadDay.objects.filter(article_id=parcel.pk, day=MONDAY).values_list("views", "yes", "no")
    assert [sum(column) for column in zip(*reads, strict=True)] == [2, 0, 1]
    week = JourneyDay.objects.filter(window=7)
    assert set(week.values_list("day", "article_id", "outcome", "reason", "channel", "journeys")) == {
        (MONDAY, parcel.pk, "contacted", "delivery", "form", 1),
        (MONDAY, parcel.pk, "denied", "", "", 1),
    }
    assert list(ContactDay.objects.values_list("day", "topic", "reason", "contacts", "known", "repeated")) == [
        (MONDAY, "delivery", "delivery", 1, 1, 0)
    ]
    assert not RollupDue.objects.exists()


def test_a_second_contact_within_a_week_makes_the_first_a_repeated_one_when_it_comes_in():
    why = history.reason("delivery")
    history.contact(at(), visitor=None, person="p1", why=why)
    settle(days=1)
    assert [row.repeated for row in ContactDay.objects.all()] == [0]
    history.contact(at(days=6), visitor=None, person="p1", why=why)
    settle(days=7)
    assert list(ContactDay.objects.order_by("day").values_list("known", "repeated")) == [(1, 1), (1, 0)]


def test_what_was_counted_of_a_week_that_was_thrown_away_stays(settings):
    settings.EVENT_RETENTION_DAYS = 90
    parcel = history.article("Where is my parcel")
    with clock.frozen(at()):
        partitions.look_after()
    for visitor, days in ((ANNA, 0), (BEN, 7), (BEN, 14)):
        history.read(visitor, parcel, at(days=days))
    settle(days=60)
    was = counts()
    with clock.frozen(at(days=100)):
        assert partitions.look_after().dropped == 1
    history.read(CARA, parcel, at(days=1))  # a week that is gone
    settle(days=101)
    assert counts() == was
    settle(days=101, rebuild=True)
    assert counts() == was
    history.read(CARA, parcel, at(days=14))
    settle(days=101)
    assert ReadDay.objects.get(day=date(2026, 3, 16)).views == 2


def test_days_in_a_row_are_counted_together_and_no_more_than_some_at_once():
    runs = list(rollups._runs([date(2026, 3, day) for day in (1, 2, 3, 5, *range(10, 19))]))
    assert [(first.day, last.day) for first, last in runs] == [(1, 3), (5, 5), (10, 16), (17, 18)]

"""A day counted bit by bit is the day counted at once; the counts are those of the rows."""

import random
from datetime import date

import pytest
from django.forms.models import model_to_dict

from analytics import rollups, settling
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


@pytest.mark.parametrize("seed", range(8))
def test_counted_bit_by_bit_in_any_order_is_what_a_rebuild_counts(seed: int):
    random_ = random.Random(seed)
    parcel, money = history.article("Where is my parcel"), history.article("Money back", topic="returns")
    why = {name: history.reason(name) for name in ("delivery", "returns")}
    told = []
    for visitor, person in ((ANNA, "p1"), (BEN, "p2"), (CARA, "")):
        for _ in range(6):
            moment = at(random_.uniform(0, 60), days=random_.randrange(12))
            kind = random_.choice(["read", "read", "vote", "search", "contact"])
            which = random_.choice([parcel, money])
            if kind == "read":
                told.append(lambda v=visitor, w=which, m=moment: history.read(v, w, m))
            elif kind == "vote":
                helped = random_.random() < 0.5
                told.append(lambda v=visitor, w=which, m=moment, h=helped: history.voted(v, w, m, is_helpful=h))
            elif kind == "search":
                told.append(lambda v=visitor, m=moment: history.searched(v, "parcel", m))
            else:
                code = random_.choice(list(why.values()))
                told.append(
                    lambda v=visitor, p=person, m=moment, c=code: history.contact(m, visitor=v, person=p, why=c)
                )
    random_.shuffle(told)
    day = 12.0
    while told:
        for _ in range(random_.randint(1, 4)):
            if told:
                told.pop()()
        day += random_.choice([0, 0.1, 1, 3])
        settle(days=day)
    bit_by_bit = counts()
    assert any(bit_by_bit[1]), "journeys were counted"
    for model in TABLES:
        model.objects.all().delete()
    settle(days=day, rebuild=True)
    assert counts() == bit_by_bit


def test_days_in_a_row_are_counted_together_and_no_more_than_some_at_once():
    runs = list(rollups._runs([date(2026, 3, day) for day in (1, 2, 3, 5, *range(10, 19))]))
    assert [(first.day, last.day) for first, last in runs] == [(1, 3), (5, 5), (10, 16), (17, 18)]

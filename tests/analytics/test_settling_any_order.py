"""Whatever the order of arrival, the size of the batches and what came late or was put right: bit by bit, journeys and
counts end where a rebuild of the whole does."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from analytics import partitions, receivers, settling, settling_rows, streams
from analytics.models import Event, Journey, ReadDay
from core import clock
from kb.models import SearchLog
from tests.analytics import history
from tests.analytics.history import ANNA, BEN, CARA, at
from tests.analytics.test_rollups import TABLES, counts, settle

pytestmark = pytest.mark.django_db
DAYS = 14  # of story; sources, ties and codings come late


def journeys() -> list[str]:
    names = [*settling_rows.FACTS, "visitor", "started_at"]
    return sorted(repr([getattr(row, name) for name in names]) for row in Journey.objects.all())


def test_every_column_of_a_journey_is_filled() -> None:
    fields = {field.name for field in Journey._meta.concrete_fields} - {"id"}
    assert fields == {*settling_rows.KEY, *settling_rows.FACTS}


class Story:
    """Steps that are told in any order."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.articles = [history.article("Parcels"), history.article("Refunds", topic="refunds")]
        delivery, refunds = history.reason("delivery"), history.reason("refunds")
        self.reasons = [delivery, refunds, history.reason("parcel-lost", parent=delivery), None]
        self.steps: list[Callable[[], object]] = []
        for visitor, person in ((ANNA, "p1"), (BEN, "p2"), (CARA, "p1")):
            for _ in range(chance.randint(2, 5)):
                self.journey(visitor, person)
            tied, how = self.moment(), chance.choice(["link", "lookup"])
            self.steps.append(lambda v=visitor, p=person, t=tied, h=how: receivers.tie(v, p, at=t, how=h))
        chance.shuffle(self.steps)

    def moment(self):
        return at(self.chance.randint(0, 60 * 24 * DAYS))

    def journey(self, visitor, person) -> None:
        chance, start, which = self.chance, self.moment(), self.chance.choice(self.articles)
        first, then, later, last = (start + timedelta(minutes=chance.randint(0, 40)) for _ in range(4))
        is_back, is_yes = chance.random() < 0.5, chance.random() < 0.5
        self.steps += [
            lambda: history.read(visitor, which, first, is_returning=is_back),
            lambda: self.search(visitor, start, is_returning=is_back),
        ]
        if chance.random() < 0.5:
            voted = then + timedelta(days=chance.choice([0, 0, 2]))
            self.steps.append(lambda: history.voted(visitor, which, voted, is_helpful=is_yes))
        if chance.random() < 0.4:
            before = start - timedelta(minutes=chance.randint(0, 50))
            self.steps.append(lambda: history.looked_at_order(visitor, before))
        if chance.random() < 0.4:
            self.steps.append(lambda: history.form_opened(visitor, later))
        if chance.random() < 0.6:
            by = chance.choice([{"visitor": visitor}, {"source": "email"}, {"source": "phone"}])
            why, is_heard = chance.choice(self.reasons), chance.random() < 0.6
            self.steps.append(lambda: self.contact(last, why, person=person, is_heard=is_heard, **by))

    def search(self, visitor, when, *, is_returning: bool) -> None:
        history.searched(visitor, "parcel", when, is_returning=is_returning)
        SearchLog.objects.create(
            at=when, visitor=str(visitor), kind="page", text="Parcel", key="parcel", locale="en",
            total=self.chance.randint(0, 1), engine="test/1", took_ms=1.0,
        )  # fmt: skip

    def contact(self, when, why, **more) -> None:
        made = history.contact(when, why=why, **more)
        if self.chance.random() < 0.3:
            right = self.chance.choice(self.reasons[:3])
            self.steps.insert(0, lambda: history.code(made, right, when))


def tell(story: Story, monkeypatch: pytest.MonkeyPatch, *, until: float) -> None:
    """A few steps between two runs, each of which takes visitors and rows in other pieces."""
    day = 3.0
    while story.steps:
        for _ in range(min(len(story.steps), story.chance.randint(1, 8))):
            story.steps.pop()()
        monkeypatch.setattr(settling, "_VISITORS_AT_ONCE", story.chance.randint(1, 3))
        monkeypatch.setattr(streams, "_AT_ONCE", story.chance.randint(1, 9))
        day = min(until, day + story.chance.choice([0, 0.1, 1, 3]))
        settle(days=day)
    settle(days=until)


@pytest.mark.parametrize("seed", range(8))
def test_it_ends_where_a_rebuild_does(seed: int, monkeypatch) -> None:
    tell(Story(random.Random(seed)), monkeypatch, until=DAYS + 4)
    bit_by_bit = journeys(), counts()
    assert len(bit_by_bit[0]) > 3
    assert all(bit_by_bit[1])
    settle(days=DAYS + 4, rebuild=True)
    assert (journeys(), counts()) == bit_by_bit
    for model in (Journey, *TABLES):
        model.objects.all().delete()
    settle(days=DAYS + 4, rebuild=True)
    assert (journeys(), counts()) == bit_by_bit


@pytest.mark.parametrize("seed", range(3))
def test_it_does_so_where_old_weeks_were_thrown_away(seed: int, monkeypatch, settings) -> None:
    settings.EVENT_RETENTION_DAYS = 90
    monkeypatch.setattr(settling, "_LOOK_BACK", timedelta(days=200))
    with clock.frozen(at()):
        partitions.look_after()
    story = Story(random.Random(100 + seed))
    late = [story.steps.pop() for _ in range(6)]
    tell(story, monkeypatch, until=60)
    settle(days=60)  # what the last run told itself is settled, too
    was = Journey.objects.count(), ReadDay.objects.count()
    with clock.frozen(at(days=100)):
        assert partitions.look_after().dropped == 1
    assert Event.objects.exists()
    assert (Journey.objects.count(), ReadDay.objects.count()) == was
    story.steps = late
    tell(story, monkeypatch, until=101)
    bit_by_bit = journeys(), counts()
    settle(days=101, rebuild=True)
    assert (journeys(), counts()) == bit_by_bit

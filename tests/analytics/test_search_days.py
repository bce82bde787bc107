"""What is counted of searches: the counts are those of the rows, and outlive them."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Sum

from analytics import rollups, settling
from analytics.models import Event, Identity, RollupDue, RollupKind, SearchDay
from contacts.models import Contact
from core import clock, erasure
from core.people import person_key
from kb.models import SearchClick, SearchLog
from kb.search import log
from tests.analytics import history
from tests.analytics.history import ANNA, BEN, CARA, at

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
COUNTS = (
    "searches", "without_answer", "with_passage", "without_click", "reformulated", "in_other_language", "contacted",
)  # fmt: skip


def search(who, text, when, *, total=1, opened=None, featured=None, of=None, key=None, is_heard=True, **more):
    """A search as the search page logs it, with its event where it is heard of."""
    made = SearchLog.objects.create(
        at=when, visitor=str(who), kind="page", text=text, key=text if key is None else key, total=total,
        engine="x", took_ms=1, featured=featured, reformulates=of, **{"locale": "en", **more},
    )  # fmt: skip
    if opened:
        SearchClick.objects.create(search=made, article_id=opened, position=1, at=when)
    if is_heard:
        history.searched(who, text, when)
    return made


def settle(*, days: float, rebuild: bool = False) -> None:
    """As one run among others: what it has seen is old afterwards."""
    with clock.frozen(at(days=days)):
        settling.settle(rebuild=rebuild)
    Event.objects.update(txid=0)
    Identity.objects.update(txid=0)


def of(key: str) -> tuple[int, ...]:
    return tuple(SearchDay.objects.filter(key=key).aggregate(**{name: Sum(name) for name in COUNTS})[n] for n in COUNTS)


def by_hand() -> Counter:
    """The counts of every (day, language, query), from the rows, in Python."""
    zone, found = ZoneInfo("UTC"), Counter()
    asked: dict[tuple, list[SearchLog]] = {}
    for row in SearchLog.objects.filter(kind="page", error="").exclude(visitor=""):
        try:
            uuid.UUID(row.visitor)
        except ValueError:
            continue
        day = row.at.astimezone(zone).date()
        asked.setdefault((day, row.locale, row.key, row.visitor, row.pk if not row.key else None), []).append(row)
    for (day, locale, key, visitor, _), rows in asked.items():
        people = {visitor, *Identity.objects.filter(visitor=visitor).values_list("person", flat=True)}
        contacts = [one.received_at for one in Contact.objects.all() if {str(one.visitor), one.person} & people]
        is_opened = any(row.clicks.exists() for row in rows)
        has_passage = any(row.featured for row in rows)
        is_empty = not has_passage and not any(row.total for row in rows)
        put_anew = SearchLog.objects.filter(reformulates__in=rows, kind__in=["page", "suggest"]).exists()
        facts = {
            "searches": True,
            "without_answer": is_empty,
            "with_passage": has_passage,
            "without_click": not is_empty and not has_passage and not is_opened,
            "reformulated": put_anew and not is_opened,
            "in_other_language": bool(any(row.other_locale for row in rows) and not is_empty),
            "contacted": any(row.at <= when < row.at + timedelta(days=1) for row in rows for when in contacts),
        }
        for name, is_so in facts.items():
            found[day, locale, key, name] += is_so
    return +found


def counted() -> Counter:
    rows = SearchDay.objects.all()
    return +Counter({(row.day, row.locale, row.key, name): getattr(row, name) for row in rows for name in COUNTS})


@pytest.mark.parametrize("seed", range(4))
def test_the_counts_are_those_of_the_rows_however_they_came_in(seed: int):
    random_ = random.Random(seed)
    article = history.article("Parcel")
    visitors, people = [ANNA, BEN, CARA, uuid.UUID(int=4)], ["p1", "p2"]
    now = 0.0
    for _step in range(12):
        for _ in range(random_.randint(1, 7)):
            who, when = random_.choice(visitors), at(random_.uniform(0, 1439), days=random_.randrange(5))
            match random_.choice(["search", "search", "search", "odd", "anew", "click", "contact", "tie"]):
                case "search":
                    search(
                        who, random_.choice(["late", "refund", "…"]), when, total=random_.choice([0, 3]),
                        key=random_.choice([None, None, ""]), featured=random_.choice([None, None, 7]),
                        locale=random_.choice(["en", "de"]), other_locale=random_.choice(["", "", "es"]),
                    )  # fmt: skip
                case "odd":
                    more = random_.choice([{"error": "away"}, {"kind": "suggest"}, {"kind": "api"}])
                    made = search(who, "late", when)
                    SearchLog.objects.filter(pk=made.pk).update(**more)
                    search(random_.choice(["", "no-uuid"]), "late", when, is_heard=False)
                case "anew":
                    first = search(who, "late", when)
                    then = when + timedelta(seconds=50)
                    search(who, "later", then, of=first, opened=random_.choice([None, article.pk]))
                case "click":
                    # Up to days after: the page was left open.
                    if made := SearchLog.objects.exclude(visitor__in=["", "no-uuid"]).order_by("?").first():
                        then = made.at + timedelta(hours=random_.uniform(0, 60))
                        history.read(uuid.UUID(made.visitor), article, then)
                        SearchClick.objects.get_or_create(
                            search=made, article_id=article.pk, defaults={"position": 1, "at": then}
                        )
                case "contact":
                    history.contact(when, visitor=random_.choice([None, who]), person=random_.choice(["", *people]))
                case "tie":
                    Identity.objects.get_or_create(
                        visitor=who, person=random_.choice(people), defaults={"how": "link", "at": when}
                    )
        now += random_.choice([0, 0.01, 1])
        settle(days=6 + now)
        assert counted() == by_hand()
    assert counted()[MONDAY, "en", "late", "searches"] or SearchDay.objects.filter(key="late").exists()
    SearchDay.objects.all().delete()
    settle(days=6 + now, rebuild=True)
    assert counted() == by_hand()


def test_going_back_to_the_answers_is_no_second_search_and_one_opened_answer_is_enough():
    search(ANNA, "late", at(), opened=1)
    search(ANNA, "late", at(4), total=0)  # narrowed to a topic
    search(ANNA, "late", at(days=1))
    search(BEN, "late", at())
    settle(days=2)
    assert of("late") == (3, 0, 0, 2, 0, 0, 0)


def test_a_passage_above_the_answers_is_neither_a_success_nor_a_failure():
    search(ANNA, "late", at(), featured=1)
    search(BEN, "late", at(), featured=1, opened=1)
    settle(days=2)
    assert of("late") == (2, 0, 2, 0, 0, 0, 0)


def test_what_is_opened_days_later_counts_for_the_day_of_the_search():
    article = history.article("Parcel")
    made = search(ANNA, "late", at())
    settle(days=1)
    assert of("late")[3] == 1
    history.read(ANNA, article, at(days=3))
    SearchClick.objects.create(search=made, article_id=article.pk, position=1, at=at(days=3))
    settle(days=3.1)
    assert of("late")[3] == 0


def test_a_search_put_anew_after_midnight_counts_for_its_own_day():
    first = search(ANNA, "late", at(14 * 60 + 59.8))  # 23:59:48
    settle(days=1)
    search(ANNA, "parcel late", at(15 * 60 + 0.2), of=first)
    settle(days=1.5)
    assert SearchDay.objects.get(key="late").reformulated == 1
    assert SearchDay.objects.get(key="parcel late").day == MONDAY + timedelta(days=1)


def test_a_contact_counts_once_we_know_whose_it_was():
    search(ANNA, "late", at())
    history.contact(at(30), person="p1", source="email")
    settle(days=2)
    assert of("late")[-1] == 0
    Identity.objects.create(visitor=ANNA, person="p1", how="link", at=at(days=5))
    settle(days=5)
    assert of("late")[-1] == 1


def test_counts_outlive_the_searches_that_kb_forgets(settings):
    settings.SEARCH_LOG_DAYS = 30
    for number in range(6):
        search(uuid.UUID(int=50 + number), "late", at(number), total=0)
    search(ANNA, "my name is Anna", at(1))
    search(BEN, "late", at(days=30))
    settle(days=29)
    before = of("late"), of("my name is Anna")
    with clock.frozen(at(600, days=30)):
        assert log.prune() == 7
    history.contact(at(5), visitor=ANNA)  # comes in a month late
    rollups.mark(RollupKind.SEARCHES, [MONDAY])
    settle(days=31, rebuild=True)
    assert (of("late"), of("my name is Anna")) == before
    assert not RollupDue.objects.exists()


def test_what_few_asked_for_is_forgotten_with_the_searches_and_stays_counted(settings):
    settings.SEARCH_LOG_DAYS = 30
    for number in range(6):
        search(uuid.UUID(int=50 + number), "late", at(number), total=0)
    search(ANNA, "my name is Anna", at(1), opened=1)
    search(BEN, "my name is Ben", at(1), total=0)
    search(ANNA, "my name is Anna", at(days=31))
    settle(days=31.5)
    with clock.frozen(at(days=31.6)):
        assert rollups.forget_rare_words() == 2
        assert rollups.forget_rare_words() == 0
    assert list(SearchDay.objects.order_by("day", "key").values_list("key", "text", "searches", "without_answer")) == [
        ("", "", 2, 1), ("late", "late", 6, 6), ("my name is Anna", "my name is Anna", 1, 0),
    ]  # fmt: skip


def test_what_a_forgotten_person_typed_is_in_no_count_and_their_search_still_is():
    search(ANNA, "gift for my sister Zoe", at(), total=0)
    search(ANNA, "gift for zoe", at(1), is_heard=False)  # a search that is no event
    search(BEN, "gift", at())
    history.contact(at(30), visitor=ANNA, person=person_key("anna@example.com"))
    Contact.objects.update(email="anna@example.com")
    settle(days=2)
    assert of("gift for my sister Zoe")[-1] == 1
    with clock.frozen(at(days=3)):
        erasure.work(erasure.begin("anna@example.com", by=None).pk)
    settle(days=3)
    assert not SearchDay.objects.filter(text__icontains="zoe").exists()
    assert not SearchDay.objects.filter(key__icontains="zoe").exists()
    assert of("") == (2, 1, 0, 1, 0, 0, 2)
    assert of("gift")[0] == 1

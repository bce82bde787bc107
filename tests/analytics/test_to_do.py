"""What is put first, and that it names its number, what it is of, and a place that its reader may open."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from analytics import periods, settling
from analytics.models import SearchDay
from analytics.reports import overview
from analytics.reports.to_do import LEAST_A_WEEK, Candidate, Kind, Place, rank
from notifications.models import NextUpdate, Order, SourceSilence
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.history import at


def candidate(kind: Kind, a_week: float | None, key: str = "x", **more) -> Candidate:
    return Candidate(kind, key, "Says.", a_week, (Place("/a", "A", frozenset({"ops"})),), **more)


# --- The order, by itself ---


def test_first_is_what_most_contacts_stand_behind_at_the_least():
    found = rank(
        [
            candidate(Kind.FAILING_ARTICLE, 3.0),
            candidate(Kind.NO_ARTICLE, 12.0),
            candidate(Kind.OVERDUE, 1.0),
            candidate(Kind.FAILING_SEARCHES, 8.0),
        ]
    )

    assert [each.kind for each in found] == [Kind.NO_ARTICLE, Kind.FAILING_SEARCHES, Kind.FAILING_ARTICLE]


def test_what_makes_the_numbers_wrong_goes_before_them_and_takes_one_place_only():
    found = rank(
        [
            candidate(Kind.LATE_CONTACTS, None),
            candidate(Kind.SILENT_SOURCE, None, "b"),
            candidate(Kind.SILENT_SOURCE, None, "a"),
            candidate(Kind.NO_ARTICLE, 99.0),
        ]
    )

    assert [(each.kind, each.key) for each in found] == [(Kind.SILENT_SOURCE, "a"), (Kind.NO_ARTICLE, "x")]


def test_what_nothing_is_known_of_goes_last_and_hardly_anything_goes_nowhere():
    found = rank(
        [
            candidate(Kind.NO_HOLD_OUT, None),
            candidate(Kind.OVERDUE, None),
            candidate(Kind.FAILING_ARTICLE, LEAST_A_WEEK),
            candidate(Kind.FAILING_ARTICLE, LEAST_A_WEEK / 2, "tiny"),
        ]
    )

    assert [each.kind for each in found] == [Kind.FAILING_ARTICLE, Kind.OVERDUE, Kind.NO_HOLD_OUT]


def test_what_was_dismissed_or_is_being_done_is_left_out():
    assert rank([candidate(Kind.NO_ARTICLE, 9.0, is_settled=True)]) == []


def test_the_same_candidates_in_any_order_are_ranked_alike():
    some = [candidate(Kind.NO_ARTICLE, 5.0, key) for key in "abcd"] + [candidate(Kind.FAILING_ARTICLE, 5.0, "e")]

    assert rank(some) == rank(some[::-1])


def test_the_place_is_the_first_that_the_reader_may_open():
    places = (Place("/edit", "Edit", frozenset({"writer"})), Place("/look", "Look", frozenset({"writer", "analyst"})))
    thing = Candidate(Kind.FAILING_ARTICLE, "1", "Says.", 1.0, places)

    assert thing.place_for({"writer"}).url == "/edit"
    assert thing.place_for({"analyst"}).url == "/look"
    assert thing.place_for({"ops"}) is None


# --- From the numbers ---

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]


def now_first() -> list[Candidate]:
    period, _wrong = periods.read({}, now=NOW)
    return overview.build(period, now=NOW).to_do


def some_contacts(number: int, why: str, *, first: int = 0) -> None:
    reason = history.reason(why)
    for n in range(first, first + number):
        history.contact(at(n, days=n % 20), person=f"{why}{n}", why=reason)


def test_a_topic_without_an_article_leads_by_the_lower_bound_of_its_contacts():
    history.article("Where is my parcel", topic="delivery")
    some_contacts(30, "delivery")
    some_contacts(20, "gifts")
    settling.settle()

    thing = now_first()[0]

    assert (thing.kind, thing.key) == (Kind.NO_ARTICLE, "gifts")
    assert thing.says == "20 of 50 contacts are about “Gifts”, and no article is."
    assert 12.0 / 4 < thing.a_week < 12.6 / 4, "the lower bound of 20, of four weeks, the last not quite over"


def test_like_searches_that_lead_nowhere_count_those_who_contacted_us_after():
    for key, text, searches, failed, contacted in (
        ("gift wrap", "gift wrapping", 40, 40, 10),
        ("card gift wrap", "gift wrap card", 20, 15, 5),
        ("parcel", "parcel", 90, 10, 60),  # mostly answered
    ):
        SearchDay.objects.create(
            day=at(days=3).date(), locale="en", key=key, text=text, searches=searches, without_answer=failed,
            without_click=0, with_passage=0, in_other_language=0, reformulated=0, contacted=contacted,
        )  # fmt: skip

    (thing,) = now_first()

    assert (thing.kind, thing.locale, thing.key) == (Kind.FAILING_SEARCHES, "en", "gift wrap")
    assert thing.says.startswith("55 of 60 searches like “gift wrapping” led nowhere; after 15 of these 60, a contact")
    assert thing.a_week < 15 / 4


def test_an_article_after_which_people_contact_us_counts_the_readers_we_would_know():
    parcel = history.article("Where is my parcel")
    why = history.reason("delivery")
    for n in range(40):
        visitor = uuid.UUID(int=n + 1)
        history.read(visitor, parcel, at(n, days=n % 10))
        if n < 12:
            history.contact(at(n + 60, days=n % 10), visitor=visitor, person=f"p{n}", why=why)
    settling.settle()

    (thing,) = now_first()

    assert (thing.kind, thing.key) == (Kind.FAILING_ARTICLE, str(parcel.pk))
    assert "After 12 of 40 linkable journeys that ended on “Where is my parcel”" in thing.says
    assert thing.a_week < 12 / 4


def test_a_silent_source_and_overdue_updates_are_things_to_do():
    SourceSilence.objects.create(source="shopify", since=at(days=20), noticed_at=at(days=21))
    history._shipment()
    order = Order.objects.get()
    NextUpdate.objects.create(order=order, due_at=NOW - timedelta(hours=3), made_at=at(days=20))

    first, second = now_first()

    assert first.kind == Kind.SILENT_SOURCE
    assert second.says == "1 of 1 updates that we promised until today is overdue."
    assert second.a_week is None, "no order was shipped, so there is no rate to go by"


def test_a_rule_without_a_hold_out_is_named_unless_the_law_requires_its_messages():
    history.message("p1", at(days=1), under=history.rule("late", holdout_share=0))
    legal = history.rule("recall", holdout_share=0)
    type(legal).objects.filter(pk=legal.pk).update(is_legal_notice=True)
    history.message("p2", at(days=1), under=legal)

    (thing,) = now_first()

    assert (thing.kind, thing.key) == (Kind.NO_HOLD_OUT, "late")


# --- On the page ---


def test_the_page_names_it_why_it_is_first_and_leads_each_role_only_where_it_may_go(signed_in):
    history.article("Where is my parcel", topic="delivery")
    some_contacts(20, "gifts")
    settling.settle()

    for role in ("writer", "ops", "analyst", "admin"):
        client = signed_in(role)
        html = client.get(reverse("desk:home")).content.decode()
        part = html[html.index("first-things") : html.index('name="from"')]
        assert "20 of 20 contacts are about “Gifts”" in part
        assert "At least 3 contacts a week stand behind it: more than behind anything else" in " ".join(part.split())
        assert ("gap-dismiss" in part) is (role in ("writer", "admin"))
        for href in re.findall(r'class="btn[^"]*" href="([^"]+)"', part):
            assert client.get(href.replace("&amp;", "&")).status_code == 200, (role, href)


def test_dismissed_on_the_page_it_stays_away(signed_in):
    some_contacts(20, "gifts")
    settling.settle()
    client = signed_in("admin")

    asked = {"kind": "reason", "key": "gifts", "locale": "", "days": "28", "why": "We stop selling them."}
    assert client.post(reverse("desk:next-dismiss"), asked).status_code == 302

    assert now_first() == []

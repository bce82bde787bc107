"""Suggestions as somebody types, and the popular queries among them."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from core import clock
from kb import publishing
from kb.models import PopularQuery, SearchKind, SearchLog
from kb.search import indexing, log, query, suggest
from tests.kb.conftest import NOW

pytestmark = pytest.mark.django_db


def titles(prefix: str, locale: str = "en") -> list[str]:
    return [article.title for article in suggest.suggest(prefix, locale=locale).articles]


def search_and_open(text: str, visitor: str, *, minutes: int = 0, is_opened: bool = True) -> SearchLog:
    with clock.frozen(NOW - timedelta(days=1) + timedelta(minutes=minutes)):
        found = query.find(text, locale="en", visitor=visitor)
        search_id = log.record(found, kind=SearchKind.PAGE, visitor=visitor, locale="en")
        if is_opened and found.results:
            log.opened(log.via(search_id, 1), found.results[0].article_id, visitor)
    return SearchLog.objects.get(pk=search_id)


@pytest.fixture
def visitors() -> list[str]:
    return [str(uuid.UUID(int=number)) for number in range(1, 10)]


def test_titles_with_a_word_that_begins_so(write):
    write("Customs duties")
    write("Cancel an order")
    write("Pay customs")
    indexing.rebuild()
    assert set(titles("cust")) == {"Customs duties", "Pay customs"}
    assert titles("order can") == ["Cancel an order"]
    assert titles("zzz") == []


@pytest.mark.parametrize("typed", ["cutsoms du", "cutsoms"])
def test_slips_are_forgiven(write, typed):
    write("Customs duties")
    indexing.rebuild()
    assert titles(typed) == ["Customs duties"]


def test_the_link_leads_to_the_article_and_tells_which_suggestion_it_was(write, browser):
    article = write("Customs duties")
    indexing.rebuild()
    found = suggest.suggest("cust", locale="en").articles[0]
    assert (found.article_id, found.url.split("?")[0]) == (article.pk, "/en/a/customs-duties/")
    assert browser().get(found.url).status_code == 200
    assert SearchLog.objects.get().text == "cust"


def test_titles_known_from_before_cost_no_query(write, django_assert_num_queries):
    write("Customs duties")
    indexing.rebuild()
    titles("cust")
    with django_assert_num_queries(0):
        assert titles("cu") == ["Customs duties"]


def test_an_archived_article_is_suggested_no_more_once_the_index_knows(write):
    article = write("Customs duties")
    indexing.rebuild()
    assert titles("cust") == ["Customs duties"]
    publishing.archive(article, by=None)
    indexing.apply_changes()
    assert titles("cust") == []


def test_at_most_eight_queries_and_articles_together(write, visitors):
    for number in range(12):
        write(f"Customs {number}")
    for number in range(5):
        PopularQuery.objects.create(locale="en", key=f"k{number}", text=f"customs question {number}", visitors=number)
    indexing.rebuild()
    found = suggest.suggest("cust", locale="en")
    assert found.queries == ("customs question 4", "customs question 3", "customs question 2")
    assert len(found.articles) == 5


def test_what_is_typed_already_and_what_is_a_title_is_not_suggested_as_a_query(write):
    write("Customs duties")
    indexing.rebuild()
    for text in ("customs", "customs duties", "paying customs"):
        PopularQuery.objects.create(locale="en", key=text, text=text, visitors=3)
    assert suggest.suggest("Customs", locale="en").queries == ("paying customs",)


def test_accents_may_be_left_out(write):
    write("Otra cosa", locale="es")
    indexing.rebuild()
    PopularQuery.objects.create(locale="es", key="x", text="envío gratis", visitors=3)
    assert suggest.suggest("envio", locale="es").queries == ("envío gratis",)


def test_a_query_that_led_three_visitors_to_an_answer_becomes_popular(write, visitors):
    write("Customs duties")
    indexing.rebuild()
    for visitor in visitors[:2]:
        search_and_open("customs", visitor)
    search_and_open("customs", visitors[0], minutes=10)  # the same visitor again
    assert suggest.make_popular_queries() == 0
    search_and_open("the cutsoms", visitors[2])  # corrected, so the same
    assert suggest.make_popular_queries() == 1
    popular = PopularQuery.objects.get()
    assert (popular.text, popular.visitors, popular.locale) == ("customs", 3, "en")


def test_searches_that_were_not_opened_or_were_put_otherwise_make_nothing_popular(write, visitors):
    write("Customs duties")
    indexing.rebuild()
    for visitor in visitors[:3]:
        search_and_open("customs", visitor, is_opened=False)
        search_and_open("duties", visitor, minutes=20, is_opened=False)
    for number, visitor in enumerate(visitors[:2]):
        search_and_open("duties", visitor, minutes=60 + number)
    assert suggest.make_popular_queries() == 0


def test_what_was_masked_is_never_suggested(write, visitors):
    write("Customs duties")
    indexing.rebuild()
    for visitor in visitors[:3]:
        search_and_open("customs anna@example.com", visitor)
    assert suggest.make_popular_queries() == 0


def test_popular_queries_are_made_anew_each_time(write, visitors):
    PopularQuery.objects.create(locale="en", key="old", text="old", visitors=9)
    suggest.make_popular_queries()
    assert not PopularQuery.objects.exists()


@pytest.mark.parametrize("prefix", ["", " ", "\0", "\ud800", "*", "x" * 5000, "🎉", "' OR 1=1 --"])
def test_awkward_beginnings_suggest_nothing_and_raise_nothing(write, prefix):
    write("Customs duties")
    indexing.rebuild()
    assert titles(prefix) == []

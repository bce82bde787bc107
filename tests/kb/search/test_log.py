"""What is written down of a search and of what was opened from it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection

from core import clock
from kb.models import SearchClick, SearchKind, SearchLog
from kb.search import indexing, log, query
from tests.kb.conftest import NOW

pytestmark = pytest.mark.django_db
ANNA, BEN = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


@pytest.fixture
def articles(write):
    made = [
        write("Customs duties", "You pay customs."),
        write("Customs forms", "A form for customs."),
        write("Refunds"),
    ]
    indexing.rebuild()
    return made


def search(text: str = "customs", *, visitor: str = ANNA, at: timedelta = timedelta()) -> SearchLog:
    with clock.frozen(NOW + at):
        found = query.find(text, locale="en", visitor=visitor)
        search_id = log.record(found, kind=SearchKind.PAGE, visitor=visitor, locale="en")
    return SearchLog.objects.get(pk=search_id)


def open_first(made: SearchLog, visitor: str = ANNA) -> None:
    log.opened(log.via(made.pk, 1), made.shown[0], visitor)


def test_a_search_is_logged_with_what_was_shown_and_by_whom_it_was_answered(articles):
    made = search("Customs  ")
    assert made.text == "Customs"
    assert made.key == "custom"
    assert sorted(made.shown) == sorted(article.pk for article in articles[:2])
    assert made.total == 2
    assert made.engine.startswith("whoosh/")
    assert made.at == NOW
    assert made.took_ms > 0
    assert not made.error


def test_a_search_for_nothing_is_not_logged(articles):
    assert log.record(query.find("  ", locale="en"), kind=SearchKind.PAGE, visitor=ANNA, locale="en") is None
    assert not SearchLog.objects.exists()


def test_one_statement_logs_a_search(articles, django_assert_num_queries):
    search()
    found = query.find("refunds", locale="en")
    with django_assert_num_queries(1):
        log.record(found, kind=SearchKind.PAGE, visitor=ANNA, locale="en")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("refund to anna.smith+shop@example.co.uk please", "refund to ••• please"),
        ("call me on +44 (0)20 7946 0018", "call me on •••"),
        ("card 4111 1111 1111 1111", "card •••"),
        ("order 104871", "order •••"),
        ("error 5.7.134", "error 5.7.134"),
        ("30 days or 14 days", "30 days or 14 days"),
        ("e1042", "e1042"),
    ],
)
def test_addresses_and_long_numbers_are_masked(typed, kept):
    assert log.masked(typed) == kept


def test_what_was_masked_is_in_no_field(articles):
    made = search("custms anna@example.com 07700 900123")
    row = str(SearchLog.objects.filter(pk=made.pk).values().get())
    assert "anna" not in row
    assert "900123" not in row
    assert made.key == "custm"


def test_another_search_within_a_minute_without_a_click_reformulates_the_first(articles):
    first = search("customs")
    assert search("refunds", at=timedelta(seconds=59)).reformulates_id == first.pk


@pytest.mark.parametrize(
    ("text", "visitor", "seconds", "is_opened"),
    [
        ("refunds", ANNA, 61, False),
        ("refunds", ANNA, 30, True),
        ("refunds", BEN, 30, False),
        ("custom", ANNA, 30, False),
    ],
    ids=["a minute later", "after a click", "somebody else", "the same in other words"],
)
def test_no_reformulation(articles, text, visitor, seconds, is_opened):
    first = search("customs")
    if is_opened:
        open_first(first)
    assert search(text, visitor=visitor, at=timedelta(seconds=seconds)).reformulates_id is None


def test_searches_of_the_uncounted_reformulate_nothing(articles):
    search("customs", visitor="")
    assert search("refunds", visitor="", at=timedelta(seconds=1)).reformulates_id is None


def test_an_article_opened_from_the_answers_is_one_click_however_often(articles):
    made = search()
    for _again in range(3):
        log.opened(log.via(made.pk, 2), made.shown[1], ANNA)
    click = SearchClick.objects.get()
    assert (click.search_id, click.article_id, click.position) == (made.pk, made.shown[1], 2)


def test_the_position_is_that_of_the_answer_whatever_the_link_says(articles):
    made = search()
    log.opened(log.via(made.pk, 1), made.shown[1], ANNA)
    assert SearchClick.objects.get().position == 2


def test_only_the_searcher_s_opening_of_a_shown_article_counts(articles):
    made = search()
    open_first(made, BEN)
    open_first(made, "")
    log.opened(log.via(made.pk, 1), articles[2].pk, ANNA)
    log.opened(log.via(uuid.uuid4(), 1), made.shown[0], ANNA)
    for token in ("", ".", "x.1", "s.", "s.x.1", "é.1", f"{made.pk}.1", "A" * 500):
        log.opened(token, made.shown[0], ANNA)
    assert not SearchClick.objects.exists()


def test_a_suggestion_is_logged_only_once_it_is_opened(articles):
    shown = [articles[0].pk, articles[1].pk]
    vias = log.suggestion_vias("cust", locale="en", shown=shown)
    assert not SearchLog.objects.exists()
    log.opened(vias[1], articles[1].pk, ANNA)
    log.opened(vias[1], articles[1].pk, ANNA)
    made = SearchLog.objects.get()
    assert (made.kind, made.text, made.shown) == (SearchKind.SUGGEST, "cust", shown)
    assert SearchClick.objects.get().position == 2


def test_a_suggestion_of_another_article_is_no_click(articles):
    log.opened(log.suggestion_vias("cust", locale="en", shown=[articles[0].pk])[0], articles[1].pk, ANNA)
    assert not SearchLog.objects.exists()


def test_a_failed_search_is_logged_with_its_reason(articles):
    found = query.Found((), 0, text="customs", key="custom", error="no engine answers")
    log.record(found, kind=SearchKind.PAGE, visitor=ANNA, locale="en")
    assert SearchLog.objects.get().error == "no engine answers"


@pytest.mark.django_db(transaction=True)
def test_a_log_that_cannot_be_written_harms_no_search(articles, caplog):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kb_searchlog RENAME TO kb_gone")
    try:
        found = query.find("customs", locale="en")
        assert log.record(found, kind=SearchKind.PAGE, visitor=ANNA, locale="en") is None
        log.opened(log.via(uuid.uuid4(), 1), 1, ANNA)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE kb_gone RENAME TO kb_searchlog")
    assert "a search was not logged" in caplog.text
    assert "a click was not logged" in caplog.text


def test_a_slow_search_is_said(articles, caplog, settings):
    settings.SEARCH_SLOW_MS = 0
    search()
    assert "slow search" in caplog.text


def test_searches_are_forgotten_after_their_time_and_their_clicks_too(articles, settings):
    settings.SEARCH_LOG_DAYS = 180
    old = search(at=-timedelta(days=181))
    open_first(old)
    kept = search(at=-timedelta(days=179))
    assert log.prune() == 1
    assert SearchLog.objects.get() == kept
    assert not SearchClick.objects.exists()

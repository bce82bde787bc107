"""Search tests that fail and facts that are missing ask for attention: in the list, its rows, and on the article."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from kb import care, pieces, publishing, search_tests
from kb.models import Article, Piece, PieceUse, RunReason
from kb.publishing import Text
from kb.search import checking, indexing
from tests.kb.conftest import NOW
from tests.kb.test_article_list import LIST, needs, titles
from tests.kb.test_facts import block, fact

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(browser, staff):
    client = browser()
    client.force_login(staff("writer"))
    return client


def demand(article: Article, query: str) -> None:
    search_tests.add(locale=article.locale, query=query, article=article, by=None)


def run() -> None:
    indexing.rebuild()
    checking.run(why=RunReason.ASKED)


def page(client, path: str) -> str:
    return client.get(path).content.decode()


def test_an_article_that_a_search_test_does_not_find_is_named_with_what_to_do(writer, write):
    refund, voucher = write("When a refund arrives"), write("Use a voucher")
    demand(voucher, "refund")
    demand(refund, "refund")
    run()
    assert titles(writer, "needs=tests") == titles(writer, "needs=any") == ["Use a voucher"]
    assert needs(writer, voucher) == ["tests"]
    listed = page(writer, f"{LIST}?needs=tests")
    assert "Search test fails: Open the test on its page, then use the customers" in listed
    assert "Search test fails" in page(writer, f"{LIST}{voucher.pk}/")
    around = page(writer, f"{LIST}{voucher.pk}/links/")
    assert "“<bdi>refund</bdi>”" in around
    assert "it is not among the first ten since 2 Mar 2026" in around
    with clock.frozen(NOW + timedelta(hours=1)):
        publishing.save_draft(voucher, Text("A voucher for a refund", "", "Refund."), version=1, by=None)
        publishing.publish(voucher, by=None)
        run()
    assert titles(writer, "needs=tests") == []


def test_a_test_of_an_archived_article_asks_for_attention_and_a_removed_one_does_not(writer, write):
    refund = write("When a refund arrives")
    demand(refund, "refund")
    publishing.archive(refund, by=None)
    run()
    assert titles(writer, "needs=tests") == ["When a refund arrives"], "customers type the query all the same"
    search_tests.remove(checking.current().get().pk, by=None)
    assert titles(writer, "needs=tests") == []


def test_a_live_text_with_a_fact_that_says_nothing_is_named_with_what_to_do(writer, write):
    fact("hours", "30 days")
    block("note", "We are {{fact:hours}} away.")
    good, hole = write("Good", "Open {{fact:hours}}."), write("Hole", "{{block:note}}")
    assert titles(writer, "needs=facts") == []
    PieceUse.objects.filter(revision=hole.live_revision, piece__key="hours").update(version=None)
    assert titles(writer, "needs=facts") == titles(writer, "needs=any") == ["Hole"]
    assert needs(writer, hole) == ["facts"]
    assert needs(writer, good) == []
    assert [piece.key for piece in care.missing_pieces(hole)] == ["hours"]
    around = page(writer, f"{LIST}{hole.pk}/links/")
    assert "Give the fact or block a value, or take it out of the text; then publish." in around
    assert "/desk/facts/hours/" in around
    publishing.archive(hole, by=None)
    assert titles(writer, "needs=facts") == [], "nobody reads it"


def test_a_fact_that_was_taken_out_of_use_is_missing_where_its_text_comes_back(writer, write):
    fact("hours", "30 days")
    article = write("Open", "Open {{fact:hours}}.")
    publishing.save_draft(article, Text("Open", "", "Always."), version=1, by=None)
    publishing.archive(article, by=None)
    pieces.archive(Piece.objects.get(), by=None)
    # As the release before this one let it come back.
    Article.objects.filter(pk=article.pk).update(state="published")
    assert titles(writer, "needs=facts") == ["Open"]


def test_an_earlier_text_with_a_fact_that_is_no_more_does_not_come_back(write):
    fact("hours", "30 days")
    article = write("Open", "Open {{fact:hours}}.")
    old = article.live_revision
    publishing.save_draft(article, Text("Open", "", "Always."), version=1, by=None)
    publishing.publish(article, by=None)
    pieces.archive(Piece.objects.get(), by=None)
    with pytest.raises(publishing.PublishingError, match="there is no such fact"):
        publishing.revert(article, old, by=None)
    article.refresh_from_db()
    assert article.live_revision.body == "Always."


def test_the_to_do_list_counts_both_and_says_what_to_do(writer, write):
    article = write("Use a voucher")
    demand(article, "refund")
    run()
    shown = page(writer, f"{LIST}care/")
    assert f"{LIST}?needs=tests" in shown
    assert "Every fact and block in a live text says something." in shown


def test_links_inside_a_block_of_a_draft_are_seen(write):
    block("more", "See [this](article:nowhere).")
    draft = write("Draft", "{{block:more}}", publish=False)
    assert [link.reference for link in care.broken_in_draft(draft)] == ["nowhere"]

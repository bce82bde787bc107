"""An editor in a browser: from a gap to a draft, what readers did, and a search test that a change would break."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from kb import search_tests
from kb.models import Article, RunReason, Synonym
from kb.search import checking
from tests.journeys import barriers, desk_pages_evidence
from tests.journeys.conftest import WALKED_ONCE, Walker, in_each_view, let_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), WALKED_ONCE]


def sign_in(walker: Walker, path: str) -> None:
    """As a superuser."""
    user, _is_new = User.objects.get_or_create(username="ada", is_superuser=True, is_staff=True)
    let_in(walker.page.context, user, walker.root)
    walker.open(path)


def sound(walker: Walker) -> None:
    assert in_each_view(walker.page, barriers.axe, barriers.sideways) == []
    assert not walker.complaints
    assert not walker.foreign


def test_a_gap_becomes_a_draft(walker: Walker, shop):
    desk_pages_evidence.gaps()
    sign_in(walker, "/desk/articles/next/")
    page = walker.page
    row = page.locator("tr", has_text="gift wrapping").first
    expect(row).to_contain_text("3 without any answer")
    walker.shoot("next-article")
    sound(walker)
    row.get_by_role("button", name="New draft").click()
    page.wait_for_url(re.compile(r"/desk/articles/\d+/$"))
    article = Article.objects.get(state="draft", draft__title__istartswith="gift wrap")
    assert "led nowhere" in article.draft.body
    expect(page.locator("#evidence")).to_contain_text("Not published yet.")
    walker.open("/desk/articles/next/")
    expect(page.locator("tr", has_text="gift wrapping").first).to_contain_text("being written")


def test_a_gap_is_dismissed_by_keyboard(walker: Walker, shop):
    desk_pages_evidence.gaps()
    sign_in(walker, "/desk/articles/next/")
    page = walker.page
    page.locator("tr", has_text="gift wrapping").first.locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("We wrap nothing")
    page.keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text("Dismissed.")
    expect(page.locator("#h-searches").locator("xpath=../..")).not_to_contain_text("gift wrapping")


def test_what_readers_did_comes_into_the_editor(walker: Walker, shop):
    article = desk_pages_evidence.a_read_article()["article"]
    sign_in(walker, f"/desk/articles/{article}/")
    page = walker.page
    expect(page.locator("#evidence")).to_contain_text("Which label?")
    walker.shoot("evidence-in-the-editor")
    page.locator("#evidence").get_by_role("link", name="Last 90 days").click()
    expect(page.locator("#evidence [aria-current=true]")).to_have_text("Last 90 days")
    assert page.url.endswith(f"/desk/articles/{article}/"), "the editor stays, with what was typed"
    walker.open(f"/desk/articles/{article}/evidence/")
    walker.shoot("evidence")
    sound(walker)


def test_a_synonym_that_breaks_a_search_test_is_shown_before_it_goes_live(walker: Walker, shop):
    late = Article.objects.get(external_id="parcel-is-late", locale="en")
    search_tests.add(locale="en", query="parcel late", article=late, top=1, by=None, note="asked every day")
    checking.run(why=RunReason.ASKED)
    sign_in(walker, "/desk/search/tuning/synonyms/")
    page = walker.page

    def add() -> None:
        page.fill("#id_words", "late")
        page.fill("#id_means", "care oiled waxed lacquered chopping boards")
        page.get_by_role("button", name="Add", exact=True).click()

    page.fill("#id_words", "late")
    page.fill("#id_means", "care oiled waxed lacquered chopping boards")
    expect(page.locator("#preview")).to_contain_text("1 search test would fail.")
    walker.shoot("search-synonym-breaks-a-test")
    sound(walker)
    add()
    expect(page.locator("h1")).to_have_text("Search tests would fail")
    expect(page.locator(".broken")).to_contain_text("asked every day")
    walker.shoot("search-tests-ask")
    assert in_each_view(page, barriers.axe, barriers.sideways) == []
    assert not Synonym.objects.exists(), "nothing is live yet"
    page.get_by_role("link", name="Go back and change it").click()
    page.wait_for_url("**/synonyms/**")
    assert not Synonym.objects.exists()
    add()
    page.get_by_role("button", name="Do it all the same").click()
    expect(page.locator(".messages")).to_contain_text("Added: late")
    assert Synonym.objects.get().means.startswith("care oiled")


def test_a_search_test_is_made_from_a_tried_search(walker: Walker, shop):
    sign_in(walker, "/desk/search/try/?q=parcel+late&locale=en")
    page = walker.page
    page.get_by_role("link", name="Make a test of this").first.click()
    page.wait_for_url("**/search/tests/**")
    expect(page.locator("#id_query")).to_have_value("parcel late")
    page.get_by_role("button", name="Add and run it").click()
    expect(page.locator(".messages")).to_contain_text("it passes: place 1")
    walker.shoot("search-tests")
    sound(walker)

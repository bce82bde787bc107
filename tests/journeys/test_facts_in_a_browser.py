"""A reviewer changes a fact: sees what it would do, saves it, and finds it on the public page and in search."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from playwright.sync_api import Browser, expect

from kb import refilling, search
from kb.models import Article
from kb.search import indexing
from tests.journeys import barriers, kept
from tests.journeys.conftest import SHOTS, Walker, browser_context, in_each_view

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def articles(settings, tmp_path) -> Iterator[None]:
    settings.SEARCH_INDEX_DIR = tmp_path / "index"

    def bring_in() -> None:
        call_command("import_articles", settings.BASE_DIR / "demo" / "articles", source="demo", verbosity=0)
        indexing.rebuild()

    kept.once("the demo's articles", bring_in)
    yield
    search.engine().close()


SEEN_IN = [("phone", "dark"), ("desktop", "light")]


@pytest.fixture
def reviewer(chromium: Browser, live_server, articles) -> Iterator[Walker]:
    context = browser_context(chromium, *SEEN_IN[0])
    walker = Walker(context, str(live_server), SHOTS / "-".join(SEEN_IN[0]))
    user = User.objects.create_user("ada", password="facts-test-1", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="reviewer")[0])
    walker.open("/desk/facts/")
    walker.page.get_by_label("Username").fill("ada")
    walker.page.get_by_label("Password").fill("facts-test-1")
    walker.page.get_by_role("button", name="Sign in").click()
    walker.page.wait_for_url("**/desk/facts/")
    yield walker
    context.close()
    assert walker.foreign == []
    assert walker.complaints == []


def test_a_fact_is_changed_with_a_preview_and_found_on_the_page_and_in_search(reviewer: Walker):
    page = reviewer.page
    page.get_by_role("link", name="Return window").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Return window")
    page.get_by_label("In every language").fill("45 days")
    page.get_by_label("In every language").press("Enter")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("You have 30 days from delivery")
    expect(preview).to_contain_text("You have 45 days from delivery")
    reviewer.shoot("fact-preview")
    assert in_each_view(page, barriers.sideways, views=SEEN_IN) == []
    expect(page.get_by_label("In every language")).to_have_value("45 days")
    page.get_by_role("button", name="Save the change").click()
    expect(page.get_by_text("The articles that use it follow now.")).to_be_visible()
    refilling.run()  # the worker's part: what did not fit into the second of the request
    expect(page.locator("#piece-progress .status-success")).to_be_visible()
    indexing.apply_changes()
    article = Article.objects.get(source="demo", external_id="return-an-item", locale="en")
    reviewer.open(f"/en/a/{article.slug}/")
    expect(page.locator(".prose").first).to_contain_text("You have 45 days from delivery")
    assert not re.search(r"\b30 days", page.locator(".prose").first.inner_text())
    reviewer.open("/en/search/?q=return+within+45+days")
    expect(page.locator("main")).to_contain_text("45 days")

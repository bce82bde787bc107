"""Searching by keyboard, by thumb and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Page, expect

from kb import search
from kb.models import PopularQuery, SearchClick, SearchKind, SearchLog
from kb.search import asking, indexing, suggest
from tests.journeys import kept
from tests.journeys.conftest import AGENT, PATIENCE, SHOTS, SIZES, Walker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def articles(settings, tmp_path) -> Iterator[None]:
    """The demo shop's articles in an index of their own, and one query that others asked."""
    settings.SEARCH_INDEX_DIR = tmp_path / "index"

    def bring_in() -> None:
        call_command("import_articles", settings.BASE_DIR / "demo" / "articles", source="demo", verbosity=0)
        PopularQuery.objects.create(locale="en", key="lamp return", text="return a lamp", visitors=5)
        indexing.rebuild()

    kept.once("the demo's articles and one popular query", bring_in)
    suggest.forget()
    yield
    suggest.forget()
    search.engine().close()


@pytest.fixture
def phone(chromium: Browser, live_server, articles) -> Iterator[Walker]:
    context = chromium.new_context(viewport=SIZES["phone"], user_agent=AGENT, locale="en-GB", has_touch=True)
    context.set_default_timeout(PATIENCE)
    yield Walker(context, str(live_server), SHOTS)
    context.close()


def box(page: Page):
    return page.locator("main").get_by_role("combobox")


def active(page: Page) -> str:
    """The text of the row that the keyboard is on; empty where it is in the box."""
    id = box(page).get_attribute("aria-activedescendant")
    return page.locator(f"id={id}").inner_text() if id else ""


def test_search_and_its_suggestions_in_every_size_and_scheme(walker, articles):
    page = walker.page
    walker.open("/en/")
    box(page).press_sequentially("retu")
    page.get_by_role("option").first.wait_for()
    walker.shoot("search-1-suggestions")
    assert walker.width_overflow() <= 0
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/en/search/\?.*q=retu"))
    for number, query in enumerate(("q=refnud", "q=where+is+my+order", "q=zebra+quantum", "q=order&page=2"), start=2):
        walker.open(f"/en/search/?{query}")
        walker.shoot(f"search-{number}")
        assert walker.width_overflow() <= 0, query
    assert walker.foreign == []
    assert walker.complaints == []


def test_while_search_fails_topics_and_people_are_still_there(walker, articles, monkeypatch):
    def broken(*_a: object, **_k: object) -> None:
        raise asking.NoAnswer("out of order")

    monkeypatch.setattr(asking, "ask", broken)
    page = walker.page
    page.goto(f"{walker.root}/en/search/?q=refund")
    expect(page.get_by_text("Search is not working right now.")).to_be_visible()
    walker.shoot("search-6-error")
    assert walker.width_overflow() <= 0
    page.get_by_role("link", name="Ask us this instead").click()
    expect(page.locator("input[name=subject]")).to_have_value("refund")


def test_the_keyboard_walks_the_suggestions(phone):
    page = phone.page
    phone.open("/en/")
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    box(page).press_sequentially("retu")
    page.get_by_role("listbox").wait_for()
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    rows = page.get_by_role("option").all_inner_texts()
    assert rows[0] == "return a lamp"
    assert len(rows) >= 2
    expect(page.get_by_role("group", name="Others asked")).to_have_count(1)
    expect(page.get_by_role("group", name="Answers")).to_have_count(1)
    expect(page.locator("main [role=status]")).to_have_text(f"{len(rows)} suggestions")

    page.keyboard.press("ArrowDown")
    assert active(page) == rows[0]
    page.keyboard.press("ArrowDown")
    assert active(page) == rows[1]
    expect(box(page)).to_have_value("retu")
    page.keyboard.press("Home")
    assert active(page) == "", "Home goes back into the text"
    page.keyboard.press("ArrowUp")
    assert active(page) == rows[-1]
    page.keyboard.press("ArrowDown")
    assert active(page) == ""
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box(page)).to_have_value("retu")
    page.keyboard.press("ArrowDown")
    assert active(page) == rows[0], "Down opens the list again"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/en/search/\?q=return\+a\+lamp"))
    expect(box(page)).to_have_value("return a lamp")


def test_a_suggested_article_opens_by_touch_and_is_logged(phone):
    page = phone.page
    phone.open("/en/")
    box(page).press_sequentially("retu")
    row = page.get_by_role("group", name="Answers").get_by_role("option").first
    row.wait_for()
    assert all(option.bounding_box()["height"] >= 44 for option in page.get_by_role("option").all())
    row.tap()
    page.wait_for_url(re.compile(r"/en/a/.*via=s\."))
    assert SearchLog.objects.get().kind == SearchKind.SUGGEST
    assert SearchClick.objects.get().position == 1


def test_keys_of_an_input_method_belong_to_it(phone):
    page = phone.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/search/suggest" in request.url else None)
    phone.open("/en/")
    box(page).focus()
    page.evaluate(
        """() => {
            const input = document.querySelector("main input[type=search]");
            input.value = "return";
            input.dispatchEvent(new InputEvent("input", { bubbles: true, isComposing: true }));
            input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true }));
        }"""
    )
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
    assert asked == []
    page.evaluate(
        "document.querySelector('main input[type=search]').dispatchEvent(new CompositionEvent('compositionend'))"
    )
    page.get_by_role("option").first.wait_for()
    assert len(asked) == 1


def test_only_the_last_text_is_asked_for_and_one_letter_is_not(phone):
    page = phone.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/search/suggest" in request.url else None)
    page.clock.install()
    phone.open("/en/")
    page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    for letter in "return":
        box(page).press(letter)
        page.clock.run_for(20)  # ms between two keys
    page.clock.run_for(1000)
    page.get_by_role("option").first.wait_for()
    assert [url.rpartition("q=")[2] for url in asked] == ["return"]
    box(page).fill("r")
    expect(page.get_by_role("listbox")).to_be_hidden()
    assert len(asked) == 1


def test_without_javascript_the_box_is_a_plain_form(chromium, live_server, articles):
    context = chromium.new_context(viewport=SIZES["phone"], user_agent=AGENT, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server}/en/")
    page.locator("main input[name=q]").fill("refnud")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/en/search/\?q=refnud"))
    page.get_by_role("link", name="refnud").click()
    page.wait_for_url(re.compile(r"verbatim=1"))
    expect(page.get_by_role("heading", name="We found no answer for “refnud”")).to_be_visible()
    page.get_by_role("link", name="Ask us this instead").click()
    expect(page.locator("input[name=subject]")).to_have_value("refnud")
    context.close()

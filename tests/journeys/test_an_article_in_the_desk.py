"""The life of an article in real browsers: write, review by another, publish, see it, edit, compare, restore; two
people in one draft; a planned publication.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, User
from playwright.sync_api import Browser, expect

from core import clock
from kb import publishing, tasks
from kb.models import Article, Category, CategoryText, Draft, EditingLock
from tests.journeys import barriers
from tests.journeys.conftest import SHOTS, Walker, browser_context, in_each_view, let_in
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[..., Walker]


@pytest.fixture
def sign_in(chromium: Browser, live_server, settings, tmp_path: Path) -> Iterator[SignIn]:
    """A member of staff in a browser of their own."""
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    open_contexts = []

    def start(name: str, role: str, *, size: str = "desktop", scheme: str = "light") -> Walker:
        user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        context = browser_context(chromium, size, scheme)
        let_in(context, user, str(live_server))
        open_contexts.append(context)
        return Walker(context, str(live_server), SHOTS / f"{size}-{scheme}")

    yield start
    for context in open_contexts:
        context.close()


@pytest.fixture
def category(transactional_db) -> Category:
    made = Category.objects.create(key="delivery", topic="order_status", icon="truck")
    CategoryText.objects.create(category=made, locale="en", slug="delivery", name="Delivery")
    return made


@pytest.fixture
def article(category: Category) -> Article:
    made = publishing.create_article(
        locale="en", category=category, title="My parcel is late", body="It takes four days.", by=None
    )
    publishing.publish(made, by=None, ring=False)
    return made


def write(walker: Walker, body: str) -> None:
    """Type into the Markdown itself; a writing surface beside it hears of it."""
    field = walker.page.locator("textarea[name=body]")
    field.evaluate(
        """(area, body) => {
            area.value = body;
            area.dispatchEvent(new CustomEvent("preempt:set-text", { bubbles: true, detail: { body } }));
            area.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        body,
    )


def in_the_help_centre(walker: Walker) -> str:
    walker.open("/en/a/customs-and-taxes/")
    return walker.page.locator(".prose").inner_text()


def test_write_review_by_another_publish_edit_compare_restore(sign_in: SignIn, category: Category, settings):
    settings.FOUR_EYES = True
    wim, rita = sign_in("wim", "writer"), sign_in("rita", "reviewer")
    page = wim.page
    wim.open("/desk/articles/new/")
    page.get_by_label("Title").fill("Customs and taxes")
    write(wim, "You pay **nothing** at the door.")
    page.get_by_role("button", name="Save draft").click()
    page.wait_for_url(re.compile(r"/desk/articles/\d+/$"))
    url = page.url
    page.get_by_label("Who shall review it").select_option(label="rita")
    page.get_by_label("What changed, and why").fill("new law")
    page.get_by_role("button", name="Save for review").click()
    expect(page.get_by_text("It waits for rita.")).to_be_visible()

    rita.open("/desk/articles/reviews/")
    rita.shoot("desk-reviews")
    rita.page.get_by_role("link", name="Customs and taxes").click()
    rita.page.get_by_text("nothing").first.dblclick()  # marks the word
    expect(rita.page.get_by_label(re.compile("^Words of the text"))).to_have_value("nothing")
    rita.page.get_by_label("Comment", exact=True).fill("Not even a fee?")
    rita.page.get_by_role("button", name="Comment", exact=True).click()
    expect(rita.page.locator("mark")).to_have_text("nothing")
    rita.shoot("desk-review")
    assert barriers.axe(rita.page) == []
    rita.page.get_by_role("button", name="Publish this text").click()
    expect(rita.page.get_by_text("Customers see the reviewed text now.")).to_be_visible()
    assert "nothing at the door" in in_the_help_centre(wim)
    until(EditingLock.objects.exists, "the editor's page has said that rita is there")
    rita.open("/desk/articles/reviews/")
    until(lambda: not EditingLock.objects.exists(), "rita has left the text to others")

    wim.open(url)
    write(wim, "You pay **a fee** at the door.")
    expect(page.locator("#save-state")).to_have_text(re.compile(r"^Saved \d\d:\d\d:\d\d$"))
    assert Draft.objects.get().body == "You pay **a fee** at the door."
    page.get_by_role("link", name="Compare the draft with the live text").click()
    expect(page.locator(".diff-prose del")).to_have_text("nothing")
    expect(page.locator(".diff-prose ins")).to_have_text("a fee")
    wim.shoot("desk-compare")
    assert barriers.axe(page) == []
    page.get_by_role("link", name="Markdown, line by line").click()
    expect(page.locator(".diff del")).to_have_text("nothing")
    wim.shoot("desk-compare-source")
    assert barriers.axe(page) == []
    page.get_by_role("link", name="Text 1", exact=True).click()
    page.get_by_role("button", name="Copy into the draft").click()
    expect(page.get_by_text("The text is in the draft.")).to_be_visible()
    assert Draft.objects.get().body == "You pay **nothing** at the door."
    assert "nothing at the door" in in_the_help_centre(wim)
    for walker in (wim, rita):
        assert walker.foreign == []
        assert walker.complaints == []


def test_two_browsers_edit_one_draft_and_neither_overwrites_the_other(sign_in: SignIn, article: Article):
    ann, bea = sign_in("ann", "writer"), sign_in("bea", "writer", size="phone", scheme="dark")
    url = f"/desk/articles/{article.pk}/"
    ann.open(url)
    ann.page.locator("[data-do=take-over]").wait_for(state="attached")
    write(ann, "It takes five days.")
    expect(ann.page.locator("#save-state")).to_have_text(re.compile("^Saved"))
    bea.open(url)
    held = bea.page.locator("[data-notice=held]")
    expect(held).to_contain_text("ann is writing here since")
    write(bea, "It takes five days, six at Christmas.")
    expect(bea.page.locator("#save-state")).to_contain_text("Kept in this browser")
    bea.shoot("desk-held")
    assert barriers.axe(bea.page) == []
    write(ann, "It takes three days.")
    until(lambda: Draft.objects.get().body == "It takes three days.", "Ann's text is saved")

    held.get_by_role("button", name="Take over").click()
    conflict = bea.page.locator("[data-notice=conflict]")
    expect(conflict).to_contain_text("ann saved this draft while you were writing")
    bea.shoot("desk-conflict-in-place")
    assert Draft.objects.get().body == "It takes three days.", "nothing was overwritten"
    assert bea.page.locator("textarea[name=body]").input_value() == "It takes five days, six at Christmas."
    conflict.get_by_role("button", name="See both texts side by side").click()
    expect(bea.page.get_by_role("heading", name="Two versions of this draft")).to_be_visible()
    expect(bea.page.locator(".diff del").first).to_contain_text("three")
    bea.shoot("desk-conflict")
    assert barriers.axe(bea.page) == []
    expect(bea.page.get_by_text("You both changed 1 place, each in another way.")).to_be_visible()
    write(bea, "It takes three days, six at Christmas.")
    bea.page.get_by_role("button", name="Save this text").click()
    expect(bea.page.get_by_text("The draft is saved.")).to_be_visible()
    assert Draft.objects.get().body == "It takes three days, six at Christmas."
    until(EditingLock.objects.exists, "somebody's page has said that they are there")
    if EditingLock.objects.get().user.username == "ann":  # came first while Bea looked at both texts
        bea.page.get_by_role("button", name="Take over").click()
    expect(ann.page.locator("[data-notice=held]")).to_contain_text("bea is writing here since")
    # Ann's page may have asked after Bea took over and before she saved: the next time it asks is 10 s later.
    expect(ann.page.locator("[data-notice=newer]")).to_be_visible()


def test_changes_of_two_browsers_that_do_not_touch_are_put_together(sign_in: SignIn, article: Article):
    ann, bea = sign_in("ann", "writer"), sign_in("bea", "writer", size="phone", scheme="light")
    url = f"/desk/articles/{article.pk}/"
    ann.open(url)
    ann.page.locator("[data-do=take-over]").wait_for(state="attached")
    write(ann, "It takes four days.\n\nCall us.\n\nThank you.")
    expect(ann.page.locator("#save-state")).to_have_text(re.compile("^Saved"))
    bea.open(url)
    expect(bea.page.locator("[data-notice=held]")).to_contain_text("ann is writing here since")
    write(bea, "It takes five days.\n\nCall us.\n\nThank you.")
    write(ann, "It takes four days.\n\nWrite to us.\n\nThank you.")
    until(lambda: "Write to us" in Draft.objects.get().body, "Ann's text is saved")
    bea.page.get_by_role("button", name="Save draft").click()
    expect(bea.page.get_by_text("Your changes and theirs do not touch.")).to_be_visible()
    both = "It takes five days.\n\nWrite to us.\n\nThank you."
    assert bea.page.locator("textarea[name=body]").input_value() == both
    assert "five" not in Draft.objects.get().body, "never silently"
    bea.shoot("desk-put-together")
    assert in_each_view(bea.page, barriers.axe, barriers.sideways) == []
    bea.page.get_by_role("button", name="Save this text").focus()
    bea.page.keyboard.press("Enter")
    expect(bea.page.get_by_text("The draft is saved.")).to_be_visible()
    assert Draft.objects.get().body == both


def test_what_could_not_be_saved_is_kept_and_offered_at_the_next_opening(sign_in: SignIn, article: Article):
    ann = sign_in("ann", "writer")
    page, context, url = ann.page, ann.page.context, f"/desk/articles/{article.pk}/"
    ann.open(url)
    cookies = context.cookies()
    context.clear_cookies(name=django_settings.SESSION_COOKIE_NAME)  # signed out elsewhere, or for too long
    write(ann, "Written in a tunnel.")
    expect(page.locator("#save-state")).to_contain_text("you are signed out")
    page.close()
    assert Draft.objects.get().body == "It takes four days."
    context.add_cookies(cookies)  # type: ignore[arg-type]
    ann.page = page = context.new_page()
    ann.open(url)
    kept = page.locator("[data-notice=kept]")
    expect(kept).to_be_visible()
    kept.get_by_role("button", name="Put it into the editor").click()
    expect(page.locator("#save-state")).to_have_text(re.compile("^Saved"))
    assert Draft.objects.get().body == "Written in a tunnel."
    expect(kept).to_be_hidden()


def test_a_planned_text_goes_live_when_its_time_comes(sign_in: SignIn, article: Article, tmp_path, monkeypatch):
    clock_file = tmp_path / "clock.json"
    monkeypatch.setenv("PREEMPT_CLOCK_FILE", str(clock_file))
    start = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    clock.set_for_all(clock_file, start)
    rita = sign_in("rita", "reviewer")
    page = rita.page
    rita.open(f"/desk/articles/{article.pk}/")
    write(rita, "It takes six days in December.")
    expect(page.locator("#save-state")).to_have_text(re.compile("^Saved"))
    page.get_by_role("link", name="Plan a time").click()
    page.locator("#id_publish-at").fill("2026-12-02T09:00")
    rita.shoot("desk-plan")
    assert barriers.axe(page) == []
    page.get_by_role("button", name="Plan the publication").click()
    expect(page.get_by_text("Planned for 2 December 2026, 09:00 (Europe/London).")).to_be_visible()
    rita.shoot("desk-editor-planned")
    assert barriers.axe(page) == []
    for at, text in (
        (start + timedelta(days=1, minutes=59), "four days"),
        (start + timedelta(days=1, minutes=60), "six days in December"),
    ):
        clock.set_for_all(clock_file, at)
        tasks.do_planned()
        rita.open("/en/a/my-parcel-is-late/")
        expect(page.locator(".prose")).to_contain_text(text)


def test_an_article_moves_and_is_archived_by_keyboard(sign_in: SignIn, article: Article, category: Category):
    other = publishing.create_article(locale="en", category=category, title="Late parcels", body="Text.", by=None)
    publishing.publish(other, by=None, ring=False)
    rita = sign_in("rita", "reviewer", size="phone")
    page = rita.page
    rita.open(f"/desk/articles/{article.pk}/address/")
    page.get_by_label("Address").fill("parcel-late")
    assert barriers.axe(page) == []
    rita.shoot("desk-address")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/desk/articles/\d+/$"))
    rita.open("/en/a/my-parcel-is-late/")
    assert page.url.endswith("/en/a/parcel-late/")
    rita.open(f"/desk/articles/{article.pk}/archive/")
    page.get_by_label(re.compile("^The article")).fill("late par")
    expect(page.locator("#to-options option")).to_have_count(1)
    assert barriers.axe(page) == []
    rita.shoot("desk-archive")
    page.get_by_label(re.compile("^The article")).fill("late-parcels")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Customers no longer find it")).to_be_visible()
    rita.open("/en/a/my-parcel-is-late/")
    assert page.url.endswith("/en/a/late-parcels/")
    assert rita.complaints == []

"""The list of articles by keyboard, and one action for several, in a real browser with and without its scripts."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User

from kb.models import Article
from tests.journeys import desk_pages_care
from tests.journeys.conftest import PATIENCE, let_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def reviewer(db) -> User:
    user = User.objects.create_user("reviewer", password="x", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="reviewer")[0])
    return user


@pytest.fixture
def furnished(reviewer):
    return desk_pages_care.furnish(by=reviewer)


@pytest.fixture
def signed_in(chromium, live_server, reviewer):
    """Makes a page of a signed-in reviewer."""
    contexts = []

    def make(*, width: int = 1280, script: bool = True):
        context = chromium.new_context(
            viewport={"width": width, "height": 844}, java_script_enabled=script, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE)
        let_in(context, reviewer, str(live_server))
        contexts.append(context)
        page = context.new_page()
        page.root = str(live_server)
        return page

    yield make
    for context in contexts:
        context.close()


def focused(page) -> str:
    return page.evaluate("document.activeElement.innerText")


def test_rows_are_walked_ticked_and_opened_by_keys(signed_in, furnished):
    page = signed_in()
    page.goto(f"{page.root}/desk/articles/?sort=title")
    page.locator("#article-list").focus()
    page.keyboard.press("j")
    assert focused(page) == "Care one"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("k")
    assert focused(page) == "Care three"
    ticked = page.locator("[name=article]:checked")
    assert ticked.count() == 2
    assert page.locator("#bulk-count").inner_text() == "(2)"
    page.keyboard.press("a")
    assert ticked.count() == 3
    page.keyboard.press("a")
    assert ticked.count() == 0
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/articles/{Article.objects.get(slug='care-three').pk}/")


def test_letters_in_a_field_are_letters(signed_in, furnished):
    page = signed_in()
    page.goto(f"{page.root}/desk/articles/")
    page.locator("#id_q").press_sequentially("jxa")
    assert page.locator("#id_q").input_value() == "jxa"
    assert page.locator("[name=article]:checked").count() == 0


@pytest.mark.parametrize("script", [True, False])
def test_several_articles_are_archived_after_a_preview(signed_in, furnished, script):
    page = signed_in(script=script)
    page.goto(f"{page.root}/desk/articles/?sort=title")
    page.locator("[name=article]").nth(1).check()
    page.locator("[name=article]").nth(2).check()
    page.locator("#bulk-box summary").click()
    page.locator("#leads").select_option("nowhere")
    page.locator("button[value=archive]").click()
    page.get_by_text("2 articles will be changed.").wait_for()
    assert page.get_by_text("Other articles link to it").count() == 1
    page.get_by_role("button", name="Do it: change 2 articles").click()
    page.get_by_text("2 articles changed.").wait_for()
    assert Article.objects.filter(state="archived").count() == 2

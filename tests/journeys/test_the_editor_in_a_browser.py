"""Somebody writes an article in a real browser: by toolbar and keyboard, as it will look and as Markdown."""

from __future__ import annotations

import base64
import re

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect

from core.models import AuditEntry
from kb import publishing
from kb.models import Article, Category, Picture
from kb.search import indexing
from tests.core.test_brand_images import picture
from tests.journeys import barriers
from tests.journeys.conftest import WALKED_ONCE, Walker, in_each_view, let_in
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

REAL = """Call us **today**.

* one
* two

[ref]: /somewhere
<div class="old">raw</div>

See [the terms][ref] and {{fact:return-window}}.

{{block:shipping-times}}
"""


@pytest.fixture
def writer(walker: Walker, settings, tmp_path) -> Walker:
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    user = User.objects.create_user("wren", password="editor-test-1", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="writer")[0])
    let_in(walker.page.context, user, walker.root)
    return walker


@pytest.fixture
def article(db) -> Article:
    shelf = Category.objects.create(key="delivery", topic="order_status", icon="truck")
    return publishing.create_article(title="Delivery", body=REAL, category=shelf, locale="en", by=None)


def text(page: Page):
    return page.get_by_role("textbox", name=re.compile("^Text"))


def markdown(page: Page) -> str:
    value: str = page.locator("textarea[name=body]").input_value()
    return value


def start(writer: Walker, article: Article, body: str | None = None) -> Page:
    if body is not None:
        publishing.save_draft(article, publishing.Text("Delivery", "", body), version=1, by=None)
    writer.open(f"/desk/articles/{article.pk}/")
    expect(text(writer.page)).to_be_visible()
    return writer.page


def complaints(writer: Walker) -> list[str]:
    # The preview's frame may run no script, which the browser says; nothing else may be wrong.
    return [line for line in writer.complaints if "sandboxed" not in line]


def paste(page: Page, data: bytes, name: str, kind: str, *, how: str = "paste") -> None:
    """As if somebody pasted or dropped a file where the caret is."""
    page.evaluate(
        """([encoded, name, type, how]) => {
            const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], name, { type }));
            const target = document.querySelector(".writing-area");
            const box = target.getBoundingClientRect();
            const more = { bubbles: true, cancelable: true };
            target.dispatchEvent(how === "paste"
                ? new ClipboardEvent("paste", { clipboardData: data, ...more })
                : new DragEvent("drop", { dataTransfer: data, clientX: box.x + 60, clientY: box.y + 30, ...more }));
        }""",
        [base64.b64encode(data).decode(), name, kind, how],
    )


@WALKED_ONCE
def test_opening_changes_nothing_and_one_change_changes_one_block(writer: Walker, article: Article):
    page = start(writer, article)
    writer.shoot("editor")
    assert markdown(page) == REAL
    for view in ("Markdown", "Visual", "Markdown", "Visual"):
        page.get_by_role("button", name=view, exact=True).click()
        expect(page.get_by_role("button", name=view, exact=True)).to_have_attribute("aria-pressed", "true")
        assert markdown(page) == REAL
    expect(page.locator(".raw-block")).to_contain_text(["[ref]: /somewhere", '<div class="old">raw</div>'])
    expect(page.locator(".chip")).to_have_text(["{{fact:return-window}}", "{{block:shipping-times}}"])
    text(page).get_by_text("Call us").click()
    page.keyboard.press("End")
    page.keyboard.type(" Or write.")
    assert markdown(page) == REAL.replace("Call us **today**.", "Call us **today**. Or write.")
    page.keyboard.press("Control+z")
    assert markdown(page) == REAL
    page.get_by_role("button", name="Save draft").click()
    page.wait_for_url("**/desk/articles/*/")
    expect(text(page)).to_be_visible()
    article.draft.refresh_from_db()
    assert article.draft.body == REAL
    assert complaints(writer) == []
    assert writer.foreign == []
    assert writer.width_overflow() <= 0


def test_an_article_is_written_by_keyboard_alone(writer: Walker, article: Article):
    page = start(writer, article, "")
    text(page).focus()
    keys = page.keyboard
    keys.type("## Sending it back\nYou have ")
    keys.press("Control+b")
    keys.type("thirty days")
    keys.press("Control+b")
    keys.type(" for it.\n- in its box\nwith the slip\n\nThen:\n")
    # To the toolbar and along it, without a mouse.
    keys.press("Alt+F10")
    tool = page.locator(".tool:focus")
    expect(tool).to_have_attribute("aria-label", "Bold")
    for _ in range(7):
        keys.press("ArrowRight")
    expect(tool).to_have_attribute("aria-label", "Steps")
    keys.press("Enter")
    expect(text(page)).to_be_focused()
    keys.type("Print the slip\nDrop it off\n\nThat is all.")
    keys.press("Alt+F10")
    keys.press("Home")
    for _ in range(10):
        keys.press("ArrowRight")
    keys.press("ArrowRight")
    expect(tool).to_have_attribute("aria-label", "Call-out")
    keys.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Note")).to_be_focused()
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.locator(".writing-area .callout.tip")).to_have_text("That is all.")
    assert markdown(page) == (
        "## Sending it back\n\nYou have **thirty days** for it.\n\n- in its box\n- with the slip\n\nThen:\n\n"
        "<!-- steps -->\n1. Print the slip\n2. Drop it off\n\n> [!TIP]\n> That is all."
    )
    # Tab is not caught: it goes on to what comes after the text.
    keys.press("Tab")
    expect(text(page)).not_to_be_focused()
    frame = page.frame_locator("iframe[name=preview]")
    expect(frame.locator(".callout.tip .callout-label")).to_have_text("Tip")
    expect(frame.locator("ol.steps li")).to_have_count(2)
    writer.shoot("editor-written")
    assert complaints(writer) == []
    assert barriers.axe(page) == []


@WALKED_ONCE
def test_a_table_is_made_filled_and_changed(writer: Walker, article: Article):
    page = start(writer, article, "Before.")
    text(page).focus()
    page.get_by_role("button", name="Table").click()
    expect(page.get_by_role("menuitem", name="Row below")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("menuitem", name="New table").click()
    for words in ("Where", "Days", "Price", "Home", "2|3", "4.90"):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    page.get_by_role("button", name="Table").click()
    page.get_by_role("menuitem", name="Remove the row").click()
    page.locator(".writing-area td").last.click()
    page.get_by_role("button", name="Table").click()
    page.get_by_role("menuitem", name="Align the column to the end").click()
    table = "Before.\n\n| Where | Days | Price |\n| --- | --- | --: |\n| Home | 2\\|3 | 4.90 |"
    assert markdown(page) == table
    page.keyboard.press("Control+Enter")
    page.keyboard.type("Behind it.")
    assert markdown(page) == f"{table}\n\nBehind it."
    assert complaints(writer) == []


@WALKED_ONCE
def test_the_link_picker_finds_articles_and_refuses_what_is_no_address(writer: Walker, article: Article):
    shelf = Category.objects.get()
    returns = publishing.create_article(
        title="How to return something", body="Put it in its box.", category=shelf, locale="en", by=None
    )
    publishing.publish(returns, by=None)
    publishing.create_article(title="Return of big things", body="Later.", category=shelf, locale="en", by=None)
    indexing.ring()
    page = start(writer, article, "See here.")
    text(page).focus()
    page.keyboard.press("End")
    page.keyboard.type(" And: ")
    page.keyboard.press("Control+k")
    to = page.get_by_role("combobox", name="Article or address")
    expect(to).to_be_focused()
    to.press_sequentially("return")
    options = page.get_by_role("dialog").get_by_role("option")
    expect(options).to_have_count(2)
    expect(options.last).to_contain_text("draft")
    writer.shoot("editor-link")
    assert in_each_view(page, barriers.axe) == []
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(to).to_have_value("article:how-to-return-something")
    page.keyboard.press("Enter")
    assert markdown(page) == "See here. And: [How to return something](article:how-to-return-something)"
    page.keyboard.type(" ")
    for bad in (
        "javascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "vbscript:x",
        "nowhere",
    ):
        page.keyboard.press("Control+k")
        page.get_by_label("Words", exact=True).fill("words")
        to.fill(bad)
        page.get_by_role("button", name="Insert the link").click()
        expect(page.locator("#link-error")).to_contain_text("no address that a link can have")
        page.get_by_role("button", name="Cancel").click()
    for good, href in (
        ("example.com/a b", "https://example.com/ab"),
        ("ada@example.com", "mailto:ada@example.com"),
        ("tel:+44 20 7946 0000", "tel:+442079460000"),
    ):
        page.keyboard.press("Control+k")
        page.get_by_label("Words", exact=True).fill("words")
        to.fill(good)
        page.get_by_role("button", name="Insert the link").click()
        assert markdown(page).endswith(f"[words]({href})")
        page.keyboard.type(" ")
    assert complaints(writer) == []


@WALKED_ONCE
def test_a_picture_is_pasted_and_needs_words(writer: Walker, article: Article):
    page = start(writer, article, "Look:")
    text(page).focus()
    page.keyboard.press("End")
    paste(page, picture(1800, 900, kind="PNG"), "shelf.png", "image/png")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Uploaded.")).to_be_visible()
    page.get_by_role("button", name="Insert the picture").click()
    expect(page.locator("#picture-error")).to_contain_text("Say what the picture shows")
    writer.shoot("editor-picture")
    assert in_each_view(page, barriers.axe) == []
    page.get_by_label("What the picture shows").fill("A shelf of boards")
    page.get_by_role("button", name="Insert the picture").click()
    kept = Picture.objects.get()
    assert (kept.width, kept.height, len(kept.half) > 0) == (1600, 800, True)
    assert markdown(page) == f"Look:![A shelf of boards](picture:{kept.digest}-1600x800)"
    shown = page.locator(".writing-area img[alt='A shelf of boards']")
    until(lambda: shown.evaluate("(it) => it.naturalWidth") == 1600, "the picture is shown")
    in_preview = page.frame_locator("iframe[name=preview]").locator("img")
    expect(in_preview).to_have_attribute("srcset", re.compile(rf"{kept.digest}-half.webp 800w, .* 1600w"))
    assert AuditEntry.objects.get(action="picture.uploaded").by_name == "wren"
    assert complaints(writer) == []


@WALKED_ONCE
def test_a_dropped_file_that_lies_is_refused_with_what_to_do(writer: Walker, article: Article):
    page = start(writer, article, "Look:")
    paste(page, picture(200, 100, kind="JPEG", mode="RGB"), "really.png", "image/png", how="drop")
    expect(page.locator("#picture-error")).to_contain_text("it holds a JPEG. Open it and export it as PNG or JPEG.")
    page.get_by_role("button", name="Insert the picture").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert markdown(page) == "Look:"
    assert Picture.objects.count() == 0


@WALKED_ONCE
def test_the_toolbar_works_on_plain_markdown_too(writer: Walker, article: Article):
    page = start(writer, article, "one\n\ntwo")
    page.locator(".writing-area p").last.click()
    page.get_by_role("button", name="Markdown", exact=True).click()
    field = page.get_by_role("textbox", name=re.compile("^Text"))
    expect(field).to_be_focused()
    assert field.evaluate("(it) => it.selectionStart") == len("one\n\n"), "the caret stays in its block"
    page.keyboard.press("Control+Home")
    page.keyboard.press("Shift+End")
    page.get_by_role("button", name="Bold").click()
    assert markdown(page) == "**one**\n\ntwo"
    page.keyboard.press("Control+End")
    page.get_by_role("button", name="Call-out").click()
    page.get_by_role("menuitem", name="Warning").click()
    assert markdown(page) == "**one**\n\n> [!WARNING]\n> two"
    page.get_by_role("button", name="Visual", exact=True).click()
    expect(page.locator(".writing-area .callout.warning")).to_have_text("two")
    assert complaints(writer) == []


@WALKED_ONCE
def test_another_text_from_outside_is_shown_and_told_of(writer: Walker, article: Article):
    page = start(writer, article)
    told = page.evaluate(
        """() => {
            const told = [];
            const form = document.getElementById("article-form");
            for (const name of ["preempt:text-replaced", "input"]) form.addEventListener(name, () => told.push(name));
            document.dispatchEvent(new CustomEvent("preempt:set-text", { detail: { body: "Restored *text*." } }));
            return told;
        }"""
    )
    assert told == ["preempt:text-replaced"]
    assert markdown(page) == "Restored *text*."
    expect(text(page)).to_have_text("Restored text.")


def test_the_preview_has_three_widths_and_the_dark(writer: Walker, article: Article):
    page = start(writer, article)
    frame = page.locator("iframe[name=preview]")
    inside = page.frame_locator("iframe[name=preview]")
    for name, width in (("Tablet", 768), ("Desktop", 1200), ("Phone", 390)):
        page.get_by_role("radio", name=name).check(force=True)
        assert inside.locator("html").evaluate("() => innerWidth") == width
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(inside.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_label("Title").fill("Where is my parcel?")
    expect(inside.get_by_role("heading", level=1)).to_have_text("Where is my parcel?")
    assert frame.get_attribute("sandbox") == "allow-same-origin"
    assert complaints(writer) == []


@WALKED_ONCE
def test_without_a_script_the_field_saves_and_the_preview_shows(
    chromium, live_server, writer: Walker, article: Article
):
    cookies = writer.page.context.cookies()
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies(cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{writer.root}/desk/articles/{article.pk}/")
    page.get_by_label(re.compile("^Text")).fill("> [!NOTE]\n> Plain.")
    page.get_by_role("button", name="Show the text as it is now").click()
    expect(page.frame_locator("iframe[name=preview]").locator(".callout.note")).to_contain_text("Plain.")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()
    article.draft.refresh_from_db()
    assert article.draft.body == "> [!NOTE]\n> Plain."
    page.get_by_role("link", name="Add a picture").click()
    page.get_by_label("Picture", exact=True).set_input_files(
        {"name": "board.png", "mimeType": "image/png", "buffer": picture(700, 350)}
    )
    page.get_by_role("button", name="Add the picture").click()
    line = page.get_by_label("For the text").first.input_value()
    assert line == f"![](picture:{Picture.objects.get().digest}-700x350)"
    context.close()

"""Customers on their way to an answer, on a phone by day and at a desk by night; with the keyboard alone; without
JavaScript. The whole way in one go is in test_the_loop_in_a_browser.py, searching in test_search_in_a_browser.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.utils import translation
from playwright.sync_api import Browser, Page, expect

from analytics.models import Event
from contacts.models import Contact, FormVisit
from kb.models import Article, SearchLog, Vote
from notifications import order_links
from notifications.models import OutboxMail
from tests.journeys.conftest import AGENT, PATIENCE, SHOTS, SIZES, Walker
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MESSAGE = "I sent the lamp back two weeks ago. Where is my refund?"
REFERENCE = re.compile(r"C-[A-Z0-9]{6}")
HIDE = """() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def a_link_in_sight_counts_as_seen(page: Page) -> None:
    """After a second, by the page's own clock."""
    since = page.evaluate("performance.now()")
    until(lambda: page.evaluate("performance.now()") > since + 1800, "a link in sight counts as seen")


def link_in_the_mail(*, to: str) -> str:
    """The link to the order that was mailed; the worker's work is done here."""
    order_links.send_waiting()
    mail = OutboxMail.objects.filter(to_address=to).latest("pk")
    found = re.search(r"https?://\S+/orders/\S+", mail.text)
    assert found, mail.text
    return found.group()


def test_a_misspelt_query_finds_the_answer_that_is_voted_for(visitor):
    page = visitor.page
    visitor.open("/en/")
    page.locator("main").get_by_role("combobox").fill("refnud")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/en/search/\?.*q=refnud"))
    expect(page.get_by_text("Showing answers for")).to_be_visible()
    visitor.shoot("find-1-corrected")

    page.locator(".hits").get_by_role("link").first.click()
    page.wait_for_url(re.compile(r"/en/a/"))
    assert "refund" in page.locator("main").inner_text().lower()
    page.get_by_role("button", name="Yes").click()
    page.get_by_role("heading", name="Glad that helped").wait_for()
    visitor.shoot("find-2-voted")

    assert SearchLog.objects.filter(text="refnud").exists()
    assert Vote.objects.get().is_helpful

    page.locator(".person a").scroll_into_view_if_needed()
    a_link_in_sight_counts_as_seen(page)
    # Hidden, not left: to what a page sends on its way out, this browser gives its own name, which is that of a bot.
    page.evaluate(HIDE)
    stay = until(lambda: Event.objects.filter(kind="stayed").first(), "the page that was left says so")
    assert stay.article_id == Vote.objects.get().revision.article_id
    assert 0 < stay.scrolled <= 100
    assert stay.link_seen


def test_a_page_whose_link_to_us_cannot_be_seen_says_so(visitor):
    page = visitor.page
    page.add_init_script("""document.addEventListener("DOMContentLoaded", () => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("a[href*='/contact/'] { visibility: hidden }");
        document.adoptedStyleSheets = [sheet];
    })""")
    visitor.open("/en/")
    a_link_in_sight_counts_as_seen(page)
    page.evaluate(HIDE)
    told = until(lambda: Event.objects.filter(kind="stayed").first(), "the page that was left says so")
    assert (told.data, told.link_seen) == ({"on": "help"}, False)


def test_suggestions_are_read_and_refused_and_the_message_is_sent(visitor):
    page = visitor.page
    visitor.open("/en/contact/")
    page.get_by_label("Your e-mail address").fill("cy@example.com")
    page.get_by_label("Your message").press_sequentially(MESSAGE)
    suggestion = page.locator("[data-suggestion] a").first
    suggestion.wait_for()
    visitor.shoot("refuse-1-suggested")
    with page.context.expect_page() as beside:
        suggestion.click()
    beside.value.wait_for_url(re.compile("/en/a/"))
    beside.value.close()

    expect(page.get_by_label("Your message")).to_have_value(MESSAGE)
    page.get_by_role("button", name="Send message").click()
    page.get_by_text(REFERENCE).first.wait_for()
    visitor.shoot("refuse-2-sent")

    visit = FormVisit.objects.get(contact=Contact.objects.get())
    assert visit.shown
    assert visit.opened


def test_a_suggestion_answers_and_the_way_to_a_person_stays(visitor):
    page = visitor.page
    visitor.open("/en/contact/")
    page.get_by_label("Your message").press_sequentially(MESSAGE)
    page.get_by_role("button", name="This answered my question").first.click()
    page.get_by_role("heading", name="Glad that answered it").wait_for()
    visitor.shoot("accept-1-answered")
    assert not Contact.objects.exists()

    page.get_by_role("button", name="I still want to write").click()
    expect(page.get_by_label("Your message")).to_have_value(MESSAGE)
    page.get_by_label("Your e-mail address").fill("cy@example.com")
    page.get_by_role("button", name="Send message").click()
    page.get_by_text(REFERENCE).first.wait_for()
    assert Contact.objects.count() == 1


def test_an_order_is_looked_up_by_its_number_and_the_link_in_the_mail(visitor):
    page = visitor.page
    visitor.open("/en/orders/")
    page.get_by_label("Order number").fill("FH-MOVING")
    page.get_by_label("E-mail address").fill("fh-moving@example.com")
    page.get_by_role("button", name="E-mail me the link").click()
    page.get_by_text("Look in your inbox").wait_for()
    visitor.shoot("order-1-asked")

    visitor.open(link_in_the_mail(to="fh-moving@example.com"))
    page.get_by_text("FH-MOVING").first.wait_for()
    expect(page.get_by_text("Collected by the carrier")).to_be_visible()
    visitor.shoot("order-2-page")


def test_the_language_is_switched_on_every_kind_of_page(visitor, shop):
    page = visitor.page
    spanish = set(Article.objects.filter(locale="es").values_list("translation_group", flat=True))
    translated = Article.objects.filter(locale="en", translation_group__in=spanish).first()
    for number, path in enumerate(
        ["/en/", translated.get_absolute_url(), shop.long.get_absolute_url(), "/en/search/?q=refund", "/en/contact/"]
    ):
        visitor.open(path)
        switcher = page.locator("details.lang:visible").first
        switcher.locator("summary").click()
        visitor.shoot(f"language-{number}-menu")
        # Both at once: the answer to the press is what must not be "not found".
        with page.expect_navigation() as gone:
            switcher.locator(":is(a, button)[lang=es]").click()
        assert gone.value.ok, f"{path} in Spanish answered {gone.value.status}"
        expect(page.locator("html")).to_have_attribute("lang", "es")
        visitor.shoot(f"language-{number}-switched")
    with translation.override("es"):
        visitor.open(translated.get_absolute_url())
    expect(page.locator("html")).to_have_attribute("lang", "es")


# --- With the keyboard alone ---


@pytest.fixture
def keyboard(chromium: Browser, live_server, shop) -> Iterator[Walker]:
    context = chromium.new_context(viewport=SIZES["desktop"], user_agent=AGENT, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    walker = Walker(context, str(live_server), SHOTS / "keyboard")
    yield walker
    context.close()
    assert walker.foreign == []
    assert walker.complaints == []


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is on it. Fails where 80 presses do not reach it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => !!document.activeElement?.matches(selector)", selector):
            return
    pytest.fail(f"Tab never reaches {selector}")


def test_the_keyboard_alone_finds_an_answer_votes_writes_and_looks_an_order_up(keyboard):
    page = keyboard.page
    keyboard.open("/en/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keyboard.shoot("1-skip")
    page.keyboard.press("Enter")
    tab_to(page, "main input[name=q]")
    page.keyboard.type("refnud")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=refnud"))
    tab_to(page, ".hit a")
    keyboard.shoot("2-answers")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/en/a/"))

    tab_to(page, "#vote button[value=no]")
    page.keyboard.press("Space")
    page.locator("#vote [role=status]").wait_for()
    # Where the reader was, not at the top of the page again.
    tab_to(page, "#vote input[name=reason]")
    page.keyboard.press("ArrowDown")
    tab_to(page, "#vote textarea")
    page.keyboard.type("how long it takes by bank")
    tab_to(page, "#vote form button")
    keyboard.shoot("3-why")
    page.keyboard.press("Enter")
    page.locator("#vote:not(:has(form))").wait_for()
    assert Vote.objects.get().comment == "how long it takes by bank"

    tab_to(page, "#vote a")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/en/contact/"))
    tab_to(page, "input[name=email]")
    page.keyboard.type("cy@example.com")
    tab_to(page, "textarea[name=message]")
    page.keyboard.type(MESSAGE)
    tab_to(page, "#contact-form .btn-primary")
    keyboard.shoot("4-send")
    page.keyboard.press("Enter")
    page.get_by_text(REFERENCE).first.wait_for()

    keyboard.open("/en/orders/")
    tab_to(page, "main input[name=number]")
    page.keyboard.type("FH-HERE")
    page.keyboard.press("Tab")
    page.keyboard.type("fh-here@example.com")
    page.keyboard.press("Enter")
    page.get_by_text("Look in your inbox").wait_for()
    keyboard.open(link_in_the_mail(to="fh-here@example.com"))
    page.get_by_text("FH-HERE").first.wait_for()

    keyboard.open("/en/contact/")
    tab_to(page, "details.lang summary")
    page.keyboard.press("Enter")
    tab_to(page, "details.lang :is(a, button)[lang=es]")
    keyboard.shoot("5-language")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/es/contact/"))


# --- Without JavaScript ---


@pytest.fixture
def plain(chromium: Browser, live_server, shop) -> Iterator[Walker]:
    context = chromium.new_context(viewport=SIZES["phone"], user_agent=AGENT, java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    walker = Walker(context, str(live_server), SHOTS / "no-javascript")
    scripts: list[str] = []
    context.on("request", lambda asked: scripts.append(asked.url) if asked.resource_type == "script" else None)
    yield walker
    context.close()
    assert scripts == [], "a script was loaded"
    assert walker.foreign == []
    assert walker.complaints == []


def test_without_javascript_a_customer_searches_reads_votes_writes_and_looks_an_order_up(plain):
    page = plain.page
    plain.open("/en/")
    page.locator("main input[name=q]").fill("refnud")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url(re.compile("q=refnud"))
    page.locator(".hits").get_by_role("link").first.click()
    page.wait_for_url(re.compile("/en/a/"))
    expect(page.locator("article .prose")).to_be_visible()
    plain.shoot("1-article")

    page.get_by_role("button", name="No", exact=True).click()
    page.locator("#vote input[name=reason]").first.check()
    plain.shoot("2-why")
    page.locator("#vote form button").click()
    page.locator("#vote:not(:has(form))").wait_for()
    assert Vote.objects.get().reason

    page.locator("#vote").get_by_role("link", name="Contact us").click()
    page.wait_for_url(re.compile("/en/contact/"))
    page.get_by_label("Your e-mail address").fill("cy@example.com")
    page.get_by_label("Your message").fill(MESSAGE)
    plain.shoot("3-contact")
    page.get_by_role("button", name="Send message").click()
    page.get_by_text(REFERENCE).first.wait_for()
    plain.shoot("4-sent")
    assert Contact.objects.get().after_article is not None

    plain.open("/en/orders/")
    page.get_by_label("Order number").fill("FH-OUT")
    page.get_by_label("E-mail address").fill("fh-out@example.com")
    page.get_by_role("button", name="E-mail me the link").click()
    page.get_by_text("Look in your inbox").wait_for()
    plain.open(link_in_the_mail(to="fh-out@example.com"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Out for delivery")
    plain.shoot("5-order")


def test_without_javascript_suggestions_come_by_a_button_and_keep_what_was_typed(plain):
    page = plain.page
    plain.open("/en/contact/")
    page.get_by_label("Your message").fill(MESSAGE)
    page.locator("main button[formaction*='/suggest/']").first.click()
    page.locator("[data-suggestion]").first.wait_for()
    expect(page.get_by_label("Your message")).to_have_value(MESSAGE)
    plain.shoot("6-suggested")
    page.get_by_role("button", name="This answered my question").first.click()
    page.get_by_role("heading", name="Glad that answered it").wait_for()
    assert not Contact.objects.exists()

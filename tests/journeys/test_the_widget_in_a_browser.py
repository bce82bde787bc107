"""The help widget on shops' pages: another origin, a strict policy, phone and desktop, hosts good and bad."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.core.management import call_command
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from config import storefront
from contacts.models import Contact, FormVisit
from core import visitors
from kb import search
from kb.models import Vote
from kb.search import indexing
from tests.journeys import host_pages, kept
from tests.journeys.conftest import AGENT, PATIENCE, SHOTS, SIZES, VIEWS
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Runs in every frame before all else: what the policy of a page, ours or the host's, would not allow.
LISTEN = """document.addEventListener("securitypolicyviolation",
    (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));"""
EVENTS = """window.heard = [];
for (const what of ["opened", "closed", "contact-sent"]) addEventListener(`preempt:${what}`, () => heard.push(what));"""

AXE = """() => axe.run(PART, { resultTypes: ["violations"], iframes: false }).then(({ violations }) =>
    violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}: ${node.html}`)))"""


@dataclass
class Shopper:
    """A browser on a shop's page, and everything that it asked for or complained about."""

    page: Page
    origin: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def panel(self) -> FrameLocator:
        return self.page.frame_locator("#preempt-widget iframe")

    @property
    def button(self) -> Locator:
        return self.page.locator("#preempt-widget button.launch")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def barriers(self) -> list[str]:
        """What axe-core finds wrong with the page in the panel, and with the widget around it."""
        found: list[str] = []
        for frame, part in ((self.page.frames[-1], "document"), (self.page.main_frame, '"#preempt-widget"')):
            frame.evaluate(AXE_SCRIPT)
            found += frame.evaluate(AXE.replace("PART", part))
        return found

    def shoot(self, name: str) -> None:
        if os.environ.get("SHOTS"):
            SHOTS.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=SHOTS / f"widget-{name}.png")


@pytest.fixture
def help_centre(live_server, settings, tmp_path) -> Iterator[str]:
    """Three articles of the demo's, searchable, at the address that the shops' pages name."""
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    root = str(live_server).replace("127.0.0.1", "localhost")
    settings.SITE_URL = root

    def bring_in() -> None:
        call_command("load_reasons", settings.BASE_DIR / "demo" / "reasons.yaml", verbosity=0)
        shutil.copytree(settings.BASE_DIR / "demo", tmp_path / "demo", ignore=_all_but_three_articles)
        call_command("import_articles", tmp_path / "demo" / "articles", source="demo", verbosity=0)
        indexing.rebuild()

    kept.once("three of the demo's articles", bring_in)
    yield root
    search.engine().close()


def _all_but_three_articles(folder: str, names: list[str]) -> list[str]:
    kept = {"when-will-i-be-refunded.md", "parcel-is-late.md", "return-an-item.md"}
    return [name for name in names if name.endswith(".md") and name not in kept]


Visit = Callable[..., Shopper]


@pytest.fixture
def visit(chromium: Browser, help_centre: str, settings) -> Iterator[Visit]:
    """Opens a shop's page: visit(application). The shop is among those that may show the widget, unless refused."""
    with contextlib.ExitStack() as stack:

        def go(
            application: Callable, path: str = "/", *, host: str = "localhost", refused: bool = False, **context
        ) -> Shopper:
            origin = stack.enter_context(host_pages.serving(application, host=host))
            settings.WIDGET_HOSTS = ["https://another.example.com"] if refused else [origin]
            context = {"viewport": SIZES["desktop"], "user_agent": AGENT, "locale": "en-GB", **context}
            browser = chromium.new_context(reduced_motion="reduce", **context)
            stack.callback(browser.close)
            browser.set_default_timeout(PATIENCE)
            browser.add_init_script(LISTEN)
            browser.add_init_script(EVENTS)
            shopper = Shopper(browser.new_page(), origin)
            shopper.page.on("request", lambda request: shopper.asked.append(request.url))
            shopper.page.on(
                "console", lambda m: shopper.complaints.append(m.text) if m.type in ("error", "warning") else None
            )
            shopper.page.on("pageerror", lambda error: shopper.complaints.append(str(error)))
            shopper.page.goto(origin + path)
            shopper.button.wait_for(state="attached")
            return shopper

        yield go


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_a_shopper_searches_reads_votes_and_writes_by_keyboard(visit, help_centre, monkeypatch, size, scheme):
    monkeypatch.setenv("SITE_URL", help_centre)
    name = f"{size}-{scheme}"
    shopper = visit(storefront.application, "/lamp.html", viewport=SIZES[size], color_scheme=scheme)
    page, panel = shopper.page, shopper.panel
    page.wait_for_load_state("networkidle")
    assert [url for url in shopper.asked if url.startswith(help_centre)] == [f"{help_centre}/widget.js"]
    shopper.shoot(f"{name}-0-closed")

    shopper.button.focus()
    page.keyboard.press("Enter")
    expect(shopper.dialog).to_have_accessible_name("Help from Fernhill & Co")
    panel.get_by_role("heading", name="How can we help?").wait_for()
    expect(panel.locator("main input[type=search]")).to_be_focused()
    shopper.shoot(f"{name}-1-home")
    assert shopper.barriers() == []

    page.keyboard.type("refnud")
    page.keyboard.press("Enter")
    panel.locator(".hits").wait_for()
    shopper.shoot(f"{name}-2-search")
    assert shopper.barriers() == []
    panel.locator(".hits").get_by_role("link").first.focus()
    page.keyboard.press("Enter")
    panel.locator("article .prose").wait_for()
    shopper.shoot(f"{name}-3-article")
    assert shopper.barriers() == []

    panel.get_by_role("button", name="No", exact=True).focus()
    page.keyboard.press("Enter")
    expect(panel.locator("#vote")).to_contain_text("went wrong")
    panel.get_by_role("navigation", name="Help").get_by_role("link", name="Contact us").focus()
    page.keyboard.press("Enter")
    panel.get_by_label(re.compile("your e-mail", re.I)).fill("ada@example.com")
    panel.get_by_label(re.compile("message", re.I)).fill("The lamp flickers.")
    shopper.shoot(f"{name}-4-contact")
    assert shopper.barriers() == []
    panel.get_by_role("button", name=re.compile("^Send", re.I)).focus()
    page.keyboard.press("Enter")
    panel.get_by_text(re.compile(r"C-[A-Z0-9]{6}")).first.wait_for()
    shopper.shoot(f"{name}-5-sent")
    assert shopper.barriers() == []

    page.keyboard.press("Escape")
    expect(shopper.dialog).to_be_hidden()
    expect(shopper.button).to_be_focused()
    until(lambda: page.evaluate("heard.includes('closed')"), "the page has heard of it")
    heard = page.evaluate("heard")
    assert heard[0] == "opened"
    assert heard[-1] == "closed"
    assert heard.count("contact-sent") == 1
    assert Contact.objects.get().email == "ada@example.com"
    assert Vote.objects.get().is_helpful is False
    assert FormVisit.objects.get(contact__isnull=False).visitor == Vote.objects.get().visitor
    assert [url for url in shopper.asked if not url.startswith((help_centre, shopper.origin))] == []
    assert shopper.complaints == []


def test_a_shops_own_button_opens_it_with_what_the_page_is_about(visit, help_centre, monkeypatch):
    monkeypatch.setenv("SITE_URL", help_centre)
    shopper = visit(storefront.application, "/order.html")
    shopper.page.get_by_role("button", name="Ask about this order").click()
    shopper.panel.get_by_role("heading", name="How can we help?").wait_for()
    for tab, field_name in (("Your order", "number"), ("Contact us", "order_number")):
        shopper.panel.get_by_role("navigation", name="Help").get_by_role("link", name=tab).click()
        expect(shopper.panel.locator(f"input[name={field_name}]")).to_have_value("FH-106117")
    shopper.page.locator("#preempt-widget").get_by_role("button", name="Close help").click()
    expect(shopper.page.get_by_role("button", name="Ask about this order")).to_be_focused()
    assert shopper.complaints == []


def test_a_call_may_ask_for_an_article_a_search_or_a_page(visit, help_centre):
    shopper = visit(host_pages.page(help_centre))
    for asked, address in (
        ('{ article: "my-parcel-is-late" }', r"/embed/en/a/my-parcel-is-late/"),
        ('{ query: "refund" }', r"/embed/en/search/\?q=refund"),
        ('{ page: "contact", order: "FH-1" }', r"/embed/en/contact/\?order=FH-1"),
        ('{ page: "order", locale: "es" }', r"/embed/es/orders/"),
    ):
        shopper.page.evaluate(f'Preempt("open", {asked})')
        expect(shopper.panel.locator("html")).to_have_attribute("lang", re.compile("en|es"))
        expect(shopper.panel.locator("body")).to_be_visible()
        assert re.search(address, shopper.page.frames[-1].url), shopper.page.frames[-1].url
    assert shopper.complaints == []


def test_escape_closes_the_suggestions_first_and_then_the_panel(visit, help_centre):
    shopper = visit(host_pages.page(help_centre))
    shopper.button.click()
    shopper.panel.locator("main").get_by_role("combobox").press_sequentially("retu")
    shopper.panel.get_by_role("option").first.wait_for()
    shopper.page.keyboard.press("Escape")
    expect(shopper.panel.get_by_role("listbox")).to_be_hidden()
    expect(shopper.dialog).to_be_visible()
    shopper.page.keyboard.press("Escape")
    expect(shopper.dialog).to_be_hidden()
    expect(shopper.button).to_be_focused()
    shopper.button.click()
    expect(shopper.panel.locator("main").get_by_role("combobox")).to_have_value("retu")
    assert shopper.complaints == []


def test_two_tags_and_calls_before_it_is_there_make_one_widget(visit, help_centre):
    shopper = visit(host_pages.page(help_centre, tags=3))
    shopper.page.wait_for_load_state("networkidle")
    assert shopper.page.locator("#preempt-widget").count() == 1
    shopper.page.evaluate("document.head.append(Object.assign(document.createElement('script'), { src: "
                          f"'{help_centre}/widget.js?again', onload: () => (window.again = true) }}))")  # fmt: skip
    # Playwright's own wait evaluates text in the page, which the host's policy forbids.
    until(lambda: shopper.page.evaluate("window.again"), "the script has run again")
    assert shopper.page.locator("#preempt-widget").count() == 1
    assert shopper.complaints == []


def test_a_tag_in_the_middle_of_the_page_makes_the_last_stop_for_the_tab_key(visit, help_centre):
    tag = f'<script src="{help_centre}/widget.js"></script>'
    shopper = visit(host_pages.page(help_centre, body=f'{tag}<main><a id="last" href="/">Our lamps</a></main>', tags=0))
    follows = "document.getElementById('last').compareDocumentPosition(document.getElementById('preempt-widget')) === 4"
    assert shopper.page.evaluate(follows)


def test_a_hostile_page_neither_hides_nor_breaks_it(visit, help_centre):
    shopper = visit(
        host_pages.page(
            help_centre,
            head='<link rel="stylesheet" href="/hostile.css"><script src="/hostile.js"></script>',
            body='<div id="cover"></div><a id="Preempt"></a><iframe name="Preempt"></iframe>',
        )
    )
    shopper.button.click()  # Playwright clicks only what nothing else lies over
    shopper.panel.get_by_role("heading", name="How can we help?").wait_for()
    shopper.shoot("hostile")
    box = shopper.dialog.bounding_box()
    assert (box["width"], box["height"]) == (400, 640)
    assert shopper.page.frames[-1].url.endswith("/embed/en/"), "what was put on Object.prototype is no context"
    shopper.page.keyboard.press("Escape")
    expect(shopper.dialog).to_be_hidden()


def test_a_site_that_may_not_show_it_is_told_so(visit, help_centre):
    shopper = visit(host_pages.page(help_centre, attributes='data-fallback="help@example.com"'), refused=True)
    shopper.button.click()
    expect(shopper.dialog).to_contain_text("Our help cannot be shown on this page.")
    expect(shopper.dialog).to_contain_text(f"{shopper.origin} is not in WIDGET_HOSTS")
    expect(shopper.dialog.get_by_role("link", name="Write to us instead")).to_have_attribute(
        "href", "mailto:help@example.com"
    )
    shopper.shoot("refused")
    assert not any("/embed/" in url for url in shopper.asked)


def test_a_site_that_frames_it_by_itself_gets_nothing(visit, help_centre):
    frame = f'<iframe id="stolen" src="{help_centre}/embed/en/contact/"></iframe>'
    shopper = visit(host_pages.page(help_centre, body=frame), refused=True)
    shopper.page.wait_for_load_state("networkidle")
    assert any("frame-ancestors" in said for said in shopper.complaints)
    assert shopper.page.frame_locator("#stolen").locator("form").count() == 0


def test_while_our_server_is_down_it_says_so_and_offers_the_contact_address(visit, help_centre):
    shopper = visit(host_pages.page(help_centre, attributes='data-fallback="https://shop.example.com/contact"'))
    shopper.page.route("**/embed/**", lambda route: route.abort())
    shopper.button.click()
    expect(shopper.dialog.get_by_role("status")).to_contain_text("We cannot show our help right now.")
    expect(shopper.dialog.get_by_role("link", name="Write to us instead")).to_have_attribute(
        "href", "https://shop.example.com/contact"
    )
    shopper.shoot("down")
    shopper.page.unroute("**/embed/**")
    shopper.dialog.get_by_role("button", name="Try again").click()
    shopper.panel.get_by_role("heading", name="How can we help?").wait_for()
    shopper.page.route("**/embed/**", lambda route: route.abort())
    shopper.panel.get_by_role("navigation", name="Help").get_by_role("link", name="Contact us").click()
    expect(shopper.dialog.get_by_role("status")).to_contain_text("We cannot show our help right now.")


def test_it_covers_a_phone_and_holds_the_focus_there_and_only_there(visit, help_centre):
    shopper = visit(host_pages.page(help_centre), viewport={"width": 320, "height": 568}, has_touch=True)
    shopper.button.tap()
    shopper.panel.get_by_role("heading", name="How can we help?").wait_for()
    assert shopper.dialog.bounding_box() == {"x": 0, "y": 0, "width": 320, "height": 568}
    assert shopper.page.evaluate(
        "document.querySelector('#preempt-widget').shadowRoot.querySelector(':modal') !== null"
    )
    shopper.page.locator("#before").focus()
    assert shopper.page.evaluate("document.activeElement.id") != "before"
    frame = shopper.page.frames[-1]
    assert frame.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    shopper.shoot("320")
    # A desktop at 400 %: the panel has all of the window, and its bars scroll away with the page.
    shopper.page.set_viewport_size({"width": 320, "height": 225})
    assert shopper.dialog.bounding_box() == {"x": 0, "y": 0, "width": 320, "height": 225}
    assert frame.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert frame.evaluate("getComputedStyle(document.querySelector('.tabs-foot')).position") == "static"
    shopper.shoot("zoom-400")

    shopper.page.set_viewport_size(SIZES["desktop"])
    is_modal = "document.querySelector('#preempt-widget').shadowRoot.querySelector(':modal') !== null"
    until(lambda: not shopper.page.evaluate(is_modal), "the page can be used beside it")
    expect(shopper.dialog).to_be_visible()
    shopper.page.locator("#before").focus()
    assert shopper.page.evaluate("document.activeElement.id") == "before"
    assert shopper.complaints == []


def test_from_right_to_left_in_forced_colours_and_on_paper(visit, help_centre, settings):
    settings.LANGUAGES = (
        [*settings.LANGUAGES, ("ar", "Arabic")] if "ar" not in dict(settings.LANGUAGES) else settings.LANGUAGES
    )
    shopper = visit(host_pages.page(help_centre, attributes='data-locale="ar"'), forced_colors="active")
    assert shopper.button.bounding_box()["x"] < 100, "the end of a line is on the left"
    border = (
        "getComputedStyle(document.querySelector('#preempt-widget').shadowRoot.querySelector('.launch')).borderTopStyle"
    )
    assert shopper.page.evaluate(border) == "solid"
    shopper.shoot("rtl-forced")
    shopper.page.emulate_media(media="print")
    expect(shopper.button).to_be_hidden()


def test_a_browser_that_keeps_no_cookie_in_frames_is_served_and_not_counted(visit, help_centre):
    """127.0.0.1 and localhost are different sites: the usual cookie is not sent between them."""
    shopper = visit(host_pages.page(help_centre), host="127.0.0.1")
    shopper.page.evaluate('Preempt("open", { article: "my-parcel-is-late" })')
    shopper.panel.get_by_role("button", name="Yes", exact=True).click()
    expect(shopper.panel.locator("#vote")).to_contain_text("or keeps no cookie here")
    shopper.page.evaluate('Preempt("open", { page: "contact" })')
    shopper.panel.get_by_label(re.compile("your e-mail", re.I)).fill("ada@example.com")
    shopper.panel.get_by_label(re.compile("message", re.I)).fill("The lamp flickers.")
    shopper.panel.get_by_role("button", name=re.compile("^Send", re.I)).click()
    shopper.panel.get_by_text(re.compile(r"C-[A-Z0-9]{6}")).first.wait_for()
    assert Contact.objects.get().visitor is None
    assert not Vote.objects.exists()


def test_a_browser_that_keeps_partitioned_cookies_is_counted(visit, help_centre, settings):
    """As behind a proxy that ends TLS; a browser takes Secure cookies from localhost without it."""
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    shopper = visit(host_pages.page(help_centre), host="127.0.0.1", extra_http_headers={"X-Forwarded-Proto": "https"})
    shopper.page.evaluate('Preempt("open", { article: "my-parcel-is-late" })')
    shopper.panel.get_by_role("button", name="Yes", exact=True).click()
    expect(shopper.panel.locator("#vote")).to_contain_text("Glad that helped")
    (cookie,) = [cookie for cookie in shopper.page.context.cookies() if cookie["name"] == visitors.COOKIE]
    assert cookie["sameSite"] == "None"
    assert "127.0.0.1" in cookie["partitionKey"]
    assert str(Vote.objects.get().visitor) == cookie["value"]

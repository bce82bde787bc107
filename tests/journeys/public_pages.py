"""Every page that a customer can see, in every state that looks different: what the tests of all pages walk through.

A new page is one line in PAGES. tests/journeys/test_accessibility.py goes red where a public address has none.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation
from playwright.sync_api import FilePayload
from playwright.sync_api import Page as BrowserPage

from contacts import arms
from core import clock, embedding, visitors
from kb import notices, publishing
from kb.models import Article, Category
from kb.search import asking, indexing
from notifications import links
from notifications.intake import storing
from notifications.intake.facts import Cancelled, CustomerFact, Fact, LineFact, Placed, Scanned
from notifications.models import Order, ShipmentState
from notifications.tracking import Scan
from tests import people
from tests.journeys import kept

if TYPE_CHECKING:
    from tests.journeys.conftest import Walker

TOPICS = ("delivery", "refunds", "returns")
LONG_TITLE = "Everything about the care of oiled, waxed and lacquered chopping boards"
_LONG = """
Read the table first.

| Surface | Wash | Oil | How often | Never | Product number |
|---|---|---|---|---|---|
| Oiled larch | warm water | linseed | four times a year | dishwasher | FH-CARE-OIL-0250-LARCH |
| Waxed oak | damp cloth | wax balm | twice a year | soaking | FH-CARE-WAX-0100-OAK |

![Our leaf](/static/img/favicon.svg)

## Before you start

Take off what is loose. See [how to return it](article:no-such-article) if it is not for you.

> Linseed oil on a cloth can catch fire by itself: dry the cloth flat.

## Oiling

1. Wash
2. Dry for a day
3. Oil, thinly

### How much

Write `care --surface=oiled` to us, or:

```
Surface: oiled larch                      Size: 40 x 30 cm         Oil: about 8 ml for each side and 2 ml for the edges
```

## Waxing

Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft and
https://fernhill.example.com/a/very/long/address/that/nobody/breaks/anywhere/because/it/has/no/spaces are long.

## Lacquer

Lacquer needs nothing.
"""


BANNER = (
    "A depot of our carrier near Hollin Cross is closed after the storm: parcels to the north arrive two or three days "
    "late. We write to everybody whom it concerns, and say more here on Thursday by 18:00."
)

# What the browser keeps beside cookies; a page before the first keeps nothing, and says so by an error.
_FORGET = "() => { try { sessionStorage.clear(); localStorage.clear(); } catch {} }"


@dataclass
class Shop:
    """What the pages show: the demo's articles, one very long one in English only, and an order in every state."""

    long: Article
    plain: Article
    orders: dict[str, Order] = field(default_factory=dict)


@dataclass
class Visit:
    """A browser that walks through the pages in one language, on each as a visitor who has never been here."""

    walker: Walker
    shop: Shop
    locale: str

    @property
    def page(self) -> BrowserPage:
        return self.walker.page

    def start(self, page: PublicPage) -> None:
        """Show this page in this state."""
        self.page.evaluate(_FORGET)
        self.page.context.clear_cookies()
        self.page.context.set_extra_http_headers({"Accept-Language": self.locale})
        self.walker.forget()
        with page.during() if page.during else nullcontext():
            page.open(self)

    def open(self, route: str, *args: object, query: str = "", status: int = 200) -> None:
        with translation.override(self.locale):
            self.walker.open(reverse(route, args=args) + query, status=status)

    def press(self, selector: str, *, until: str) -> None:
        """Press what leads to another page or swaps a part of this one, and wait until that is there."""
        self.page.locator(selector).first.click()
        self.page.locator(until).first.wait_for()


@dataclass(frozen=True)
class PublicPage:
    """One state of a page. `route`: the address that shows it, by its name in the URLconf."""

    name: str
    route: str
    open: Callable[[Visit], None]
    during: Callable[[], AbstractContextManager[object]] | None = None  # what is out of order meanwhile


def furnish(folder: Path) -> Shop:
    """The rows behind all pages; `folder` is empty and takes the articles that are imported: some topics are enough."""
    kept.once("some of the demo's articles and a long one", lambda: _bring_in(folder))
    long = Article.objects.get(locale="en", live_revision__title=LONG_TITLE)
    plain = Article.objects.filter(locale="en").exclude(pk=long.pk).order_by("pk").first()
    people.mail_about_a_late_parcel(to="ada@example.com")
    storing.store(list(_order_facts()), source="test", now=clock.now())
    return Shop(long, plain, {order.external_id: order for order in Order.objects.all()})


def _bring_in(folder: Path) -> None:
    call_command("load_reasons", settings.BASE_DIR / "demo" / "reasons.yaml", verbosity=0)
    demo = settings.BASE_DIR / "demo"
    for locale in ("en", "es"):
        for topic in TOPICS:
            shutil.copytree(demo / "articles" / locale / topic, folder / locale / topic)
    call_command("import_articles", folder, source="demo", categories=demo / "categories.yaml", verbosity=0)
    shelf = Category.objects.order_by("pk").first()
    long = publishing.create_article(
        locale="en", category=shelf, title=LONG_TITLE, summary="For every surface that we sell.", body=_LONG, by=None
    )
    publishing.publish(long, by=None, ring=False)
    indexing.apply_changes()


def _order_facts() -> Iterator[Fact]:
    now = clock.now()
    day = timedelta(days=1)
    journey = [
        (ShipmentState.HANDED_OVER, now - 3 * day, "Collected by the carrier", "Alderbrook depot"),
        (ShipmentState.IN_TRANSIT, now - 2 * day, "", "Hollin Cross sorting centre, Hall 4, Northern Approach Road"),
        (ShipmentState.OUT_FOR_DELIVERY, now - day, "", "Wexcombe"),
    ]
    endings = {
        "FH-NEW": [],
        "FH-MOVING": journey[:2],
        "FH-OUT": journey,
        "FH-HERE": [*journey, (ShipmentState.DELIVERED, now - timedelta(hours=3), "Left with a neighbour", "Wexcombe")],
        "FH-MISSED": [*journey, (ShipmentState.ATTEMPT_FAILED, now - timedelta(hours=3), "", "Wexcombe")],
        "FH-BROKEN": [*journey[:2], (ShipmentState.EXCEPTION, now - day, "Damaged in the sorting centre", "")],
        "FH-GONE": [],
    }
    for place, (number, scans) in enumerate(endings.items()):
        yield Placed(
            at=now - 4 * day,
            order_id=number,
            number=number,
            customer=CustomerFact(number, f"{number.lower()}@example.com", "Bo"),
            lines=(LineFact("Larch chopping board, 40 × 30 cm, with a groove for the juice of a roast", 2),),
            promised_ship_by=now + day,
            promised_deliver_by=now + 2 * day,
            carrier="Larkpost",
            tracking_no=f"LA{place:08}",
        )
        for state, at, text, where in scans:
            scan = Scan(state=state, at=at, text=text, place=where)
            yield Scanned(at=at, order_id=number, carrier="Larkpost", tracking_no=f"LA{place:08}", scan=scan)
    yield Cancelled(now - day, "FH-GONE")


# --- How a state comes about ---


def _at(route: str, *args: object, query: str = "", status: int = 200) -> Callable[[Visit], None]:
    return lambda visit: visit.open(route, *args, query=query, status=status)


def _in_panel(route: str, *args: object, query: str = "", status: int = 200) -> Callable[[Visit], None]:
    def show(visit: Visit) -> None:
        with translation.override(visit.locale):
            visit.walker.open(f"/embed{reverse(route, args=args)}{query}", status=status)

    return show


def _panel_article(visit: Visit, *, voted: str = "", menu: bool = False) -> None:
    _in_panel("help:article", visit.shop.long.slug if menu else visit.shop.plain.slug)(visit)
    if voted:
        visit.press(f"#vote button[name=helpful][value={voted}]", until="#vote [role=status]")
    if menu:
        visit.press(".top .lang summary", until=".top .lang li")


def _panel_category(visit: Visit) -> None:
    _in_panel("help:home")(visit)
    visit.press(".topic a", until="main .list-link")


def _panel_contact(visit: Visit, *, send: bool = False) -> None:
    _in_panel("contacts:form", query="?order=FH-1")(visit)
    if send:
        visit.page.locator("input[name=email]").fill("ada@example.com")
        visit.page.locator("textarea[name=message]").fill("The lamp in the panel hums.")
        visit.press("#contact-form .btn-primary", until="main .reference")
    else:
        visit.page.locator("textarea[name=message]").press_sequentially("Refund")
        visit.page.locator("[data-suggestion]").first.wait_for()
        visit.page.evaluate("scrollTo(0, 0)")


def _category(visit: Visit) -> None:
    visit.open("help:home")
    visit.press(".topic a", until=".crumbs [aria-current]")


def _article(visit: Visit, *, long: bool = False) -> None:
    # The same address in every language: where there is no translation it falls back, with a banner.
    visit.open("help:article", (visit.shop.long if long else visit.shop.plain).slug)


def _suggesting(visit: Visit) -> None:
    visit.open("help:home")
    visit.page.locator("main input[name=q]").press_sequentially("re")
    visit.page.get_by_role("option").first.wait_for()
    visit.page.keyboard.press("ArrowDown")


def _voted(visit: Visit, answer: str, *, reason: bool = False) -> None:
    _article(visit)
    visit.press(f"#vote button[name=helpful][value={answer}]", until="#vote [role=status]")
    if reason:
        visit.page.locator("#vote input[name=reason]").first.check()
        visit.press("#vote form button", until="#vote:not(:has(form))")


def _voted_too_late(visit: Visit) -> None:
    """A page that was open for more than a month."""
    _article(visit)
    with mock.patch("django.core.signing.time.time", return_value=time.time() + 40 * 86_400):
        visit.press("#vote button[name=helpful]", until="#vote [role=alert] .btn")


def _suggested(visit: Visit) -> None:
    visit.open("contacts:form")
    before = visit.page.locator("#suggestions h2").inner_text()
    visit.page.locator("textarea[name=message]").press_sequentially("Refund")
    visit.page.locator("#suggestions h2").filter(has_not_text=before).wait_for()


def _sent(visit: Visit, *, email: str = "ada@example.com") -> None:
    visit.open("contacts:form")
    visit.page.locator("input[name=email]").fill(email)
    visit.page.locator("textarea[name=message]").fill("The lamp hums.")
    visit.press("#contact-form .btn-primary", until="main .reference, main .notice-danger")


def _answered(visit: Visit) -> None:
    visit.open("contacts:form")
    visit.page.locator("textarea[name=message]").press_sequentially("Refund")
    visit.page.locator("[data-suggestion]").first.wait_for()
    visit.press("[data-suggestion] button", until="main .empty h1")


def _with_files(visit: Visit) -> None:
    """One that is taken, and one that is not what its name says."""
    visit.open("contacts:form")
    files = [
        ("lamp.txt", "text/plain", b"It hums."),
        ("a-very-long-name-" * 6 + "lamp.png", "image/png", b"MZ\x90\x00"),
    ]
    payloads: list[FilePayload] = [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    visit.page.set_input_files("#id_files", payloads)
    visit.page.locator("#files .kept li").first.wait_for()
    visit.page.locator("#files .errorlist").wait_for()


def _too_much(visit: Visit) -> None:
    visit.open("contacts:form")
    visit.page.evaluate(
        """() => {
            const more = { type: "hidden", name: "more", value: "x".repeat(3_000_000) };
            document.getElementById("contact-form").append(Object.assign(document.createElement("input"), more));
        }"""
    )
    visit.press("#contact-form .btn-primary", until="main .empty h1")


def _looked_up(visit: Visit, number: str) -> None:
    visit.open("orders:lookup")
    visit.page.locator("main input[name=number]").fill(number)
    visit.page.locator("main input[name=email]").fill("bo@example.com" if number else "")
    visit.press("main form[method=post] .btn-primary", until="main [role=status], main .errorlist")


def _order(visit: Visit, number: str) -> None:
    visit.walker.open(links.order_url(visit.shop.orders[number], locale=visit.locale))


def _expired(visit: Visit) -> None:
    then = time.time() - 10 * 365 * 86_400
    with mock.patch("django.core.signing.time.time", return_value=then):
        url = links.order_url(visit.shop.orders["FH-HERE"], locale=visit.locale)
    visit.walker.open(url, status=410)


def _expired_again(visit: Visit) -> None:
    _expired(visit)
    visit.press("main form button", until="main [role=status]")


def _stop(visit: Visit, *, press: bool = False) -> None:
    with translation.override(visit.locale):
        path = reverse("orders:stop", args=[links.order_token(visit.shop.orders["FH-OUT"])])
    visit.walker.open(path)
    if press:
        visit.press("main form button", until="main .empty h1")


def _preferences(visit: Visit, *, press: bool = False) -> None:
    person = visit.shop.orders["FH-BROKEN"].customer.person
    visit.walker.open(links.preferences_url(person, locale=visit.locale))
    if press:
        visit.press("main form button", until="main .notice-success")


def _unsubscribe(visit: Visit, *, press: bool = False) -> None:
    person = visit.shop.orders["FH-NEW"].customer.person
    visit.walker.open(links.unsubscribe_url(person, scope="promise_passed", locale=visit.locale))
    if press:
        visit.press("main form button", until="main:not(:has(form))")


def _forbidden(visit: Visit) -> None:
    """Signed in, and not a member of staff."""
    client = Client()
    client.force_login(User.objects.get_or_create(username="nobody")[0])
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    visit.page.context.add_cookies([{"name": "sessionid", "value": session, "url": visit.walker.root}])
    visit.walker.open("/desk/", status=403)


@contextlib.contextmanager
def _incident() -> Iterator[None]:
    """A banner in every language, which leads to an article."""
    notice = notices.write(text=BANNER, article=Article.objects.filter(locale="en").order_by("pk").first(), by=None)
    try:
        # Pages that do not ask whether anything changed would trust what they read for two seconds.
        with mock.patch.object(notices, "_TRUST_SECONDS", -1.0):
            yield
    finally:
        notices.end(notice.pk)


def _in_a_frame() -> AbstractContextManager[object]:
    """As a browser asks for what stands in the widget's frame; a page of its own is led out of the panel."""
    return mock.patch.object(embedding, "_is_alone", return_value=False)


def _search_is_out_of_order() -> AbstractContextManager[object]:
    return mock.patch.object(asking, "ask", side_effect=asking.NoAnswer("out of order"))


def _nobody_gets_suggestions() -> AbstractContextManager[object]:
    return mock.patch.object(arms, "off_share", return_value=1.0)


def _everything_is_out_of_order() -> AbstractContextManager[object]:
    return mock.patch.object(visitors, "of", side_effect=ValueError("out of order"))


# One line a state. Routes that only redirect, take posts or answer machines stand in WITHOUT_A_PAGE.
PAGES = [
    PublicPage("home", "help:home", _at("help:home")),
    PublicPage("category", "help:category", _category),
    PublicPage("article", "help:article", _article),
    PublicPage("article-long", "help:article", partial(_article, long=True)),
    PublicPage("article-voted-yes", "help:article", partial(_voted, answer="yes")),
    PublicPage("article-voted-no", "help:article", partial(_voted, answer="no")),
    PublicPage("article-voted-why", "help:article", partial(_voted, answer="no", reason=True)),
    PublicPage("search-empty", "help:search", _at("help:search")),
    PublicPage("search-results", "help:search", _at("help:search", query="?q=return")),
    PublicPage("search-corrected", "help:search", _at("help:search", query="?q=refnud")),
    PublicPage("search-none", "help:search", _at("help:search", query="?q=zebra+quantum+Donaudampfschifffahrt")),
    PublicPage(
        "search-error", "help:search", _at("help:search", query="?q=refund", status=503), during=_search_is_out_of_order
    ),
    PublicPage("search-suggesting", "help:search-suggest", _suggesting),
    PublicPage("contact", "contacts:form", _at("contacts:form")),
    PublicPage("contact-errors", "contacts:form", partial(_sent, email="no address")),
    PublicPage("contact-suggested", "contacts:suggest", _suggested),
    PublicPage("contact-answered", "contacts:answered", _answered),
    PublicPage("contact-sent", "contacts:sent", _sent),
    PublicPage("contact-plain", "contacts:form", _at("contacts:form"), during=_nobody_gets_suggestions),
    PublicPage("contact-files", "contacts:files", _with_files),
    PublicPage("contact-too-much", "contacts:form", _too_much),
    PublicPage("lookup", "orders:lookup", _at("orders:lookup")),
    PublicPage("lookup-errors", "orders:lookup", partial(_looked_up, number="")),
    PublicPage("lookup-sent", "orders:lookup", partial(_looked_up, number="FH-1")),
    PublicPage("order-late", "orders:order", partial(_order, number="FH-104233")),
    PublicPage("order-new", "orders:order", partial(_order, number="FH-NEW")),
    PublicPage("order-moving", "orders:order", partial(_order, number="FH-MOVING")),
    PublicPage("order-out", "orders:order", partial(_order, number="FH-OUT")),
    PublicPage("order-delivered", "orders:order", partial(_order, number="FH-HERE")),
    PublicPage("order-missed", "orders:order", partial(_order, number="FH-MISSED")),
    PublicPage("order-broken", "orders:order", partial(_order, number="FH-BROKEN")),
    PublicPage("order-cancelled", "orders:order", partial(_order, number="FH-GONE")),
    PublicPage("order-expired", "orders:order", _expired),
    PublicPage("order-bad-link", "orders:order", _at("orders:order", "not-a-token", status=404)),
    PublicPage("order-again", "orders:again", _expired_again),
    PublicPage("order-stop", "orders:stop", _stop),
    PublicPage("order-stopped", "orders:stop", partial(_stop, press=True)),
    PublicPage("preferences", "orders:preferences", _preferences),
    PublicPage("preferences-saved", "orders:preferences", partial(_preferences, press=True)),
    PublicPage("unsubscribe", "unsubscribe", _unsubscribe),
    PublicPage("unsubscribed", "unsubscribe", partial(_unsubscribe, press=True)),
    PublicPage("unsubscribe-failed", "unsubscribe", _at("unsubscribe", "not-a-token", status=404)),
    PublicPage("404-found", "help:article", _at("help:article", "return-my-lamp-2019", status=404)),
    PublicPage("404-nothing", "help:article", _at("help:article", "xqzv", status=404)),
    PublicPage("home-banner", "help:home", _at("help:home"), during=_incident),
    PublicPage("search-banner", "help:search", _at("help:search", query="?q=return"), during=_incident),
    PublicPage("contact-banner", "contacts:form", _at("contacts:form"), during=_incident),
    PublicPage("panel-home", "help:home", _in_panel("help:home"), during=_in_a_frame),
    PublicPage("panel-category", "help:category", _panel_category, during=_in_a_frame),
    PublicPage("panel-article", "help:article", _panel_article, during=_in_a_frame),
    PublicPage("panel-languages", "help:article", partial(_panel_article, menu=True), during=_in_a_frame),
    PublicPage("panel-voted-no", "help:vote", partial(_panel_article, voted="no"), during=_in_a_frame),
    PublicPage("panel-search", "help:search", _in_panel("help:search", query="?q=return"), during=_in_a_frame),
    PublicPage("panel-search-none", "help:search", _in_panel("help:search", query="?q=xqzv"), during=_in_a_frame),
    PublicPage("panel-contact", "contacts:form", _panel_contact, during=_in_a_frame),
    PublicPage("panel-contact-sent", "contacts:sent", partial(_panel_contact, send=True), during=_in_a_frame),
    PublicPage("panel-lookup", "orders:lookup", _in_panel("orders:lookup"), during=_in_a_frame),
    PublicPage("panel-404", "help:article", _in_panel("help:article", "xqzv", status=404), during=_in_a_frame),
    PublicPage("too-much", "help:home", _at("help:home", query=f"?{'a&' * 1100}", status=413)),
    PublicPage("vote-too-old", "help:vote", _voted_too_late),
    PublicPage("403", "", _forbidden),
    PublicPage("500", "help:home", _at("help:home", status=500), during=_everything_is_out_of_order),
]

WITHOUT_A_PAGE = {
    "stayed": "takes what an article's page says of its reading",
    "help:to-article": "goes on to the article",
    "help:switch-language": "goes on to the page in another language",
    "set_language": "goes on to the page in another language",
    "help:opensearch": "for browsers",
    "help:changes": "a feed",
    "contacts:suggested": "goes on to the article",
    "orders:box": "a part of the contact form",
    "orders:choose": "takes the choices and goes back to the order",
    "orders:forget": "closes the order in this browser and goes on to the look-up",
    "webhook-sendgrid": "for the mail provider",
    "sitemap": "for search engines",
    "sitemap-pages": "for search engines",
    "sitemap-part": "for search engines",
    "robots": "for search engines",
    "favicon": "a picture",
    "picture": "a picture",
    "widget": "a script, walked through in test_the_widget_in_a_browser.py",
    "widget-way-in": "goes on to a page in the widget's panel",
    "config.brand_files.sheet": "a style sheet",
    "config.brand_files.letter": "a picture",
    "config.brand_files.letter_picture": "a picture",
    "config.brand_files.image": "a picture",
}


def public_routes() -> set[str]:
    """The names of all addresses but the desk's and the API's."""
    return set(_names(get_resolver().url_patterns, ""))


def _names(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield f"{prefix}{pattern.name or pattern.lookup_str}"
        elif not str(pattern.pattern).startswith(("desk/", "api/")):
            yield from _names(pattern.url_patterns, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)

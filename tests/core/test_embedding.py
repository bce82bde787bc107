"""Customer pages inside a shop's page: where they are, who may frame them, and who is counted there."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.http import HttpResponseRedirect
from django.test import Client, RequestFactory
from django.urls import get_script_prefix

from contacts.models import Contact, FormVisit
from core import csp, embedding, visitors
from kb import events
from kb.models import Vote
from kb.search import indexing
from tests.kb.conftest import BROWSER, _a_monday_in_march, index_folder, shelf, write  # noqa: F401

pytestmark = pytest.mark.django_db

SHOP = "https://shop.example.com"


@pytest.fixture(autouse=True)
def _one_shop(settings):
    settings.WIDGET_HOSTS = [SHOP]


@pytest.fixture
def articles(write):  # noqa: F811
    found = (
        write("My parcel is late", "See [returns](article:returns).\n\nIt comes."),
        write("Send it back", on="returns"),
    )
    indexing.rebuild()
    return found


def panel(**headers: str) -> Client:
    """A browser with the panel open on the shop's page."""
    return Client(
        headers={"user-agent": BROWSER, "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site", **headers}
    )


@contextlib.contextmanager
def listening(signal, heard: list) -> Iterator[None]:
    """Everything that the signal says meanwhile."""

    def hear(sender, **said) -> None:
        heard.append(said["event"])

    signal.connect(hear)
    try:
        yield
    finally:
        signal.disconnect(hear)


def links(page: str) -> set[str]:
    """Every address of ours that a page leads or posts to."""
    found = re.findall(r'(?:href|action|formaction|hx-post|data-suggest)="(/[^"]*)"', page)
    return {address for address in found if not address.startswith("/static/")}


@pytest.mark.parametrize(
    "address",
    ["/en/", "/en/a/my-parcel-is-late/", "/en/c/delivery/", "/en/search/?q=parcel", "/en/contact/", "/en/orders/"],
)
def test_every_address_of_an_embedded_page_is_embedded_too(articles, address):
    answer = panel().get(f"/embed{address}")
    assert answer.status_code == 200
    assert links(answer.content.decode())
    others = {link for link in links(answer.content.decode()) if not link.startswith("/embed/en/")}
    assert all(re.match(r"/embed/(es|de|pt-br|ar)/(-/language/|contact/suggest/)", link) for link in others), others
    assert get_script_prefix() == "/"


def test_the_page_outside_is_as_it_was_after_the_same_page_was_embedded(articles):
    address = "/en/search/?q=parcel"
    for _turn in range(2):
        assert "/embed/" in panel().get(f"/embed{address}").content.decode()
        assert "/embed/" not in Client(headers={"user-agent": BROWSER}).get(address).content.decode()
        assert "/embed/" in panel().get("/embed/en/search/suggest?q=parc").content.decode()
        outside = Client(headers={"user-agent": BROWSER}).get("/en/search/suggest?q=parc").content.decode()
        assert "/en/a/" in outside
        assert "/embed/" not in outside


def test_only_the_shop_may_frame_and_only_what_is_embedded(articles):
    inside, outside = panel().get("/embed/en/"), Client(headers={"user-agent": BROWSER}).get("/en/")
    assert f"frame-ancestors 'self' {SHOP};" in inside["Content-Security-Policy"]
    assert "X-Frame-Options" not in inside
    assert inside["X-Robots-Tag"] == "noindex"
    assert outside["Content-Security-Policy"] == csp.POLICY
    assert "frame-ancestors 'none'" in csp.POLICY
    assert outside["X-Frame-Options"] == "DENY"


def test_without_the_setting_nobody_may_frame_it(settings):
    settings.WIDGET_HOSTS = []
    assert "frame-ancestors 'self';" in panel().get("/embed/en/")["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "address", ["desk/", "desk/sign-in/", "api/v1/search", "webhooks/sendgrid", "u/token/", "healthz"]
)
def test_what_is_not_for_customers_cannot_be_embedded(address, method):
    answer = getattr(panel(), method)(f"/embed/{address}", follow=True)
    assert answer.redirect_chain[0][0] == f"/embed/en/{address}"
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "trick", ["/embed//evil.example.com/", "/embed///evil.example.com/en/", "/embed/%2F%2Fevil.example.com"]
)
def test_no_address_leads_off_the_site(trick):
    for place in ("iframe", "document"):
        answer = panel(**{"sec-fetch-dest": place}).get(trick)
        assert answer.get("Location", "/embed/en/").startswith("/embed/en/")


def test_a_page_without_its_language_gets_one_and_stays(articles):
    answer = panel(**{"accept-language": "es"}).get("/embed/contact/?order=FH-1")
    assert answer["Location"] == "/embed/es/contact/?order=FH-1"
    assert panel().get("/embed/en/contact")["Location"] == "/embed/en/contact/"


@pytest.mark.parametrize(
    ("to", "leads"),
    [
        ("/es/contact/", "/embed/es/contact/"),  # made or stored without regard to where the page is
        ("/embed/es/contact/", "/embed/es/contact/"),
        ("/desk/", "/desk/"),
        ("https://shop.example.com/es/", "https://shop.example.com/es/"),
        ("//shop.example.com/es/", "//shop.example.com/es/"),
    ],
)
def test_a_redirect_to_a_customer_page_stays_embedded(to, leads):
    middleware = embedding.EmbeddingMiddleware(lambda request: HttpResponseRedirect(to))
    assert middleware(RequestFactory().get("/embed/en/"))["Location"] == leads


def test_a_stable_link_between_articles_stays_embedded(articles):
    answer = panel().get(f"/embed/en/-/a/{articles[0].external_id or articles[0].translation_group}")
    assert answer.get("Location", "/embed/").startswith("/embed/")


def test_in_a_tab_of_its_own_the_page_is_the_whole_one(articles):
    tab = panel(**{"sec-fetch-dest": "document"})
    assert tab.get("/embed/en/search/?q=a%3Fb%20c")["Location"] == "/en/search/?q=a%3Fb%20c"
    assert tab.get("/embed/en/a/my-parcel-is-late/")["Location"] == "/en/a/my-parcel-is-late/"


def test_a_stored_address_followed_inside_the_panel_is_found_again(articles):
    assert panel().get("/en/a/my-parcel-is-late/?x=1")["Location"] == "/embed/en/a/my-parcel-is-late/?x=1"
    assert panel().get("/desk/sign-in/").status_code == 200, "what cannot be embedded is left to its own policy"


def test_without_a_cookie_everything_works_and_nothing_is_counted(articles, django_capture_on_commit_callbacks):
    """Each request comes without a cookie, as from a browser that refuses it."""
    counted = []
    with contextlib.ExitStack() as stack:
        for signal in (events.help_opened, events.article_viewed, events.searched, events.voted):
            stack.enter_context(listening(signal, counted))
        with django_capture_on_commit_callbacks(execute=True):
            _read_search_vote_and_look_an_order_up()
    assert not Vote.objects.exists()
    assert counted == []


def _read_search_vote_and_look_an_order_up() -> None:
    assert panel().get("/embed/en/").status_code == 200
    page = panel().get("/embed/en/a/my-parcel-is-late/")
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]
    voted = Client(enforce_csrf_checks=True, headers={"user-agent": BROWSER}).post(
        "/embed/en/vote/", {"token": token, "helpful": "yes"}
    )
    assert voted.status_code == 302
    assert "voted=uncounted" in voted["Location"]
    assert panel().get(voted["Location"].split("#")[0]).status_code == 200
    assert panel().get("/embed/en/search/?q=parcel").status_code == 200
    looked = Client(enforce_csrf_checks=True, headers={"user-agent": BROWSER}).post(
        "/embed/en/orders/", {"number": "FH-1", "email": "ada@example.com"}
    )
    assert looked.status_code in (200, 302)


def test_a_contact_is_sent_without_a_cookie(articles):
    call_command("load_reasons", "demo/reasons.yaml", verbosity=0)
    page = panel().get("/embed/en/contact/").content.decode()
    visit = re.search(r'name="visit"[^>]* value="([^"]+)"', page)[1]
    sent = Client(enforce_csrf_checks=True, headers={"user-agent": BROWSER}).post(
        "/embed/en/contact/", {"visit": visit, "email": "ada@example.com", "message": "Where is my parcel?"}
    )
    assert sent.status_code == 302
    assert sent["Location"].startswith("/embed/en/contact/sent/")
    assert Contact.objects.get().visitor is None
    assert FormVisit.objects.get().visitor is None


def test_with_a_cookie_the_way_in_sets_it_and_every_page_counts(articles, django_capture_on_commit_callbacks):
    shop = panel(**{"x-forwarded-proto": "https"})
    first = shop.get("/embed/?topic=order_status&locale=en", secure=True)
    assert first["Location"] == "/embed/en/?topic=order_status"
    (header,) = [cookie.output(header="").strip() for cookie in first.cookies.values()]
    assert header.startswith(f"{visitors.COOKIE}=")
    assert {"SameSite=None", "Secure", "Partitioned", "HttpOnly"} <= set(header.split("; "))

    opened = []
    with listening(events.help_opened, opened), django_capture_on_commit_callbacks(execute=True):
        second = shop.get(first["Location"], secure=True)
    assert not second.cookies, "the one that came back stays"
    (event,) = opened
    assert event.visitor == first.cookies[visitors.COOKIE].value
    assert event.is_returning, "the browser has shown that it keeps the id"


def test_the_language_menu_stays_in_the_panel_and_the_choice_holds_on_the_shops_next_page(articles):
    shop = panel(**{"x-forwarded-proto": "https"})
    page = shop.get("/embed/en/search/?q=parcel", secure=True).content.decode()
    (german,) = {link for link in links(page) if link.startswith("/embed/de/-/language/")}
    answer = shop.get(html.unescape(german), secure=True)
    assert answer["Location"] == "/embed/de/search/?q=parcel"
    header = answer.cookies["django_language"].OutputString()
    assert {"SameSite=None", "Secure", "Partitioned"} <= set(header.split("; "))
    assert shop.get("/embed/?locale=en&page=contact", secure=True)["Location"] == "/embed/de/contact/"


def test_in_the_panel_another_language_keeps_what_was_typed(articles):
    page = panel().get("/embed/en/contact/").content.decode()
    assert re.search(r'form="contact-form" formaction="/embed/de/contact/suggest/"', page)


def test_on_one_machine_without_https_the_usual_cookie_does(articles):
    first = panel().get("/embed/?locale=es")
    assert first["Location"] == "/embed/es/"
    assert first.cookies[visitors.COOKIE]["samesite"] == "Lax"
    assert "Partitioned" not in first.cookies[visitors.COOKIE].output()


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("", "/embed/en/"),
        ("?locale=es-MX", "/embed/es/"),
        ("?locale=xx", "/embed/en/"),
        ("?order=FH-1&topic=returns", "/embed/en/?topic=returns&order=FH-1"),
        ("?article=my-parcel-is-late&order=FH-1", "/embed/en/a/my-parcel-is-late/"),
        ("?article=a/b", "/embed/en/search/?q=a%2Fb"),
        ("?query=late+parcel", "/embed/en/search/?q=late+parcel"),
        ("?page=contact&order=FH-1", "/embed/en/contact/?order=FH-1"),
        ("?page=order&order=FH-1", "/embed/en/orders/?order=FH-1"),
        ("?page=//evil.example.com", "/embed/en/"),
        ("?order=%00" + "9" * 5000, "/embed/en/?order=" + "9" * 200),
    ],
)
def test_the_way_in_leads_to_what_the_shops_page_is_about(asked, leads):
    assert panel(**{"accept-language": "en"}).get(f"/embed/{asked}")["Location"] == leads

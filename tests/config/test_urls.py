"""The site's addresses as a whole: languages, dead ends, and the strict policy of every public page."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from django.core.management import call_command
from django.test import Client

from core import clock, csp
from kb import publishing, search
from kb.models import Category, CategoryText
from kb.search import indexing
from notifications import links
from tests.kb.conftest import BROWSER, NOW
from tests.notifications import shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_monday_in_march(settings, tmp_path):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    with clock.frozen(NOW):
        yield
    search.engine().close()


@pytest.fixture
def help_centre():
    """One article in both languages and one in English only."""
    shelf = Category.objects.create(key="delivery", topic="order_status", icon="truck")
    CategoryText.objects.create(category=shelf, locale="en", slug="delivery", name="Delivery", description="All of it.")
    CategoryText.objects.create(category=shelf, locale="es", slug="entrega", name="Entrega", description="Todo.")

    def write(title: str, **more):
        made = publishing.create_article(
            title=title, body="## One\n\nText.\n\n## Two\n\nMore.", category=shelf, by=None, **more
        )
        publishing.publish(made, by=None, ring=False)
        return made

    english = write("My parcel is late", locale="en")
    write("Mi paquete llega tarde", locale="es", translation_group=english.translation_group)
    write("Only English", locale="en")
    indexing.rebuild()


def visitor(**headers: str) -> Client:
    return Client(headers={"user-agent": BROWSER, **headers})


class Inline(HTMLParser):
    """Collects what a strict policy would not run or apply."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.found += [f"<{tag} {name}>" for name in said if name == "style" or name.startswith("on")]
        # JSON-LD is data: a browser reads it and runs nothing.
        is_data = said.get("type") == "application/ld+json"
        if tag == "style" or (tag == "script" and not said.get("src") and not is_data):
            self.found.append(f"<{tag}>")
        self.found += [f"<{tag} {name}={value}>" for name, value in attrs if (value or "").startswith("javascript:")]


@pytest.mark.parametrize(("speaks", "home"), [("en-GB,en;q=0.9", "/en/"), ("es-MX,es;q=0.8", "/es/"), ("ja", "/en/")])
def test_the_bare_address_leads_to_a_language(speaks, home):
    answer = visitor(**{"accept-language": speaks}).get("/")
    assert (answer.status_code, answer.url) == (302, home)


@pytest.mark.parametrize(
    "address", ["/en/late-parcel", "/en/late-parcel/", "/late-parcel/", "/en/help/late_parcel.html"]
)
def test_an_unknown_address_offers_a_search_for_its_words(help_centre, address):
    answer = visitor().get(address, follow=True)
    html = answer.content.decode()
    assert answer.status_code == 404
    assert "We could not find that page" in html
    assert 'value="late parcel"' in html
    assert 'href="/en/a/my-parcel-is-late/"' in html


def test_an_unknown_address_is_answered_in_its_language(help_centre):
    answer = visitor().get("/es/paquete-tarde/", follow=True)
    assert answer.status_code == 404
    assert '<html lang="es"' in answer.content.decode()
    assert 'href="/es/a/mi-paquete-llega-tarde/"' in answer.content.decode()


@pytest.mark.parametrize("speaks", ["en", "es"])  # whatever the browser prefers, the page's own language counts
@pytest.mark.parametrize(
    ("here", "language", "there"),
    [
        ("/en/", "es", "/es/"),
        ("/es/", "en", "/en/"),
        ("/en/a/my-parcel-is-late/", "es", "/es/a/mi-paquete-llega-tarde/"),
        ("/es/a/mi-paquete-llega-tarde/", "en", "/en/a/my-parcel-is-late/"),
        ("/en/a/only-english/", "es", "/es/a/only-english/"),
        ("/en/c/delivery/", "es", "/es/c/entrega/"),
        ("/es/c/entrega/", "en", "/en/c/delivery/"),
        ("/en/search/?q=tarde", "es", "/es/search/?q=tarde"),
        ("/en/orders/", "es", "/es/orders/"),
    ],
)
def test_a_page_is_left_for_the_same_page_in_another_language(help_centre, speaks, here, language, there):
    client = visitor(**{"accept-language": speaks})
    page = client.get(here)
    assert page.status_code == 200
    answer = client.get(_switch_of(page, language), follow=True)

    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == there
    assert f'<html lang="{language}"' in answer.content.decode()


@pytest.mark.parametrize("locale", ["en", "es"])
def test_no_public_page_has_anything_inline(help_centre, locale):
    call_command("load_reasons", "demo/reasons.yaml", verbosity=0)
    order = shop.parcel(placed_at=NOW - 2 * shop.DAY, now=NOW).order
    gone = links.unsubscribe_url(order.customer.person, scope="promise_passed", locale=locale)
    slugs = {"en": ("delivery", "my-parcel-is-late"), "es": ("entrega", "mi-paquete-llega-tarde")}[locale]
    pages = {
        f"/{locale}/": 200,
        f"/{locale}/c/{slugs[0]}/": 200,
        f"/{locale}/a/{slugs[1]}/": 200,
        f"/{locale}/a/only-english/": 200,
        f"/{locale}/search/": 200,
        f"/{locale}/search/?q=parcel": 200,
        f"/{locale}/search/?q=paquete": 200,
        f"/{locale}/contact/": 200,
        f"/{locale}/contact/?q=parcel": 200,
        f"/{locale}/orders/": 200,
        _path(links.order_url(order, locale=locale)): 200,
        f"/{locale}/orders/not-a-token/": 404,
        _path(gone): 200,
        f"/{locale}/nothing/here/": 404,
        "/desk/sign-in/": 200,
    }
    for address, status in pages.items():
        answer = visitor().get(address)
        assert answer.status_code == status, address
        assert answer["Content-Security-Policy"] == csp.POLICY, address
        assert Inline(answer.content.decode()).found == [], address


def test_the_parser_of_this_test_sees_what_is_inline():
    bad = (
        '<p style="x" onclick="y"><script>z</script><script src="a.js"></script><style></style>'
        '<script type="application/ld+json">{}</script><a href="javascript:1">'
    )
    assert Inline(bad).found == ["<p style>", "<p onclick>", "<script>", "<style>", "<a href=javascript:1>"]


def _switch_of(page, language: str) -> str:
    """Where the page's own language menu leads for this language."""
    return html.unescape(re.search(rf'href="(/{language}/-/language/[^"]*)"', page.content.decode())[1])


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]

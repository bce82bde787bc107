"""Which languages a shop serves, and that no change of language, and no odd wish for one, ends in a dead end."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import pytest
from django.test import Client

from config import env, languages
from core import clock
from kb import publishing, search
from kb.models import Category, CategoryText
from kb.search import indexing
from notifications import links
from tests.kb.conftest import BROWSER, NOW
from tests.notifications import shop


@pytest.fixture
def help_centre(db, settings, tmp_path):
    """Late: English and Spanish. Returns: English only. Aduana: Spanish only, on a shelf with a Spanish name only."""
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    with clock.frozen(NOW):
        shelf = Category.objects.create(key="delivery", topic="order_status", icon="truck")
        CategoryText.objects.create(category=shelf, locale="en", slug="delivery", name="Delivery")
        CategoryText.objects.create(category=shelf, locale="es", slug="entrega", name="Entrega")
        customs = Category.objects.create(key="customs", topic="order_status", icon="box")
        CategoryText.objects.create(category=customs, locale="es", slug="aduana", name="Aduana")

        def write(title: str, locale: str, on: Category = shelf, **more):
            made = publishing.create_article(
                title=title, body="Some text.", category=on, locale=locale, by=None, **more
            )
            publishing.publish(made, by=None, ring=False)
            return made

        late = write("Late parcel", "en")
        write("Paquete tarde", "es", translation_group=late.translation_group)
        write("Returns", "en")
        write("Pagar la aduana", "es", on=customs)
        moved = write("Old name", "en")
        publishing.rename_slug(moved, "new-name")
        indexing.rebuild()
        yield late
    search.engine().close()


def browser(**headers: str) -> Client:
    return Client(headers={"user-agent": BROWSER, **headers})


def switch_of(page, language: str) -> str:
    """Where the page's own menu leads for this language."""
    return html.unescape(re.search(rf'href="(/{language}/-/language/[^"]*)"', page.content.decode())[1])


# --- which languages ---------------------------------------------------------------------------------------------


def test_a_shop_serves_the_languages_that_it_names_the_first_being_its_default():
    assert [code for code, _name in languages.served(["de", "EN", "pt_BR", "de"])] == ["de", "en", "pt-br"]


@pytest.mark.parametrize(("named", "says"), [(["en", "fr"], "LANGUAGES names fr"), ([], "LANGUAGES is empty")])
def test_a_language_that_is_not_built_in_stops_the_start(named, says):
    with pytest.raises(env.BadSetting, match=says):
        languages.served(named)


def test_a_shop_with_german_and_english_only(help_centre, settings):
    settings.LANGUAGES, settings.LANGUAGE_CODE = languages.served(["de", "en"]), "de"
    assert browser(**{"accept-language": "es"}).get("/").url == "/de/"
    page = browser().get("/de/")
    assert "Wie können wir helfen?" in page.content.decode()
    assert set(re.findall(r'href="/([\w-]+)/-/language/', page.content.decode())) == {"de", "en"}
    assert browser().get("/es/a/paquete-tarde/").url == "/de/a/paquete-tarde/"


def test_the_desk_is_english_whatever_the_browser_prefers(client: Client):
    page = client.get("/desk/sign-in/", headers={"accept-language": "ar"}).content.decode()
    assert '<html lang="en" dir="ltr"' in page


# --- from a page to the same in another language -----------------------------------------------------------------

PAGES = [
    ("/en/", "/es/"),
    ("/en/a/late-parcel/", "/es/a/paquete-tarde/"),
    ("/en/a/late-parcel/?via=abc&voted=yes", "/es/a/paquete-tarde/"),
    ("/es/a/paquete-tarde/", "/de/a/late-parcel/"),  # no German one: the original, with a note
    ("/en/a/returns/", "/es/a/returns/"),
    ("/es/a/pagar-la-aduana/", "/en/a/pagar-la-aduana/"),
    ("/es/a/pagar-la-aduana/", "/ar/a/pagar-la-aduana/"),
    ("/en/c/delivery/", "/es/c/entrega/"),
    ("/es/c/entrega/", "/de/c/delivery/"),
    ("/es/c/aduana/", "/en/"),  # a shelf without a name or a text for them
    ("/en/search/?q=late+parcel", "/de/search/?q=late+parcel"),
    ("/es/search/?q=ni%C3%B1o%26ni%C3%B1a&verbatim=1", "/en/search/?q=ni%C3%B1o%26ni%C3%B1a&verbatim=1"),
    ("/en/orders/", "/ar/orders/"),
    ("/en/a/gone-for-good/", "/es/search/?q=gone+for+good"),
    ("/en/no/such/page/", "/de/search/?q=no+such+page"),
]


@pytest.mark.parametrize(("here", "there"), PAGES)
def test_a_page_is_left_for_its_counterpart(help_centre, here, there):
    client = browser()
    page = client.get(here)
    language = there.split("/")[1]
    answer = client.get(switch_of(page, language), follow=True)
    assert answer.redirect_chain[-1][0] == there
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.content.decode()


def test_the_contact_form_changes_its_language_with_all_that_was_typed(help_centre):
    client = browser()
    page = client.get(f"/en/contact/?article={help_centre.pk}").content.decode()
    button = re.search(r'<button form="contact-form" formaction="(/ar/[^"]*)"', page)
    token = re.search(r'name="visit"[^>]* value="([^"]*)"', page)
    typed = {
        "visit": token[1],
        "name": "Ada",
        "email": "ada@exam",
        "subject": "Lost & found",
        "message": "Where?\nHere.",
    }
    answer = client.post(button[1], typed)
    html_ = answer.content.decode()
    assert answer.status_code == 200
    assert '<html lang="ar" dir="rtl"' in html_
    for value in ("Ada", "ada@exam", "Lost &amp; found", "Where?\nHere."):
        assert value in html_
    assert token[1].split(":")[0] in html_  # the same visit, which knows the article


@pytest.mark.parametrize("query", ["article=7", "q=lost"])
def test_an_address_of_the_contact_form_keeps_what_it_carries(help_centre, query):
    answer = browser().get(f"/ar/-/language/?from={quote(f'/en/contact/?{query}')}")
    assert answer.url == f"/ar/contact/?{query}"


def test_an_order_is_left_for_itself_in_another_language(help_centre):
    order = shop.parcel(placed_at=NOW - 2 * shop.DAY, now=NOW).order
    path = "/" + links.order_url(order, locale="en").split("/", 3)[3]
    client = browser()
    answer = client.get(switch_of(client.get(path), "ar"), follow=True)
    assert answer.redirect_chain[-1][0] == path.replace("/en/", "/ar/")
    assert answer.status_code == 200
    assert 'dir="rtl"' in answer.content.decode()


def test_a_signed_link_without_a_language_is_left_for_itself(help_centre):
    order = shop.parcel(placed_at=NOW - 2 * shop.DAY, now=NOW).order
    path = "/" + links.unsubscribe_url(order.customer.person, scope="promise_passed", locale="es").split("/", 3)[3]
    client = browser()
    page = client.get(path)
    assert '<html lang="es"' in page.content.decode()
    answer = client.get(switch_of(page, "de"), follow=True)
    assert answer.redirect_chain[-1][0] == f"{path}?lang=de"
    assert "Diese E-Mails abbestellen?" in answer.content.decode()


def test_the_page_of_an_old_address_is_left_by_way_of_the_new_one(help_centre):
    client = browser()
    page = client.get("/en/a/old-name/", follow=True)
    assert client.get(switch_of(page, "es"), follow=True).redirect_chain[-1][0] == "/es/a/new-name/"


def test_the_browser_remembers_the_language(help_centre):
    client = browser(**{"accept-language": "en"})
    client.get(switch_of(client.get("/en/"), "de"))
    assert client.get("/").url == "/de/"


@pytest.mark.parametrize(
    "address",
    [
        "", "https://evil.example.com/", "//evil.example.com/en/", "/\\evil.example.com", "javascript:alert(1)",
        "/%2F/evil.example.com/", "/en/a/%00/", "/en/c/%0d%0aSet-Cookie:x/", "/en/-/language/?from=/en/", "/en/vote/",
        "/desk/articles/", "/u/nobody/", "/en/a/" + "x" * 5000, "/en/orders/..%2f..%2fdesk/", "http://[",
        "/en/search/?q=%ff", "/static/css/base.css", "/healthz", "?q=x",
    ],
)  # fmt: skip
def test_nothing_that_is_written_there_leads_away_or_breaks(help_centre, address):
    client = browser()
    answer = client.get(f"/es/-/language/?from={quote(address, safe='')}")
    assert answer.status_code == 302
    assert re.match(r"/(es|u|static|healthz)/?", answer.url)
    assert not answer.url.startswith("//")


# --- a text that is not there in the reader's language -----------------------------------------------------------


def test_an_article_in_one_foreign_language_only_is_shown_with_a_note(help_centre):
    page = browser().get("/en/a/pagar-la-aduana/")
    assert page.status_code == 200
    assert '<article lang="es" dir="ltr">' in page.content.decode()
    assert "This answer is not translated yet, so you are reading it in Spanish." in page.content.decode()


def test_an_old_address_wins_over_a_foreign_article_of_the_same_name(help_centre, settings):
    publishing.publish(
        publishing.create_article(
            title="Old name", body="x", category=help_centre.category, locale="es", by=None
        ),
        by=None, ring=False,
    )  # fmt: skip
    assert browser().get("/en/a/old-name/").url == "/en/a/new-name/"
    assert browser().get("/es/a/old-name/").status_code == 200


@pytest.mark.parametrize("address", ["/ar/", "/ar/c/delivery/", "/ar/search/?q=late", "/ar/search/suggest?q=late"])
def test_readers_without_articles_of_their_own_find_those_of_the_default_language(help_centre, address):
    assert "Late parcel" in re.sub(r"</?mark>", "", browser().get(address).content.decode())


# --- languages that we do not have -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("/EN/a/late-parcel/", "/en/a/late-parcel/"),
        ("/en-GB/search/?q=late", "/en/search/?q=late"),
        ("/pt/", "/pt-br/"),
        ("/pt-PT/contact/", "/pt-br/contact/"),
        ("/fr/", "/es/"),
        ("/fr/a/paquete-tarde/", "/es/a/paquete-tarde/"),
        ("/xx/contact/", "/es/contact/"),
        ("/zh-hant/orders", "/es/orders/"),
    ],
)
def test_an_address_in_a_language_that_we_do_not_have_leads_to_one_that_we_have(help_centre, address, there):
    answer = browser(**{"accept-language": "es"}).get(address)
    assert (answer.status_code, answer.url) == (302, there)


@pytest.mark.parametrize("address", ["/xx/", "/faq/", "/xx/nothing/here/", "/e%CC%81n/", "/en/%F0%9F%90%8C/", "/a-/c/"])
def test_any_other_address_offers_a_search(help_centre, address):
    answer = browser().get(address, follow=True)
    assert answer.status_code == 404
    assert "We could not find that page" in answer.content.decode()


@pytest.mark.parametrize(
    "speaks",
    [
        "*", "xx", "xx-YY;q=abc", ",,,;;;", "de;q=2", "de;q=-1", "es_ES", "zh-Hant-TW", "a" * 9000, "en-" * 3000,
        "\x01\x02", "é", "de, ar;q=0.9, " * 400, "-", "i-klingon", "pt;q=0.0000001", "ar-EG,ar;q=0.9",
    ],
)  # fmt: skip
def test_no_wish_for_a_language_breaks_a_page(help_centre, speaks):
    client = browser(**{"accept-language": speaks})
    answer = client.get("/", follow=True)
    assert answer.status_code == 200
    assert re.search(r'<html lang="(en|es|de|pt-br|ar)"', answer.content.decode())
    assert client.get("/nothing/").status_code == 404


@pytest.mark.parametrize("cookie", ["xx", "", "../../etc", "a" * 5000, "de"])
def test_no_remembered_language_breaks_a_page(help_centre, cookie):
    client = browser()
    client.cookies["django_language"] = cookie
    assert client.get("/", follow=True).status_code == 200

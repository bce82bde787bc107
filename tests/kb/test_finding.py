"""What search engines, feed readers, browsers and chat programs find: it is valid, it is there, and it is public."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from datetime import timedelta
from urllib.parse import urlsplit
from xml.parsers import expat

import pytest
from django.test import Client

from core import clock
from kb import finding, publishing
from kb.finding import Entry, Question
from kb.models import CategoryText, Draft
from kb.publishing import Text
from tests.kb.conftest import NOW

SITE = "https://help.example.com"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"
ATOM = "{http://www.w3.org/2005/Atom}"
SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_URL = SITE


def parsed(document: bytes | str) -> ElementTree.Element:
    """The document, which must be well-formed and may declare no type and no entity."""
    content = document.encode() if isinstance(document, str) else document

    def refuse(*_args: object) -> None:
        raise AssertionError("a document type or an entity")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.Parse(content, True)
    return ElementTree.fromstring(content)


def head(page: str) -> dict[str, list[str]]:
    """What the page's head says: canonical, alternates as "language url", properties of Open Graph, description."""
    found: dict[str, list[str]] = {
        "canonical": re.findall(r'<link rel="canonical" href="([^"]*)"', page),
        "alternates": [
            f"{lang} {url}" for lang, url in re.findall(r'rel="alternate" hreflang="([^"]+)" href="([^"]+)"', page)
        ],
        "description": re.findall(r'<meta name="description" content="([^"]*)"', page),
        "robots": re.findall(r'<meta name="robots" content="([^"]*)"', page),
    }
    for name, content in re.findall(r'<meta property="(og:[^"]+)" content="([^"]*)"', page):
        found.setdefault(name, []).append(content)
    return found


def graph(page: str) -> dict[str, dict]:
    """The things of the page's JSON-LD by their type."""
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, flags=re.S)
    data = json.loads(text)
    assert data["@context"] == "https://schema.org"
    return {thing["@type"]: thing for thing in data["@graph"]}


def path_of(url: str) -> str:
    assert url.startswith(SITE + "/")
    return url.removeprefix(SITE)


@pytest.fixture
def centre(write):
    """An English article with a Spanish translation, a German one alone, a staff-only one, a draft, an archived one."""
    late = write(
        "Where is my parcel?", "## Is it late?\n\nWait **two** days.\n\n## Else\n\nAsk us.", summary="Look here."
    )
    write("¿Dónde está mi paquete?", locale="es", translation_group=late.translation_group)
    write("Zoll", locale="de")
    secret = write("Secret of the house")
    publishing.move(secret, secret.category, visibility="staff")
    write("Draft of something", publish=False)
    publishing.archive(write("Archived thing"), by=None)
    return late


HIDDEN = ("secret-of-the-house", "draft-of-something", "archived-thing", "Secret", "Draft of", "Archived")


# --- pure --------------------------------------------------------------------------------------------------------


def test_a_sitemap_holds_what_it_is_given_and_nothing_can_break_out_of_it():
    url = "https://h.example.com/a?b=1&c=<'\">"
    root = parsed(
        finding.sitemap([Entry(url, NOW, [("en", url), ("x-default", url)]), Entry("https://h.example.com/")])
    )
    first, second = root
    assert first.find(f"{SITEMAP}loc").text == url
    assert first.find(f"{SITEMAP}lastmod").text == "2026-03-02T10:00:00+00:00"
    assert [(link.get("hreflang"), link.get("href")) for link in first.findall(f"{XHTML}link")] == [
        ("en", url),
        ("x-default", url),
    ]
    assert [child.tag for child in second] == [f"{SITEMAP}loc"]


def test_a_full_part_of_a_sitemap_is_within_the_limits_of_the_protocol():
    assert finding.MOST_IN_A_SITEMAP <= 50_000
    slug = "%D8%A7" * 110  # the longest there is, in Arabic
    links = [
        (language, f"https://help.example.com/{language}/a/{slug}/") for language in ("ar", "de", "en", "es", "pt")
    ]
    one = finding.sitemap([Entry(links[0][1], NOW, [*links, ("x-default", links[0][1])])])
    assert len(one) * finding.MOST_IN_A_SITEMAP < 60_000_000  # all of them the longest: 50 MB is for real ones
    usual = [(language, f"https://help.example.com/{language}/a/{'x' * 60}/") for language, _url in links]
    assert len(finding.sitemap([Entry(usual[0][1], NOW, usual)])) * finding.MOST_IN_A_SITEMAP < 50_000_000


def test_a_page_in_one_language_has_no_alternates():
    assert finding.alternates({"en": "/en/"}, default="en") == []
    assert finding.alternates({"es": "/es/", "de": "/de/"}, default="en") == [("es", "/es/"), ("de", "/de/")]
    assert finding.alternates({"en": "/en/", "de": "/de/"}, default="en")[-1] == ("x-default", "/en/")


def test_a_description_is_one_line_that_ends_with_a_word():
    assert finding.description("Short\n and  sweet.", "x") == "Short and sweet."
    long = finding.description("", "word " * 100)
    assert len(long) <= finding.DESCRIPTION_LENGTH
    assert re.fullmatch(r"(word )+word…", long)
    assert finding.description("", "") == ""


def test_headings_that_ask_are_questions_with_the_text_below_them():
    html = (
        "<p>Before.</p><h2>Is it <em>late</em>?</h2><p>Wait\n two days.</p><ul><li>One</li><li>Two</li></ul>"
        "<h3>Even later?</h3><p>Ask.</p><h2>No question</h2><p>Text.</p><h2>هل وصل؟</h2><p>نعم.</p><h2>Empty?</h2>"
    )
    assert finding.questions(html) == [
        Question("Is it late?", "Wait two days.\nOne\nTwo\nEven later?\nAsk."),
        Question("هل وصل؟", "نعم."),
    ]


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--<script>", "a & b", "\u2028\u2029", '"\\'])
def test_nothing_in_json_ld_ends_its_element(text):
    written = finding.json_ld([{"@type": "Article", "headline": text}])
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written)["@graph"][0]["headline"] == text


# --- sitemap, robots ---------------------------------------------------------------------------------------------


def test_the_sitemap_holds_every_public_page_in_its_own_language_and_each_answers(centre, browser):
    answer = browser().get("/sitemap.xml")
    assert answer["Content-Type"].startswith("application/xml")
    assert not any(word in answer.content.decode() for word in HIDDEN)
    rows = {row.find(f"{SITEMAP}loc").text: row for row in parsed(answer.content)}
    articles = {path_of(url) for url in rows if "/a/" in url}
    assert articles == {"/en/a/where-is-my-parcel/", "/es/a/donde-esta-mi-paquete/", "/de/a/zoll/"}
    assert {path_of(url) for url in rows if "/c/" in url} == {"/en/c/delivery/", "/es/c/delivery-es/"}
    assert f"{SITE}/en/" in rows
    assert f"{SITE}/ar/" in rows
    row = rows[f"{SITE}/en/a/where-is-my-parcel/"]
    assert [(link.get("hreflang"), path_of(link.get("href"))) for link in row.findall(f"{XHTML}link")] == [
        ("en", "/en/a/where-is-my-parcel/"),
        ("es", "/es/a/donde-esta-mi-paquete/"),
        ("x-default", "/en/a/where-is-my-parcel/"),
    ]
    assert row.find(f"{SITEMAP}lastmod").text == finding.w3c(NOW)
    for url in rows:
        assert browser().get(path_of(url)).status_code == 200, url


def test_many_articles_are_shared_among_sitemaps_that_an_index_names(centre, write, browser, monkeypatch):
    monkeypatch.setattr(finding, "MOST_IN_A_SITEMAP", 2)
    index = parsed(browser().get("/sitemap.xml").content)
    assert index.tag == f"{SITEMAP}sitemapindex"
    parts = [path_of(row.find(f"{SITEMAP}loc").text) for row in index]
    assert parts == ["/sitemap-pages.xml", "/sitemap-1.xml", "/sitemap-2.xml"]
    urls = [row.find(f"{SITEMAP}loc").text for part in parts for row in parsed(browser().get(part).content)]
    assert len(urls) == len(set(urls))
    assert len([url for url in urls if "/a/" in url]) == 3
    assert browser().get("/sitemap-3.xml").status_code == 404
    assert browser().get("/sitemap-0.xml").status_code == 404


def test_an_empty_help_centre_has_a_sitemap(db, browser):
    assert parsed(browser().get("/sitemap.xml").content).tag == f"{SITEMAP}urlset"


def test_a_sitemap_asks_the_database_as_often_for_many_articles(centre, write, browser, django_assert_max_num_queries):
    for number in range(12):
        write(f"Another {number}")
    with django_assert_max_num_queries(9):  # the number of them, all of them, and the shelves of each language
        browser().get("/sitemap.xml")


def rules() -> list[str]:
    lines = Client().get("/robots.txt").content.decode().splitlines()
    assert lines[0] == "User-agent: *"
    return [line.removeprefix("Disallow: ") for line in lines if line.startswith("Disallow: ")]


def is_forbidden(path: str) -> bool:
    """By RFC 9309: * stands for anything; a rule is the beginning of a path."""
    return any(re.match(re.escape(rule).replace(r"\*", ".*"), path) for rule in rules())


def test_robots_are_told_where_the_sitemap_is_and_what_is_nobodys_business(db):
    answer = Client().get("/robots.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert f"Sitemap: {SITE}/sitemap.xml" in answer.content.decode()
    for path in ("/desk/", "/api/v1/search?q=x", "/en/search/?q=x", "/ar/search/suggest?q=x", "/en/orders/token/",
                 "/pt-br/orders/", "/es/contact/sent/x/", "/u/token/", "/de/-/language/?from=/en/"):  # fmt: skip
        assert is_forbidden(path), path
    for path in ("/", "/en/", "/en/a/late/", "/en/c/delivery/", "/en/contact/", "/en/-/a/late", "/static/css/base.css"):
        assert not is_forbidden(path), path


def test_whatever_is_in_the_sitemap_robots_may_read(centre, browser):
    for row in parsed(browser().get("/sitemap.xml").content):
        assert not is_forbidden(path_of(row.find(f"{SITEMAP}loc").text))


# --- the head of a page ------------------------------------------------------------------------------------------


def test_an_article_tells_where_it_is_in_each_language_and_both_sides_agree(centre, browser):
    english = head(browser().get("/en/a/where-is-my-parcel/?via=abc").content.decode())
    spanish = head(browser().get("/es/a/donde-esta-mi-paquete/").content.decode())
    assert english["canonical"] == [f"{SITE}/en/a/where-is-my-parcel/"]
    assert spanish["canonical"] == [f"{SITE}/es/a/donde-esta-mi-paquete/"]
    assert english["alternates"] == spanish["alternates"]
    assert english["alternates"] == [
        f"en {SITE}/en/a/where-is-my-parcel/",
        f"es {SITE}/es/a/donde-esta-mi-paquete/",
        f"x-default {SITE}/en/a/where-is-my-parcel/",
    ]
    assert english["description"] == ["Look here."]
    assert spanish["description"] == ["Some text."]  # no summary: the beginning of the text
    assert english["og:type"] == ["article"]
    assert english["og:title"] == ["Where is my parcel?"]
    assert english["og:url"] == english["canonical"]
    assert (english["og:locale"], english["og:locale:alternate"]) == (["en_GB"], ["es_ES"])
    assert english["robots"] == []


def test_a_text_in_a_foreign_language_is_to_be_found_at_its_own_page_only(centre, browser):
    page = browser().get("/es/a/zoll/").content.decode()
    assert head(page)["canonical"] == [f"{SITE}/de/a/zoll/"]
    assert head(page)["alternates"] == []
    assert "ld+json" not in page


@pytest.mark.parametrize("path", ["/en/", "/de/contact/?article=1", "/ar/search/", "/es/c/delivery-es/"])
def test_other_pages_tell_where_they_are_too(centre, browser, path):
    said = head(browser().get(path).content.decode())
    assert said["canonical"] == [SITE + path.split("?")[0]]
    assert f"{path.split('/')[1]} {SITE}{path.split('?')[0]}" in said["alternates"]
    assert said["description"][0]
    for alternate in said["alternates"]:
        assert browser().get(urlsplit(alternate.split()[1]).path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/en/search/?q=parcel", "/en/a/nothing-like-it/", "/en/orders/no-token/", "/u/no-token/"]
)
def test_pages_of_one_person_or_one_moment_are_not_to_be_found(centre, browser, path):
    said = head(browser().get(path).content.decode())
    assert "noindex" in said["robots"]
    assert said["canonical"] == []


def test_staff_read_a_page_that_nobody_is_to_find(centre, client, staff):
    client.force_login(staff("writer"))
    page = client.get("/en/a/secret-of-the-house/").content.decode()
    assert "noindex" in head(page)["robots"]
    assert "ld+json" not in page
    assert head(page)["canonical"] == []


def test_an_article_is_described_for_schema_org(centre, browser):
    things = graph(browser().get("/en/a/where-is-my-parcel/").content.decode())
    article = things["Article"]
    assert article["headline"] == "Where is my parcel?"
    assert article["inLanguage"] == "en"
    assert article["mainEntityOfPage"] == f"{SITE}/en/a/where-is-my-parcel/"
    assert (article["datePublished"], article["dateModified"]) == (finding.w3c(NOW), finding.w3c(NOW))
    assert article["author"]["name"] == article["publisher"]["name"] == "Fernhill & Co"
    steps = things["BreadcrumbList"]["itemListElement"]
    assert [(step["position"], step["name"], step["item"]) for step in steps] == [
        (1, "Help centre", f"{SITE}/en/"),
        (2, "Delivery", f"{SITE}/en/c/delivery/"),
        (3, "Where is my parcel?", f"{SITE}/en/a/where-is-my-parcel/"),
    ]
    (question,) = things["FAQPage"]["mainEntity"]
    assert question["name"] == "Is it late?"
    assert question["acceptedAnswer"] == {"@type": "Answer", "text": "Wait two days."}


def test_a_category_whose_titles_ask_is_a_list_of_questions(centre, browser):
    things = graph(browser().get("/en/c/delivery/").content.decode())
    assert [(q["name"], q["acceptedAnswer"]["text"]) for q in things["FAQPage"]["mainEntity"]] == [
        ("Where is my parcel?", "Look here.")
    ]
    assert things["BreadcrumbList"]["itemListElement"][-1]["name"] == "Delivery"


def test_a_title_full_of_markup_stays_in_its_place(write, browser):
    write("Is </script><img src=x onerror=alert(1)> \" ' & ok?", slug="odd", summary='"><script>alert(2)</script>')
    page = browser().get("/en/a/odd/").content.decode()
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert graph(page)["Article"]["headline"].startswith("Is </script>")


def test_a_shelf_without_a_name_in_the_language_is_found_by_its_default_one(centre, browser):
    CategoryText.objects.filter(locale="es").delete()
    assert head(browser().get("/es/c/delivery/").content.decode())["canonical"] == [f"{SITE}/en/c/delivery/"]


# --- feed and search description ---------------------------------------------------------------------------------


def entries(browser, locale: str = "en") -> dict[str, ElementTree.Element]:
    answer = browser().get(f"/{locale}/changes.atom")
    assert answer["Content-Type"].startswith("application/atom+xml")
    root = parsed(answer.content)
    assert root.tag == f"{ATOM}feed"
    for required in ("id", "title", "updated", "author"):
        assert root.find(f"{ATOM}{required}") is not None, required
    found = {}
    for entry in root.findall(f"{ATOM}entry"):
        for required in ("id", "title", "updated", "published", "link"):
            assert entry.find(f"{ATOM}{required}") is not None, required
        found[entry.find(f"{ATOM}title").text] = entry
    return found


def change(article, body: str, *, is_major: bool = False) -> None:
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text(draft.title, draft.summary, body), version=draft.version, by=None)
    publishing.publish(article, by=None, is_major=is_major)


def test_the_feed_has_the_public_articles_of_its_language_and_their_addresses_answer(centre, browser):
    english = entries(browser)
    assert set(english) == {"Where is my parcel?"}
    entry = english["Where is my parcel?"]
    assert entry.find(f"{ATOM}summary").text == "Look here."
    assert browser().get(path_of(entry.find(f"{ATOM}link").get("href"))).status_code == 200
    assert set(entries(browser, "es")) == {"¿Dónde está mi paquete?"}
    assert entries(browser, "ar") == {}


def test_a_major_change_is_news_and_a_minor_one_is_not(centre, write, browser):
    with clock.frozen(NOW + timedelta(days=1)):
        write("Newer")
    with clock.frozen(NOW + timedelta(days=2)):
        change(centre, "A comma more.")
    assert list(entries(browser)) == ["Newer", "Where is my parcel?"]
    with clock.frozen(NOW + timedelta(days=3)):
        change(centre, "All new.", is_major=True)
    found = entries(browser)
    assert list(found) == ["Where is my parcel?", "Newer"]
    assert found["Where is my parcel?"].find(f"{ATOM}updated").text.startswith("2026-03-05T10:00:00")
    assert found["Where is my parcel?"].find(f"{ATOM}published").text.startswith("2026-03-02T10:00:00")


def test_an_entry_keeps_its_id_when_the_article_moves(centre, browser):
    before = entries(browser)["Where is my parcel?"].find(f"{ATOM}id").text
    publishing.rename_slug(centre, "parcel")
    entry = entries(browser)["Where is my parcel?"]
    assert entry.find(f"{ATOM}id").text == before
    assert entry.find(f"{ATOM}link").get("href") == f"{SITE}/en/a/parcel/"


def test_characters_that_xml_cannot_hold_do_not_break_the_feed(write, browser):
    write("Bell \x07 and & <b>", summary="\x0b odd \ufffe")
    assert list(entries(browser)) == ["Bell  and & <b>"]


def test_a_browser_learns_how_to_search_here(db, browser):
    answer = browser().get("/es/opensearch.xml")
    assert answer["Content-Type"].startswith("application/opensearchdescription+xml")
    root = parsed(answer.content)
    assert root.tag == f"{SEARCH}OpenSearchDescription"
    assert 0 < len(root.find(f"{SEARCH}ShortName").text) <= 16
    assert root.find(f"{SEARCH}Language").text == "es"
    page, own = root.findall(f"{SEARCH}Url")
    assert page.get("template") == f"{SITE}/es/search/?q={{searchTerms}}"
    assert own.get("template") == f"{SITE}/es/opensearch.xml"
    assert browser().get(path_of(page.get("template")).replace("{searchTerms}", "caf%C3%A9")).status_code == 200


def test_every_address_that_a_head_names_answers(centre, browser):
    page = browser().get("/en/a/where-is-my-parcel/").content.decode().split("</head>")[0]
    addresses = set(re.findall(r'<(?:link|script)[^>]+(?:href|src)="([^"]+)"', page))
    assert len(addresses) > 8
    for address in addresses:
        answer = browser().get(address.removeprefix(SITE))
        answer.getvalue()  # to its end, which closes a file
        assert answer.status_code == 200, address


def test_who_asks_for_a_favicon_by_habit_gets_one(db, browser):
    answer = browser().get("/favicon.ico", follow=True)
    answer.getvalue()
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")


@pytest.mark.parametrize("path", ["/sitemap.xml", "/robots.txt", "/en/changes.atom", "/en/opensearch.xml"])
def test_files_for_machines_may_be_kept_and_set_no_cookie(centre, browser, path):
    answer = browser().get(path)
    assert "public" in answer["Cache-Control"]
    assert not answer.cookies
    assert browser().post(path).status_code == 405

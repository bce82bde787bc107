"""The words of the demo shop: files parse, links lead somewhere, no figure contradicts demo/FACTS.md."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from config import languages
from kb import placeholders

DEMO = Path(__file__).resolve().parents[2] / "demo"
CATEGORIES = {"orders", "delivery", "returns", "refunds", "payments", "account", "products", "vouchers"}
ICONS = {"box", "truck", "return", "coin", "card", "user", "leaf", "tag"}
LINK = re.compile(r"\[[^\]]+\]\(([^)]*)\)")
DOMAIN = re.compile(r"[\w.-]+\.(?:com|co|uk|org|net|io|eu|es|de|ie|info|shop|test|local)\b", re.I)
AMERICAN = re.compile(
    r"\b(?:colors?|favorites?|canceled|canceling|centers?|gray|traveled|traveling|organiz\w+|zip code)\b",
    re.I,
)


@dataclass(frozen=True)
class Page:
    path: Path
    meta: dict[str, Any]
    body: str

    @property
    def links(self) -> list[str]:
        return LINK.findall(self.body)

    def __str__(self) -> str:
        return str(self.path.relative_to(DEMO))


def read_page(path: Path) -> Page:
    match = re.fullmatch(r"---\n(.*?)\n---\n(.*)", path.read_text("utf-8"), re.S)
    assert match, f"{path.relative_to(DEMO)}: no front matter between two lines of ---"
    return Page(path=path, meta=yaml.safe_load(match[1]), body=match[2].strip())


@cache
def articles(locale: str) -> list[Page]:
    return [read_page(path) for path in sorted((DEMO / "articles" / locale).glob("*/*.md"))]


@cache
def load(name: str) -> Any:
    return yaml.safe_load((DEMO / name).read_text("utf-8"))


def ids(locale: str) -> set[str]:
    return {page.meta["id"] for page in articles(locale)}


def alternatives() -> list[Page]:
    return [read_page(path) for path in sorted((DEMO / "experiments").glob("*.md"))]


def variant_b() -> Page:
    return read_page(DEMO / "experiments" / "where-is-my-order-b.md")


ALL_PAGES = [*articles("en"), *articles("es"), *alternatives()]
each_page = pytest.mark.parametrize("page", ALL_PAGES, ids=str)


def reason_nodes() -> list[dict[str, Any]]:
    return [node for top in load("reasons.yaml") for node in (top, *top.get("children", []))]


def amounts(text: str) -> set[tuple[str, Decimal]]:
    """Every amount of money in a text as (currency, value): £3.95, €9.95, 9,95 €."""
    found = {(sign, Decimal(number)) for sign, number in re.findall(r"([£€])(\d+(?:\.\d\d)?)", text)}
    return found | {("€", Decimal(n.replace(",", "."))) for n in re.findall(r"(\d+(?:,\d\d)?) €", text)}


def test_there_are_enough_articles_on_every_shelf() -> None:
    assert len(articles("en")) >= 48
    assert len(articles("es")) >= 10
    per_category = Counter(page.meta["category"] for page in articles("en"))
    assert per_category.keys() == CATEGORIES
    assert min(per_category.values()) >= 5, per_category


@pytest.mark.parametrize("locale", ["en", "es"])
def test_an_id_stands_for_one_article_in_each_locale(locale: str) -> None:
    twice = [id for id, n in Counter(page.meta["id"] for page in articles(locale)).items() if n > 1]
    assert twice == []


def test_an_english_file_is_named_after_its_id() -> None:
    assert [str(page) for page in articles("en") if page.path.stem != page.meta["id"]] == []


def test_a_spanish_article_is_on_the_same_shelf_as_its_english_one() -> None:
    english = {page.meta["id"]: page.meta["category"] for page in articles("en")}
    assert {p.meta["id"]: p.meta["category"] for p in articles("es")}.items() <= english.items()


@each_page
def test_front_matter_is_complete_and_agrees_with_the_folder(page: Page) -> None:
    keys = {"id", "title", "summary", "category", "locale"}
    assert set(page.meta) - {"variant"} == keys
    assert all(isinstance(page.meta[key], str) and page.meta[key].strip() for key in keys)
    assert page.meta["category"] in CATEGORIES
    assert len(page.meta["summary"]) <= 200
    assert len(page.meta["title"]) <= 80
    if "variant" not in page.meta:
        assert page.path.parent.name == page.meta["category"]
        assert page.path.parent.parent.name == page.meta["locale"]


@each_page
def test_links_lead_to_an_article_of_the_same_locale(page: Page) -> None:
    targets = [link.removeprefix("article:") for link in page.links]
    assert all(link.startswith("article:") for link in page.links), page.links
    assert set(targets) <= ids(page.meta["locale"])
    assert "variant" in page.meta or page.meta["id"] not in targets, "links to itself"


@each_page
def test_body_answers_at_length_and_is_plain_markdown(page: Page) -> None:
    words = len(re.findall(r"\w+(?:['’]\w+)?", LINK.sub("x", page.body)))
    assert (100 if "variant" in page.meta else 120) <= words <= 450, words
    first = MarkdownIt().parse(page.body)[0].type
    assert first == "paragraph_open", "begins with something else than the answer"
    assert not re.search(r"<[a-z/!]", page.body), "HTML in the body"
    assert not re.search(r"^# ", page.body, re.M), "the title is the only heading of the first level"


@each_page
def test_every_row_of_a_table_has_as_many_cells_as_its_head(page: Page) -> None:
    for table in re.findall(r"(?:^\|.*\n?)+", page.body, re.M):
        rows = table.strip().split("\n")
        assert len({row.count("|") for row in rows}) == 1, table
        assert re.fullmatch(r"[|\-]+", rows[1]), table
    tables = len(re.findall(r"^\|[|\-]+$", page.body, re.M))
    assert MarkdownIt().enable("table").render(page.body).count("<table>") == tables


@each_page
def test_every_price_is_one_of_the_shops_facts(page: Page) -> None:
    facts = amounts((DEMO / "FACTS.md").read_text("utf-8"))
    assert amounts(page.meta["summary"] + page.body) - facts == set()


def test_every_fact_of_facts_yaml_is_one_of_the_shops_and_every_placeholder_has_one() -> None:
    entries = load("facts.yaml")
    said = " ".join(str(entry["says"]) for entry in entries)
    assert amounts(said) - amounts((DEMO / "FACTS.md").read_text("utf-8")) == set()
    known = {(sort, entry[sort]) for entry in entries for sort in ("fact", "block") if sort in entry}
    used = placeholders.mentioned(said)
    for page in [*articles("en"), *articles("es")]:
        used |= placeholders.mentioned(page.meta["title"], page.meta["summary"], page.body)
    assert used == known


@each_page
def test_english_is_british(page: Page) -> None:
    if page.meta["locale"] == "en":
        assert AMERICAN.findall(" ".join([page.meta["title"], page.meta["summary"], page.body])) == []


def test_every_alternative_text_stands_beside_an_article_and_says_it_in_other_words() -> None:
    for b in alternatives():
        (a,) = [page for page in articles("en") if page.meta["id"] == b.meta["id"]]
        assert (b.meta["category"], b.path.stem) == (a.meta["category"], f"{a.meta['id']}-b")
        assert b.meta["title"] != a.meta["title"]
        assert b.body != a.body


def test_the_alternative_text_is_shorter_and_begins_with_steps() -> None:
    (a,) = [page for page in articles("en") if page.meta["id"] == "where-is-my-order"]
    b = variant_b()
    assert b.meta["id"] == a.meta["id"]
    assert b.meta["title"] != a.meta["title"]
    assert len(b.body) < 0.6 * len(a.body)
    assert b.body.index("\n1. ") < b.body.index("## ")


@pytest.mark.parametrize("path", sorted(p for p in DEMO.rglob("*") if p.is_file()), ids=lambda p: p.name)
def test_no_filler_and_no_domain_but_example_com(path: Path) -> None:
    text = path.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "lorem" not in text.lower()
    assert "TODO" not in text
    assert [d for d in DOMAIN.findall(text) if not d.lower().endswith("example.com")] == []
    assert [a for a in re.findall(r"@([\w-]+\.[\w.-]*\w)", text) if not a.endswith("example.com")] == []
    assert "://" not in text


def test_the_eight_categories_point_at_known_reasons() -> None:
    categories = load("categories.yaml")
    assert {c["key"] for c in categories} == CATEGORIES
    assert sorted(c["position"] for c in categories) == list(range(1, 9))
    assert {c["icon"] for c in categories} == ICONS
    assert {c["topic"] for c in categories} <= {node["key"] for node in reason_nodes()}
    for category in categories:
        for locale in ("en", "es"):
            assert category["name"][locale].strip()
            assert re.fullmatch(r"[a-z-]+", category["slug"][locale])
            assert category["description"][locale].strip()
        for text in ("name", "description"):
            assert set(category[text]) == set(languages.BUILT_IN)


def test_reasons_are_a_tree_with_patterns_in_lower_case() -> None:
    nodes = reason_nodes()
    keys = [node["key"] for node in nodes]
    assert len(keys) == len(set(keys))
    assert set(keys) == {
        "order_status", "where_is_my_order", "late", "tracking_stuck", "delivered_not_received",
        "order_change", "returns", "refunds", "payments", "account", "products", "vouchers", "other",
    }  # fmt: skip
    for node in nodes:
        assert 8 <= len(node["patterns"]) <= 25, node["key"]
        assert all(isinstance(p, str) and p == p.lower().strip() for p in node["patterns"]), node["key"]
        assert {"en", "es"} <= set(node["name"])
    patterns = [p for node in nodes for p in node["patterns"]]
    assert [p for p, n in Counter(patterns).items() if n > 1] == []


def test_contacts_carry_a_known_reason_and_every_reason_has_some() -> None:
    contacts = load("contacts.yaml")
    assert len(contacts) >= 90
    per_reason = Counter(c["reason"] for c in contacts)
    assert per_reason.keys() == {node["key"] for node in reason_nodes()}
    assert min(per_reason.values()) >= 5, per_reason
    assert sum(c["locale"] == "es" for c in contacts) >= 5
    for contact in contacts:
        assert set(contact) == {"locale", "reason", "subject", "body"}
        assert isinstance(contact["subject"], str)
        assert contact["subject"].strip()
        assert contact["body"].strip()
    assert len({c["body"] for c in contacts}) == len(contacts)


def test_queries_are_answered_by_articles_that_exist_and_one_in_ten_is_not() -> None:
    queries = load("queries.yaml")
    assert len(queries) >= 150
    assert len({q["query"] for q in queries}) == len(queries)
    english = {page.meta["id"]: page.meta["category"] for page in articles("en")}
    topics = {c["key"]: c["topic"] for c in load("categories.yaml")}
    for query in queries:
        assert query["topic"] == topics.get(query["category"], "other"), query
        assert set(query) == {"query", "locale", "category", "topic", "id"}
        if query["id"] is None:
            assert query["category"] in {None, *CATEGORIES}, query
        else:
            assert query["id"] in ids(query["locale"]), query
            assert query["category"] == english[query["id"]], query
    unanswered = sum(q["id"] is None for q in queries)
    assert 0.07 <= unanswered / len(queries) <= 0.13
    assert {q["id"] for q in queries} - {None} == ids("en"), "an article nobody searches for"


def test_people_goods_and_towns_are_distinct_and_complete() -> None:
    people = load("people.yaml")
    countries = {"GB", "IE", "ES", "DE"}
    assert len({p["first"] for p in people["people"]}) >= 60
    assert len({p["last"] for p in people["people"]}) >= 60
    assert {p["country"] for p in people["people"]} == countries
    assert len({p["sku"] for p in people["products"]}) == len(people["products"]) >= 30
    for product in people["products"]:
        assert product["category"] in {"home", "kitchen", "garden"}
        assert product["parcel"] in {"letterbox", "small", "medium", "large", "two_person", "plant"}
        assert Decimal(product["price_gbp"]) > 0
        sent_abroad = product["price_eur"] is not None
        assert not (sent_abroad and product["parcel"] in {"two_person", "plant"}), product
    assert len({(t["town"], t["postcode"]) for t in people["towns"]}) == len(people["towns"]) >= 25
    assert all(isinstance(t["postcode"], str) for t in people["towns"])
    assert {t["country"] for t in people["towns"]} == countries

"""The passage on top: only where it clearly answers; and snippets, which quote the sentences that do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kb import importing, rendering
from kb.models import Article
from kb.search import featured, indexing, passages, query, snippets

DEMO = Path(__file__).resolve().parents[3] / "demo"
RETURNS = """You have 30 days to send something back, and need no reason.

## How to return an item

1. Open the order and choose **Return something**.
2. Tick the items and pick a way back.
3. Take the parcel to a drop-off point.

## When will my money come?

We refund you within 5 working days of the parcel's arrival. Your bank may need 3 days more.

## Large furniture

![A sofa](/sofa.png) We collect it.

Call us first about these sizes:

- a
- b
- c
- d
- e
- f
- g
- h
"""


def html(markdown: str = RETURNS) -> str:
    return rendering.render(markdown).html


def answer(*terms: str, score: float = 2.0, next_score: float = 1.0, **more) -> featured.Answer | None:
    return featured.answer(
        more.pop("html", html()),
        title="Return an item",
        terms=frozenset(terms),
        lang="en",
        score=score,
        next_score=next_score,
        **more,
    )


def test_an_article_falls_into_the_passages_under_its_headings():
    found = passages.passages(html())
    assert [passage.heading for passage in found] == [
        "",
        "How to return an item",
        "When will my money come?",
        "Large furniture",
    ]
    assert found[1].anchor == "sec-how-to-return-an-item"
    assert found[1].blocks[0].lines[0] == "Open the order and choose Return something."
    assert found[1].blocks[0].html.startswith("<ol>")
    assert found[1].blocks[0].html.endswith("</ol>")
    assert all(block.html in html() for passage in found for block in passage.blocks)


def test_the_passage_with_every_word_of_the_query_answers():
    found = answer("money", "come", "bank")
    assert found.heading == "When will my money come?"
    assert found.anchor == "sec-when-will-my-money-come"
    assert found.html.startswith("<p>We refund you within 5 working days")


def test_steps_stay_a_list():
    found = answer("return", "item", "order")
    assert found.html.startswith("<ol>")
    assert found.html.count("<li>") == 3


def test_under_the_title_stands_the_beginning():
    assert answer("return", "item", "reason").heading == ""


@pytest.mark.parametrize(
    ("terms", "more", "why"),
    [
        (("money", "parrot"), {}, "a word is nowhere"),
        (("reason", "bank"), {}, "the words are under different headings"),
        (("money", "bank"), {"next_score": 1.8}, "the second article is nearly as good"),
        (("furnitur", "collect"), {}, "a picture is no answer by itself"),
        (("furnitur", "size"), {}, "the list is too long to show whole"),
        ((), {}, "nothing was asked"),
    ],
)
def test_in_doubt_there_is_none(terms, more, why):
    assert answer(*terms, **more) is None


def test_of_two_passages_that_fit_alike_neither_is_shown():
    twice = html(
        "Hello.\n\n## Refund by card\n\nIn 5 days.\n\nThe card, then.\n\n## Refund to a card abroad\n\nA card waits."
    )
    assert answer("refund", "card", html=twice) is None
    once = html("Hello.\n\n## Refund by card\n\nIn 5 days, on the card.\n\n## Abroad\n\nA refund takes longer.")
    assert answer("refund", "card", html=once).heading == "Refund by card"


def test_under_an_editor_s_pin_the_score_does_not_matter():
    assert answer("money", "bank", score=0.0, next_score=9.0, is_pinned=True).heading == "When will my money come?"


def test_a_title_with_all_words_needs_less_of_a_lead():
    assert answer("return", "item", score=1.4) is not None
    assert answer("money", "bank", score=1.4) is None


@pytest.mark.django_db
def test_a_search_shows_it_with_a_link_to_its_heading(write):
    write("Return an item", RETURNS + "\nSee [the other](article:parcels).")
    write("Parcels", "About parcels.")
    indexing.rebuild()
    found = query.find("when comes my money from the bank", locale="en").featured
    assert found.url == "/en/a/return-an-item/#sec-when-will-my-money-come"
    assert "<p>We refund you" in found.answer_html
    assert query.find("when comes my money from the bank", locale="en", offset=1).featured is None


@pytest.mark.django_db
@pytest.mark.slow
def test_on_the_demo_s_queries_the_featured_article_is_the_right_one():
    importing.run(DEMO / "articles", categories_file=DEMO / "categories.yaml")
    indexing.rebuild()
    names = dict(Article.objects.values_list("pk", "external_id"))
    shown = [
        names[found.featured.article_id] == asked["id"]
        for asked in yaml.safe_load((DEMO / "queries.yaml").read_text())
        if (found := query.find(asked["query"], locale=asked["locale"])).featured
    ]
    assert len(shown) >= 40
    assert sum(shown) / len(shown) >= 0.95


# --- Snippets ---


def test_the_sentence_that_answers_is_quoted_not_the_first():
    found = snippets.best(html(), frozenset({"bank", "refund"}), lang="en")
    assert found.startswith("We <mark>refund</mark> you within 5 working days")


def test_a_heading_leads_its_steps_in():
    found = snippets.best(html(), frozenset({"return", "item", "tick"}), lang="en")
    assert "How to <mark>return</mark> an <mark>item</mark>" in found or "2. <mark>Tick</mark>" in found


def test_steps_keep_their_numbers():
    markdown = "Hello.\n\n## How to return a lamp\n\n1. Open the order.\n2. Take it to us."
    found = snippets.best(html(markdown), frozenset({"return", "lamp", "order"}), lang="en")
    assert found == "How to <mark>return</mark> a <mark>lamp</mark>: 1. Open the <mark>order</mark>. 2. Take it to us."


def test_what_stands_in_an_article_is_never_markup_in_a_snippet():
    found = snippets.best(html("Write `<script>` customs & more"), frozenset({"custom"}), lang="en")
    assert found == "Write &lt;script&gt; <mark>customs</mark> &amp; more"


def test_a_snippet_is_short_wherever_the_words_stand():
    text = "Word " * 300 + "customs " + "word " * 300
    assert len(snippets.snippet(text, frozenset({"custom"}), lang="en")) < 300
    assert "<mark>customs</mark>" in snippets.snippet(text, frozenset({"custom"}), lang="en")

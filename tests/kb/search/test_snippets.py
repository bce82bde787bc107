"""The sentences of a text that answer a query, with its words marked."""

from __future__ import annotations

from kb.search import analysis
from kb.search.snippets import snippet

TEXT = "Delivery\nWe ship on weekdays. A refund for <b>late</b> parcels comes within five days. Ask us.\nOther things."


def test_a_snippet_quotes_the_sentence_that_answers_and_marks_its_words():
    stem = analysis.for_language("en").stem
    html = snippet(TEXT, {stem("refunds"), stem("late")}, lang="en", length=80)
    assert html.startswith("A <mark>refund</mark> for &lt;b&gt;<mark>late</mark>&lt;/b&gt; parcels")


def test_a_snippet_without_any_of_the_words_is_the_beginning():
    assert snippet(TEXT, {"zebra"}, lang="en", length=40) == "Delivery · We ship on weekdays."


def test_one_endless_sentence_is_cut_around_the_word():
    html = snippet("word " * 200 + "needle " + "word " * 200, {analysis.for_language("en").stem("needle")}, lang="en")
    assert "<mark>needle</mark>" in html
    assert html.startswith("… ")
    assert html.endswith(" …")
    assert len(html) < 260


def test_an_empty_text_has_no_snippet():
    assert snippet("", {"x"}, lang="en") == ""

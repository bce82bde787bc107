from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import pytest

from bench import _relevance, _search_corpus
from bench._relevance import ALL, DEV, TEST, Query, RelevanceSet, Text
from bench._search_figures import Figures, quantile


def test_ndcg_is_one_for_the_best_order_and_nothing_where_nothing_right_was_found():
    assert _relevance.ndcg([7, 3, 1], {7: 1, 3: 1}) == 1.0
    assert _relevance.ndcg([1, 2], {7: 1}) == 0.0
    assert _relevance.ndcg([], {7: 1}) == 0.0
    assert _relevance.ndcg([1], {}) == 0.0


def test_ndcg_counts_grades_by_place_as_worked_by_hand():
    # Gains 1, 0, 3 at places 1, 2, 3 against 3, 1 at places 1, 2.
    assert _relevance.ndcg([5, 9, 4], {4: 3, 5: 1}) == pytest.approx((1 + 3 / math.log2(4)) / (3 + 1 / math.log2(3)))


def test_ndcg_looks_at_ten_answers_and_asks_for_no_more_than_ten():
    assert _relevance.ndcg([0] * 10 + [1], {1: 1}) == 0.0
    assert _relevance.ndcg(list(range(10)), dict.fromkeys(range(30), 1)) == pytest.approx(1.0)


def test_a_query_is_always_in_the_same_half_and_the_halves_are_about_equal():
    halves = Counter(_relevance.half_of(f"where is order {n}") for n in range(1000))
    assert 450 < halves[DEV] < 550
    assert _relevance.half_of("refund", 1) == _relevance.half_of("refund", 2)


def test_queries_without_a_word_fall_into_both_halves():
    assert {_relevance.half_of("*", place) for place in range(20)} == {DEV, TEST}


def test_the_mean_of_all_lies_between_the_halves():
    queries = [Query("a", {0: 1}, DEV), Query("b", {1: 1}, TEST), Query("c", {2: 1}, TEST)]
    assert _relevance.mean_by_half(queries, [[0], [9], [2]]) == {DEV: 1.0, TEST: 0.5, ALL: pytest.approx(2 / 3)}


@pytest.mark.parametrize("text", ["change the delivery address", "Rückerstattung, bitte", "refund", "10% off banana"])
def test_a_slip_changes_only_the_longest_word_and_never_its_first_letter(text):
    longest = max(_relevance._LETTERS.findall(text), key=len)
    before, _, after = text.partition(longest)
    for seed in range(200):
        slipped = _relevance.mistyped(text, seed=seed)
        word = slipped.removeprefix(before).removesuffix(after)
        assert slipped == before + word + after
        assert word != longest
        assert word[0] == longest[0]
        assert abs(len(word) - len(longest)) <= 1
    assert _relevance.mistyped(text, seed=1) == _relevance.mistyped(text, seed=1)


def test_all_four_kinds_of_slip_are_made():
    slips = {_relevance.mistyped("refund", seed=seed) for seed in range(300)}
    assert {"refnd", "refuund", "refnud", "refubd"} <= slips


def test_a_text_without_a_word_of_four_letters_stays():
    assert _relevance.mistyped("a (2) dns ?") == "a (2) dns ?"


def test_a_help_centre_and_a_set_with_qrels_are_read(tmp_path: Path):
    (centre := tmp_path / "help_shop").mkdir()
    (centre / "articles.jsonl").write_text(
        '{"id": "refunds", "title": "Refunds", "category": "", "body": "**Fast**"}\n'
    )
    (centre / "queries.tsv").write_text("kind\tquery\trelevant_ids\nanchor\tmoney back\trefunds\n")
    (faq := tmp_path / "faq").mkdir()
    rows = [{"id": id, "title": f"T{id}", "text": "words"} for id in ("7", "9")]
    (faq / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (faq / "queries.tsv").write_text("q1\tfirst\nq2\tnobody knows\n")
    (faq / "qrels.tsv").write_text("q1\t9\t2\nq1\t7\t0\n")
    shop, questions = _relevance.load(tmp_path, ["shop", "not there", "faq"])
    assert shop.texts == [Text("Refunds", "Fast", "**Fast**")]
    assert [(query.text, query.grades) for query in shop.queries] == [("money back", {0: 1})]
    assert [(query.text, query.grades) for query in questions.queries] == [("first", {1: 2})]


def test_made_texts_are_the_real_ones_and_mixtures_of_their_sentences():
    texts = [Text(f"Title {n} of it", f"First {n}. Second {n}!\nThird {n}.", "") for n in range(5)]
    sets = [RelevanceSet("shop", texts, [])]
    made = _search_corpus.documents(sets, 50)
    assert len(made) == 50
    assert {(text.title, text.body) for text in texts} <= set(made)
    known = {sentence for text in texts for sentence in _search_corpus._SENTENCE.split(text.body)}
    assert {sentence for _, body in made for sentence in _search_corpus._SENTENCE.split(body)} <= known
    assert made == _search_corpus.documents(sets, 50)


def test_nasty_texts_are_two_hundred_and_always_the_same():
    nasty = _search_corpus.nasty(["where is my order"])
    assert len(nasty) == 200
    assert nasty == _search_corpus.nasty(["where is my order"])
    assert max(map(len, nasty)) >= 10_000
    assert {"", "\0"} < set(nasty)


def test_a_bound_that_is_not_reached_is_told_and_so_is_one_not_measured(capsys):
    figures = Figures()
    figures.report("gumroad_lexical", 0.75, "nDCG@10")
    figures.report("suggest_ms", 0.9, "ms")
    assert figures.misses(is_whole_run=False) == ["gumroad_lexical is 0.75, not at least 0.76"]
    assert "cold_ms_50k was not measured (at most 3 is asked)" in figures.misses(is_whole_run=True)
    assert [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()] == [
        "gumroad_lexical",
        "suggest_ms",
    ]


def test_a_quantile_is_one_of_the_values():
    assert quantile([5.0, 1.0, 3.0], 0.5) == 3.0
    assert quantile(range(1, 101), 0.95) == 95
    assert quantile([2.0], 0.95) == 2.0

"""The rule that says what a text is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.phrases import Reason, Rules, words

REASONS = [
    Reason(1, "order_status", "", ("order_status",), ("delivery time", "customs")),
    Reason(2, "late", "", ("order_status", "late"), ("late", "still not here", "hasn't arrived")),
    Reason(3, "where", "", ("order_status", "where"), ("where is my order", "dónde está mi pedido", "any news")),
    Reason(4, "refunds", "", ("refunds",), ("refund", "where is my refund", "money back")),
    Reason(5, "vouchers", "", ("vouchers",), ("code", "points")),
]
RULES = Rules(REASONS)


def decided(text: str, threshold: float = 0.5) -> str | None:
    reason = RULES.decide(text, threshold=threshold).reason
    return reason.code if reason else None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Where is my order?", "where"),
        ("WHERE   is\nmy ORDER", "where"),
        ("Donde esta mi pedido", "where"),
        ("¿DÓNDE ESTÁ mi pedido?", "where"),
        ("It hasn’t arrived", "late"),
        ("it hasnt arrived", "late"),
        ("the plate arrived", None),  # "late" inside a word
        ("Where is my refund", "refunds"),
        ("translate", None),
        ("", None),
        ("?!…", None),
        ("Lovely shop", None),
    ],
)
def test_examples(text, reason):
    assert decided(text) == reason


def test_a_phrase_inside_a_longer_one_does_not_count_again():
    assert RULES.weigh("where is my refund") == {4: 8.0}  # four words: 4 ** 1.5, and "refund" not on top of it


def test_the_longer_phrase_outweighs_a_single_word():
    assert decided("where is my order? I have a code too") == "where"


def test_each_mention_counts():
    assert decided("code. refund, refund, refund") == "refunds"


def test_two_things_at_once_stay_uncoded():
    assert decided("refund or points") is None


def test_where_only_the_branch_is_sure_the_branch_is_the_reason():
    assert decided("any news? still late, customs said", threshold=0.7) == "order_status"


def test_a_phrase_of_two_reasons_speaks_half_for_each():
    rules = Rules([Reason(1, "a", "", ("a",), ("box",)), Reason(2, "b", "", ("b",), ("Box", "lid"))])
    assert rules.weigh("box") == {1: 0.5, 2: 0.5}
    assert rules.decide("box lid", threshold=0.5).reason.code == "b"


def test_confidence_is_the_share_of_the_weight_times_how_much_there_is():
    one_word = RULES.decide("refund", threshold=0.5)
    assert one_word.confidence == pytest.approx(0.632, abs=0.001)  # 1 - exp(-1)
    assert RULES.decide("money back, refund", threshold=0.5).confidence > one_word.confidence


def test_without_rules_nothing_is_coded():
    assert Rules([]).decide("refund", threshold=0.0).reason is None


def test_ten_thousand_characters_of_one_word_are_read_once_each():
    assert RULES.weigh("refund " * 1_400) == {4: 1_400.0}


@given(st.text())
def test_any_text_gets_a_confidence_from_0_to_1(text):
    verdict = RULES.decide(text, threshold=0.5)
    assert 0 <= verdict.confidence <= 1
    assert verdict.reason is None or verdict.confidence >= 0.5


@given(st.text())
def test_case_and_accents_never_matter(text):
    assert words("É’s " + text) == words("e's " + text)

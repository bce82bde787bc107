"""What changed between two texts."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser

import pytest

from kb import differences, html_differences, quotes, rendering
from kb.differences import Kind


def marked(old: str, new: str) -> str:
    return html_differences.marked(rendering.render(old).html, rendering.render(new).html)


def test_words_are_marked_and_no_letters():
    pieces = differences.words("It takes four days.", "It takes five days.")
    assert [(piece.kind, piece.text) for piece in pieces] == [
        (Kind.SAME, "It takes "),
        (Kind.REMOVED, "four"),
        (Kind.ADDED, "five"),
        (Kind.SAME, " days."),
    ]


def test_changed_words_with_a_space_between_them_stay_together():
    pieces = differences.words("one two three four", "one zwei drei four")
    assert [piece.text for piece in pieces if piece.kind == Kind.REMOVED] == ["two three"]


def test_lines_stand_beside_each_other_and_the_same_ones_are_folded():
    old = "\n".join(f"line {n}" for n in range(20))
    rows = differences.lines(old, old.replace("line 10", "line ten") + "\nlast")
    kinds = [row.kind for row in rows]
    assert kinds.count(Kind.FOLDED) == 2
    changed = next(row for row in rows if row.kind == Kind.CHANGED)
    assert (changed.old_number, changed.new_number) == (11, 11)
    assert rows[0].count == 7
    assert (rows[-1].kind, rows[-1].new_number) == (Kind.ADDED, 21)


def test_equal_texts_have_no_differing_line():
    assert differences.lines("a\nb", "a\nb") == []


def _random_text(seed: int) -> str:
    rng = random.Random(seed)
    return "".join(rng.choice(["a", "b", "c ", "d\n", "é", "- ", "."]) for _ in range(rng.randrange(60)))


def test_both_texts_can_be_read_back_from_their_differences():
    for seed in range(500):
        old, new = _random_text(seed), _random_text(seed + 1000)
        pieces = differences.words(old, new)
        assert "".join(piece.text for piece in pieces if piece.kind != Kind.ADDED) == old, seed
        assert "".join(piece.text for piece in pieces if piece.kind != Kind.REMOVED) == new, seed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a " * 100_000, "b " * 100_000),
        ("ab " * 66_000, "ba " * 66_000),
        ("\n" * 200_000, "x\n" * 100_000),
        ("the of and to " * 14_000, "to and of the " * 14_000),
    ],
    ids=["one word", "two words", "empty lines", "common words"],
)
def test_the_work_is_bounded_whatever_the_text(old, new, monkeypatch):
    pairs = 0
    real = differences.SequenceMatcher

    def counted(junk, a, b, autojunk):
        nonlocal pairs
        pairs += len(a) * len(b)
        return real(junk, a, b, autojunk=autojunk)

    monkeypatch.setattr(differences, "SequenceMatcher", counted)
    differences.words(old, new)
    differences.lines(old, new)
    assert pairs <= 2 * differences.WORK


@pytest.mark.parametrize(
    ("old", "new", "html"),
    [
        ("It takes four days.", "It takes five days.", "<p>It takes <del>four </del><ins>five </ins>days.</p>"),
        ("Your *late* parcel", "Your **late** parcel",
         "<p>Your <del>late</del><strong><ins>late</ins></strong> parcel</p>"),
        ("a\n\nb", "b", "<p><del>a</del></p><p>b</p>"),
        ("- a\n- b\n- c", "- a\n- c", "<ul><li>a</li><li><del>b</del></li><li>c</li></ul>"),
        ("text", "", "<p><del>text</del></p>"),
        ("", "text", "<p><ins>text</ins></p>"),
        ("See [it](article:x).", "See [it](article:y).",
         '<p>See <del>it</del><a href="/-/a/y" rel="noopener"><ins>it</ins></a>.</p>'),
    ],
)  # fmt: skip
def test_the_text_that_readers_see_has_its_changes_marked(old, new, html):
    assert re.sub(r">\s+<", "><", marked(old, new)) == html


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("br", "hr", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


_BLOCKS = [
    "# One",
    "Two *three* four",
    "- a\n- b\n- c",
    "1. x\n2. y",
    "> quoted\n>\n> more",
    "| a | b |\n|-|-|\n| 1 | 2 |",
    "```\ncode  here\n```",
    "![alt](/media/x.png)",
    "**five** [six](article:late)",
    "---",
    "two  \nlines",
]


def _said(html: str) -> list[str]:
    return re.sub(r"<[^>]*>", " ", html).split()


@pytest.mark.parametrize("start", range(0, 600, 100))
def test_whatever_changes_the_html_is_well_formed_and_says_both_texts(start):
    for seed in range(start, start + 100):
        rng = random.Random(seed)
        old = "\n\n".join(rng.choices(_BLOCKS, k=rng.randrange(8)))
        new = "\n\n".join(rng.choices(_BLOCKS, k=rng.randrange(8)))
        html = marked(old, new)
        balance = _Balance()
        balance.feed(html)
        assert balance.open == [], seed
        without = re.sub(r"<del>.*?</del>", "", html, flags=re.DOTALL)
        assert _said(without) == _said(rendering.render(new).html), seed
        without = re.sub(r"<ins>.*?</ins>", "", html, flags=re.DOTALL)
        assert sorted(_said(without)) == sorted(_said(rendering.render(old).html)), seed


def test_nothing_of_either_text_becomes_mark_up():
    bad = "<p>x</p><script>alert(1)</script><img src=x onerror=alert(1)><a href='javascript:alert(1)'>y</a>"
    html = html_differences.marked("<p>&lt;script&gt;old&lt;/script&gt;</p>", bad)
    assert "<script" not in html
    assert "onerror" not in html
    assert "javascript" not in html
    assert "&lt;script&gt;" in html.replace("<del>", "").replace("</del>", "")


def test_quoted_words_are_marked_through_tags():
    html, found = quotes.marked(
        "<p>It takes <strong>four</strong> days &amp; more.</p>", {7: "takes four\n days", 8: "no"}
    )
    assert found == {7}
    assert html == (
        '<p>It <mark id="quote-7">takes </mark><strong><mark>four</mark></strong><mark> days</mark> &amp; more.</p>'
    )

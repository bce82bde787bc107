"""Placeholders in a text: what is filled, what is left alone, and that a value can never be anything but text."""

from __future__ import annotations

import pytest

from kb import placeholders
from kb.placeholders import Trouble, fill_line, mentioned, render

FACTS = {"window": "30 days", "price": "€49", "evil": '<b>*x*</b> & "y" [z](javascript:1) `|`'}
BLOCKS = {"note": "> Within {{fact:window}}.\n\n- one\n- two", "nested": "{{block:note}}", "code": "`{{fact:window}}`"}


def html(markdown: str) -> str:
    return render(markdown, facts=FACTS, blocks=BLOCKS).rendered.html


def troubles(markdown: str) -> list[tuple[Trouble, str, int]]:
    found = render(markdown, facts=FACTS, blocks=BLOCKS).problems
    return [(problem.trouble, problem.code, problem.line) for problem in found]


def test_a_fact_stands_in_a_sentence_a_heading_a_cell_and_an_emphasis():
    assert html("Within **{{fact:window}}**.") == "<p>Within <strong>30 days</strong>.</p>"
    assert "<td>€49</td>" in html("| a | b |\n|---|---|\n| {{fact:price}} | x |")
    filled = render("## Within {{ fact:window }}\n\nText", facts=FACTS, blocks=BLOCKS)
    assert filled.rendered.headings[0].text == "Within 30 days"
    # The address of a heading stays when the fact changes.
    assert filled.rendered.headings[0].id == "sec-within"
    assert filled.rendered.text == "Within 30 days\nText"
    assert filled.used == {("fact", "window")}


@pytest.mark.parametrize(
    "text",
    [
        "{{fact:evil}}",
        "**{{fact:evil}}**",
        "# {{fact:evil}}",
        "[a {{fact:evil}}](article:x)",
        "| a |\n|---|\n| {{fact:evil}} |",
    ],
)
def test_a_value_is_text_wherever_it_stands(text):
    shown = html(text)
    assert '&lt;b&gt;*x*&lt;/b&gt; &amp; "y" [z](javascript:1) `|`' in shown
    assert "<b>" not in shown
    assert "<em>" not in shown


def test_a_value_in_an_attribute_or_an_address_cannot_leave_it():
    assert "&quot;y&quot;" in html("![{{fact:evil}}](/x.png)")
    assert 'alt="&lt;b&gt;' in html("![{{fact:evil}}](/x.png)")
    shown = render("[go](<{{fact:to}}>)", facts={"to": "javascript:alert(1)"}, blocks={}).rendered.html
    assert 'href="javascript%3Aalert%281%29"' in shown


@pytest.mark.parametrize("code", ["`{{fact:window}}`", "```\n{{fact:window}}\n```", "    {{fact:window}}"])
def test_code_is_left_alone(code):
    filled = render(f"Text\n\n{code}", facts=FACTS, blocks=BLOCKS)
    assert "{{fact:window}}" in filled.rendered.html
    assert filled.used == frozenset()


def test_an_unknown_fact_in_code_is_no_problem():
    assert troubles("`{{fact:nothing}}`\n\n```\n{{block:nothing}}\n```") == []


def test_a_block_is_markdown_on_a_line_of_its_own_and_holds_facts():
    shown = html("Before\n{{block:note}}\nafter")
    assert shown == (
        "<p>Before</p>\n<blockquote>\n<p>Within 30 days.</p>\n</blockquote>\n"
        "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n<p>after</p>"
    )
    filled = render("{{block:note}}", facts=FACTS, blocks=BLOCKS)
    assert filled.used == {("block", "note"), ("fact", "window")}


def test_a_block_keeps_the_indent_and_the_quotation_that_it_stands_in():
    assert "<li>\n<p>first</p>\n<blockquote>" in html("1. first\n\n   {{block:note}}\n\n2. second")
    assert html("> {{block:note}}").startswith("<blockquote>\n<blockquote>\n<p>Within 30 days.</p>")


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("One\n\nsee {{fact:nothing}}", (Trouble.UNKNOWN, "{{fact:nothing}}", 3)),
        ("{{block:nothing}}", (Trouble.UNKNOWN, "{{block:nothing}}", 1)),
        ("See {{block:note}} here", (Trouble.INLINE_BLOCK, "{{block:note}}", 1)),
        ("{{block:nested}}", (Trouble.BLOCK_IN_BLOCK, "{{block:note}}", 1)),
        ("{{fact:Two Words}}", (Trouble.UNKNOWN, "{{fact:two words}}", 1)),
        ("{{fact:}}", (Trouble.UNKNOWN, "{{fact:}}", 1)),
        ("{{\nfact:nothing\n}}", (Trouble.UNKNOWN, "{{fact:nothing}}", 1)),
    ],
)
def test_what_cannot_be_filled_is_named_with_its_line_and_shows_no_braces(text, trouble):
    assert troubles(text) == [trouble]
    assert "{{" not in html(text)
    assert "fact:" not in html(text)


def test_other_double_braces_are_the_authors_own():
    assert html("Write {{ name }} here.") == "<p>Write {{ name }} here.</p>"


def test_characters_of_the_private_use_area_are_kept():
    odd = "\U000f0000 \U000f0001 \ue000"
    assert html(f"{odd} {{{{fact:window}}}}") == f"<p>{odd} 30 days</p>"


def test_more_placeholders_than_a_plane_has_small_numbers():
    shown = html("{{fact:window}} " * 15_000)
    assert shown.count("30 days") == 15_000


def test_a_title_holds_facts_and_no_blocks():
    title, used, problems = fill_line("Return within {{fact:window}} <b>", facts=FACTS)
    assert (title, used, problems) == ("Return within 30 days <b>", {("fact", "window")}, ())
    title, _used, problems = fill_line("A {{fact:nothing}} b {{block:note}}", facts=FACTS)
    assert title == "A b"
    assert [problem.trouble for problem in problems] == [Trouble.UNKNOWN, Trouble.INLINE_BLOCK]


def test_a_block_that_would_swallow_what_follows_is_seen():
    assert placeholders.ends_open("Text\n\n```\ncode")
    assert not placeholders.ends_open("Text\n\n```\ncode\n```")
    assert not placeholders.ends_open("- list\n- list")


def test_what_is_mentioned_is_found_without_rendering():
    assert mentioned("{{fact:A}} {{ Block:b }}", "`{{fact:c}}`") == {("fact", "a"), ("block", "b"), ("fact", "c")}

from __future__ import annotations

import html as html_module
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.rendering import Heading, article_links, localise, render

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox)",
    "![x](javascript:alert(1))",
    '![x" onerror="alert(1)](/x.png)',
    '[x](/y "title\\" onmouseover=\\"alert(1)")',
    "<iframe src='//evil.example'></iframe>",
    "<style>body{display:none}</style>",
    "<p style='position:fixed'>x</p>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<form action=//evil.example><button>x</button></form>",
    "<base href=//evil.example>",
    "<!--><script>alert(1)</script>-->",
    "# x <script>alert(1)</script>",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    "[article](article:javascript:alert(1))",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
]
TAG = re.compile(r"<\s*/?\s*([a-zA-Z][\w:-]*)([^>]*)>")
ALLOWED = {"p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote", "a", "img"}
ALLOWED |= {"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"href", "title", "src", "alt", "id", "rel", "start"}
SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)


def harmful(html: str) -> list[str]:
    """The tags and attributes of `html` that no article may have."""
    found = []
    for tag, attributes in TAG.findall(html):
        if tag.lower() not in ALLOWED:
            found.append(tag)
        # Values first: what stands inside quotes is text.
        names = re.findall(r"([\w:-]+)\s*=", re.sub(r'"[^"]*"', '""', attributes))
        found += [f"{tag} {name}" for name in names if name not in ATTRIBUTES]
        for address in re.findall(r'(?:href|src)="([^"]*)"', attributes):
            # As browsers read it: character references resolved, spaces and controls dropped.
            scheme = SCHEME.match(re.sub(r"[\x00-\x20]", "", html_module.unescape(address)))
            if scheme and scheme[1].lower() not in {"http", "https", "mailto", "tel"}:
                found.append(address)
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_could_run_survives(attack):
    assert harmful(render(attack).html) == []


def test_the_check_above_sees_what_it_must():
    assert harmful('<p onclick="x">') == ["p onclick"]
    assert harmful("<script>") == ["script"]
    assert harmful('<a href="javascript:alert(1)">') == ["javascript:alert(1)"]
    assert harmful('<a href="java&#10;script:x">') == ["java&#10;script:x"]


@given(st.text(alphabet="<>/='\"&;:()[]!#`|-\\ \nascriptjvonerhf0.", max_size=120))
def test_no_text_at_all_renders_to_something_that_runs(text):
    assert harmful(render(text).html) == []


def test_html_in_a_body_is_shown_and_not_lost():
    rendered = render("Put <script> into the <head> of your page.")
    assert "&lt;script&gt;" in rendered.html
    assert rendered.text == "Put <script> into the <head> of your page."


def test_a_link_to_an_article_is_stable_and_leads_to_the_readers_language():
    html = render("[See](article:where-is-my-order) and [part](article:late#my part)").html
    assert 'href="/-/a/where-is-my-order"' in html
    assert article_links(html) == {"where-is-my-order"}
    assert 'href="/es/-/a/where-is-my-order"' in localise(html, "es")


def test_a_link_to_a_part_of_an_article_keeps_it():
    html = render("[part](article:late#what-to-do)").html
    assert 'href="/-/a/late#sec-what-to-do"' in html
    assert article_links(html) == {"late"}


def test_links_to_other_sites_do_not_hand_over_the_window():
    assert 'rel="noopener"' in render("[x](https://example.com)").html


def test_pictures_of_other_sites_are_not_loaded_but_their_text_stays():
    html = render("![a cat](https://example.com/cat.png) ![ours](/media/dog.png) ![slashes](//example.com/a.png)").html
    assert "example.com" not in html
    assert 'alt="a cat"' in html
    assert 'src="/media/dog.png"' in html


def test_headings_have_ids_of_their_own_which_a_body_can_link_to():
    rendered = render(
        "# Top\n\n## What to do\n\n## What to do\n\n## Explicit {#my-id}\n\n[up](#what-to-do)\n\n## ¿Qué?\n\n## !!!"
    )
    assert rendered.headings == (
        Heading(2, "sec-top", "Top"),
        Heading(2, "sec-what-to-do", "What to do"),
        Heading(2, "sec-what-to-do-2", "What to do"),
        Heading(2, "sec-my-id", "Explicit"),
        Heading(2, "sec-qué", "¿Qué?"),
        Heading(2, "sec-section", "!!!"),
    )
    assert 'href="#sec-what-to-do"' in rendered.html
    assert "<h1" not in rendered.html


def test_the_text_for_search_has_a_line_for_each_block():
    rendered = render(
        "## Head\n\nOne *two*\nthree.\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```\nline 1\nline 2\n```"
    )
    assert rendered.text == "Head\nOne two three.\na\nb\nx y\n1 2\nline 1\nline 2"


def test_an_empty_body_renders_to_nothing():
    assert render("").html == ""
    assert render("").text == ""


def test_odd_spaces_of_imported_texts_do_no_harm():
    assert render("\ufeffOne\u00a0two\u200b.\r\n \r\n three").text == "One two.\nthree"

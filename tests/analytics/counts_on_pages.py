"""Which counts on a page are links, and which stand bare."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# What is no number of the page itself: charts (which open by their points), words about numbers, forms, navigation.
_LEFT_OUT = {"script", "figure", "details", "form", "nav", "select", "svg", "head", "header"}
_SENTENCES = {"visually-hidden", "notice", "first-things"}  # what to do, with a button to where the number is
_VOID = {"br", "img", "input", "meta", "link", "hr", "source", "wbr", "col"}
_BLOCKS = {
    "p", "li", "td", "th", "div", "span", "dd", "dt", "h1", "h2", "h3", "tr", "table", "section", "ul", "ol", "main",
}  # fmt: skip
_NUMBER = r"(⟦[^⟧]*⟧|\d[\d,]*)"
_SHARE = re.compile(rf"(?<![\w.,−+-]){_NUMBER} of {_NUMBER}(?![\d.]* ?%|\.\d|\w)")
_WHOLE = re.compile(r"\d[\d,]*")


class _Text(HTMLParser):
    """The text of a page in stretches, each link as ⟦its text⟧; cells of numbers and tiles apart, as `alone`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stretches: list[str] = [""]
        self.alone: list[str] = []
        self._open: list[tuple[str, bool, bool]] = []
        self._out = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag in _VOID:
            return
        given = dict(attrs)
        classes = (given.get("class") or "").split()
        is_out = tag in _LEFT_OUT or bool(_SENTENCES.intersection(classes))
        self._out += is_out
        if tag in _BLOCKS:
            self.stretches.append("")
        is_alone = ("cell-num" in classes and tag == "td") or "stat-value" in classes or "n" in classes
        self._open.append((tag, is_alone, is_out))
        if tag == "a":
            self.handle_data("⟦")

    def handle_endtag(self, tag):
        if tag in _VOID or not self._open:
            return
        if tag == "a":
            self.handle_data("⟧")
        while self._open:
            closed, _is_alone, was_out = self._open.pop()
            self._out -= was_out
            if closed == tag:
                break
        if tag in _BLOCKS:
            self.stretches.append("")

    def handle_data(self, data):
        if self._out:
            return
        self.stretches[-1] += data
        if self._open and self._open[-1][1]:
            self.alone.append(data.strip())


def bare(html: str) -> list[str]:
    """Counts above 0 that open nothing: both of "3 of 40", and what stands alone in a cell or a tile."""
    page = _Text(html)
    found = [text for text in page.alone if _WHOLE.fullmatch(text) and text != "0"]
    for stretch in page.stretches:
        text = re.sub(r"⟦[^⟧]* of [^⟧]*⟧", "⟦⟧", " ".join(stretch.split()))  # a link as a whole
        found += [text for match in _SHARE.finditer(text) if any(_is_bare(number) for number in match.groups())]
    return found


def _is_bare(number: str) -> bool:
    return not number.startswith("⟦") and number != "0"

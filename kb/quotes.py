"""The words of a text that somebody commented on, found and marked in its frozen HTML. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser


def squeeze(text: str) -> str:
    """With single spaces, as text compares that was copied from a page."""
    return " ".join(text.split())


def marked(html: str, quotes: Mapping[int, str]) -> tuple[str, set[int]]:
    """`html` with the first place of each quote in <mark id="quote-<number>">, and the numbers of those that it has.

    A quote may run through several tags; its marks then are several, and the first one has the id.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    plain, places = reader.plain()
    owner: dict[int, int] = {}  # place in the HTML's characters → number of the quote
    found: set[int] = set()
    for number, quote in quotes.items():
        wanted = squeeze(quote)
        at = plain.find(wanted) if wanted else -1
        if at < 0:
            continue
        found.add(number)
        for place in places[at : at + len(wanted)]:
            owner.setdefault(place, number)
    out = []
    begun: set[int] = set()
    place = 0
    for text, is_tag in reader.parts:
        if is_tag:
            out.append(text)
            continue
        for owned_by, run in _runs(text, place, owner):
            if owned_by is None:
                out.append(escape(run, quote=False))
            else:
                name = "" if owned_by in begun else f' id="quote-{owned_by}"'
                begun.add(owned_by)
                out.append(f"<mark{name}>{escape(run, quote=False)}</mark>")
        place += len(text)
    return "".join(out), found


def _runs(text: str, start: int, owner: Mapping[int, int]) -> list[tuple[int | None, str]]:
    runs: list[tuple[int | None, str]] = []
    for offset, sign in enumerate(text):
        number = owner.get(start + offset)
        if runs and runs[-1][0] == number:
            runs[-1] = (number, runs[-1][1] + sign)
        else:
            runs.append((number, sign))
    return runs


class _Reader(HTMLParser):
    """Clean HTML as tags and texts; `plain` joins the texts, single spaces between words, with each sign's place."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((self.get_starttag_text() or "", True))

    def handle_endtag(self, tag: str) -> None:
        self.parts.append((f"</{tag}>", True))

    def handle_data(self, data: str) -> None:
        self.parts.append((data, False))

    def plain(self) -> tuple[str, list[int]]:
        signs: list[str] = []
        places: list[int] = []
        place = 0
        for text, is_tag in self.parts:
            if is_tag:
                # The end of a block parts words; that of a bold word does not.
                if re.match(r"</?(p|h\d|li|tr|td|th|pre|br|blockquote)\b", text) and signs and signs[-1] != " ":
                    signs.append(" ")
                    places.append(place)
                continue
            for sign in text:
                if not sign.isspace():
                    signs.append(sign)
                    places.append(place)
                elif signs and signs[-1] != " ":
                    signs.append(" ")
                    places.append(place)
                place += 1
        return "".join(signs), places

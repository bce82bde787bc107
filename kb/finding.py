"""What search engines, feed readers and chat programs are told of a page: sitemaps, schema.org, descriptions. Pure.

Sitemaps: https://www.sitemaps.org/protocol.html, at most 50,000 addresses and 50 MB a file; alternates in the way of
https://developers.google.com/search/docs/specialty/international/localized-versions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from xml.sax.saxutils import escape, quoteattr

# Far below the 50,000 of the protocol: with five languages and addresses in Arabic those would be more than 50 MB.
MOST_IN_A_SITEMAP = 10_000
DESCRIPTION_LENGTH = 160  # what engines show of it
_MOST_QUESTIONS = 12
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SITEMAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0
_BLOCKS = {"p", "li", "tr", "pre", "h3", "h4", "h5", "h6", "br", "td", "th"}


@dataclass(frozen=True)
class Entry:
    """An address of a sitemap. `alternates` are (hreflang, address) of the same page, its own among them."""

    url: str
    changed_at: datetime | None = None
    alternates: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Question:
    question: str
    answer: str


@dataclass
class _Section:
    heading: str = ""
    parts: list[str] = field(default_factory=list)


def sitemap(entries: Iterable[Entry]) -> str:
    """A sitemap of these addresses."""
    rows = "".join(_entry(entry) for entry in entries)
    return f'{_XML}<urlset {_SITEMAP} xmlns:xhtml="http://www.w3.org/1999/xhtml">\n{rows}</urlset>\n'


def sitemap_index(urls: Iterable[str]) -> str:
    """An index of these sitemaps."""
    rows = "".join(f"<sitemap><loc>{escape(url)}</loc></sitemap>\n" for url in urls)
    return f"{_XML}<sitemapindex {_SITEMAP}>\n{rows}</sitemapindex>\n"


def _entry(entry: Entry) -> str:
    changed = f"<lastmod>{w3c(entry.changed_at)}</lastmod>" if entry.changed_at else ""
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang={quoteattr(language)} href={quoteattr(url)}/>'
        for language, url in entry.alternates
    )
    return f"<url><loc>{escape(entry.url)}</loc>{changed}{others}</url>\n"


def w3c(moment: datetime) -> str:
    """To the second, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def alternates(urls: Mapping[str, str], *, default: str) -> list[tuple[str, str]]:
    """(hreflang, address) for a page that is at `urls` by language, with the one for readers of any other language.

    Empty where the page is in one language only.
    """
    if len(urls) < 2:
        return []
    found = list(urls.items())
    return [*found, ("x-default", urls[default])] if default in urls else found


def description(summary: str, text: str = "") -> str:
    """One line of at most DESCRIPTION_LENGTH characters: the summary, else the beginning of the text."""
    line = " ".join((summary or text[: 4 * DESCRIPTION_LENGTH]).split())
    if len(line) <= DESCRIPTION_LENGTH:
        return line
    return line[: DESCRIPTION_LENGTH - 1].rsplit(" ", 1)[0].rstrip(",;:–-، ") + "…"


def plain(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _FORBIDDEN.sub("", text)


def is_question(text: str) -> bool:
    """Whether a title or heading asks something, in Latin, Arabic or full-width punctuation."""
    return text.rstrip(" \u200f\u200e»”\"'").endswith(("?", "؟", "？"))


def questions(html: str) -> list[Question]:
    """The headings of the second level that ask something, with the text below them up to the next one."""
    reader = _Sections()
    reader.feed(html)
    reader.close()
    found = []
    for section in reader.sections:
        answer = "\n".join(filter(None, (" ".join(line.split()) for line in "".join(section.parts).split("\n"))))
        if is_question(section.heading) and answer:
            found.append(Question(section.heading.strip(), answer))
    return found[:_MOST_QUESTIONS]


class _Sections(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.sections: list[_Section] = []
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "h2":
            self.sections.append(_Section())
            self._in_heading = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "h2":
            self._in_heading = False
        elif tag in _BLOCKS and self.sections:
            self.sections[-1].parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.sections:
            return
        if self._in_heading:
            self.sections[-1].heading += data
        else:
            self.sections[-1].parts.append(data.replace("\n", " "))


def breadcrumbs(steps: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """schema.org's BreadcrumbList of (name, address), from the outermost on."""
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name, "item": url}
            for place, (name, url) in enumerate(steps, start=1)
        ],
    }


def faq_page(found: Sequence[Question]) -> dict[str, Any]:
    """schema.org's FAQPage."""
    return {
        "@type": "FAQPage",
        "mainEntity": [
            {
                "@type": "Question",
                "name": each.question,
                "acceptedAnswer": {"@type": "Answer", "text": each.answer},
            }
            for each in found
        ],
    }


def json_ld(graph: Sequence[Mapping[str, Any]]) -> str:
    """The content of a script element of the type application/ld+json; nothing in it can end the element."""
    text = json.dumps({"@context": "https://schema.org", "@graph": list(graph)}, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text

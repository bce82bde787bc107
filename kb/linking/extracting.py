"""Frozen HTML → the links and pictures in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit, urlunsplit

# The words of kb.models.LinkKind; a test holds the two together.
ARTICLE, CATEGORY, PAGE, EXTERNAL, PICTURE = "article", "category", "page", "external", "picture"

LONGEST = 2000  # bytes of an address; no browser is sure to take more
_TEXT = 200
_ARTICLE = re.compile(r"^(?:/[A-Za-z]{2,3}(?:-[A-Za-z]{2,4})?)?(?:/-/a/(?P<by>[^/]+(?:/[^/]+)*)|/a/(?P<slug>[^/]+))/?$")
_CATEGORY = re.compile(r"^/[A-Za-z]{2,3}(?:-[A-Za-z]{2,4})?/c/(?P<slug>[^/]+)/?$")


@dataclass(frozen=True)
class Found:
    """One address in a text. `reference` is what an article or a category is named by there, else empty."""

    kind: str
    address: str
    reference: str = ""
    text: str = ""


def links(html: str, *, own_hosts: Collection[str]) -> list[Found]:
    """The links and pictures of our own clean HTML, each address once, in the order of the text.

    `own_hosts` are the hosts (with a port, where it is not the usual one) under which this site is reached: an address
    on one of them is a page of this site. Left out: parts of the same page, mail addresses, telephone numbers, and
    addresses longer than LONGEST.
    """
    if "<a " not in html and "<img " not in html:
        return []
    reader = _Reader()
    reader.feed(html)
    reader.close()
    found: dict[tuple[str, str], Found] = {}
    for is_picture, address, text in reader.found:
        one = _classified(address, " ".join(text.split())[:_TEXT], own_hosts, is_picture=is_picture)
        if one is not None:
            found.setdefault((one.kind, one.address), one)
    return list(found.values())


def _classified(address: str, text: str, own_hosts: Collection[str], *, is_picture: bool) -> Found | None:
    address = address.strip().partition("#")[0]
    if not address or len(address.encode()) > LONGEST:
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return Found(EXTERNAL, address, text=text)  # as it is; following it says that it is no address
    if parts.scheme not in ("", "http", "https"):
        return None
    if parts.netloc and parts.netloc.lower() in own_hosts:
        parts = parts._replace(scheme="", netloc="", path=parts.path or "/")
        address = urlunsplit(parts)
    if parts.netloc:
        return Found(PICTURE if is_picture else EXTERNAL, address, text=text)
    if is_picture:
        return Found(PICTURE, address, text=text)
    if of_article := _ARTICLE.match(parts.path):
        reference = unquote(of_article["by"] or of_article["slug"])
        return Found(ARTICLE, address, reference[:_TEXT], text)
    if of_category := _CATEGORY.match(parts.path):
        return Found(CATEGORY, address, unquote(of_category["slug"])[:_TEXT], text)
    return Found(PAGE, address, text=text)


class _Reader(HTMLParser):
    """`found`: whether it is a picture, its address, its words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[bool, str, str]] = []
        self._link: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "img" and (source := given.get("src")):
            self.found.append((True, source, given.get("alt") or ""))
            if self._link is not None:
                self._link[1].append(given.get("alt") or "")
        elif tag == "a" and (address := given.get("href")):
            self._link = (address, [])

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link is not None:
            address, words = self._link
            self.found.append((False, address, "".join(words)))
            self._link = None

    def handle_data(self, data: str) -> None:
        if self._link is not None:
            self._link[1].append(data)

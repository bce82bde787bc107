"""The help centre that an export came from: its hosts, its articles, and what becomes of links to them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin, urlsplit

from kb.porting.facts import Note

_FRAGMENT = re.compile(r"""href=["']?[^"'\s>]*#([\w-]+)""")
_ARTICLE = re.compile(r"/articles/(\d+)(?=[-/?#]|$)", re.IGNORECASE)


@dataclass
class OldSite:
    """`hosts` in small letters; `ids` of the articles that are in the export. `is_known` asks for any other."""

    hosts: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    base: str = ""
    fragments: set[str] = field(default_factory=set)  # that links of any article lead to
    is_known: Callable[[str], bool] = lambda _id: False

    def learn(self, url: str) -> None:
        """An address of this help centre."""
        parts = _split(url)
        if parts is not None and parts.scheme in ("http", "https") and parts.hostname:
            self.hosts.add(parts.hostname)
            self.base = self.base or f"{parts.scheme}://{parts.netloc}"

    def learn_links(self, html: str) -> None:
        """Which headings the links of this text lead to, in itself or in others."""
        self.fragments |= set(_FRAGMENT.findall(html))

    def link(self, href: str) -> tuple[str, Note | None]:
        """Ours for a link to an article that is here; else as it is, made whole, with a note where it led within."""
        whole = urljoin(self.base, href) if self.base else href
        parts = _split(whole)
        if parts is None:
            return href, Note("body", f"The link {href[:100]} cannot be read.", "Correct it on the desk.")
        is_within = parts.hostname in self.hosts if parts.hostname else True
        if not is_within:
            return href, None
        found = _ARTICLE.search(parts.path)
        if found and (found[1] in self.ids or self.is_known(found[1])):
            return f"article:{found[1]}" + (f"#{parts.fragment}" if parts.fragment else ""), None
        return whole, Note(
            "body", f"The link {whole[:200]} leads to the old help centre, to what is not in this import.",
            "Import it too, or change the link on the desk.",
        )  # fmt: skip

    def image(self, source: str) -> tuple[str, Note | None]:
        """Pictures are not fetched: readers see the description, until somebody uploads the picture on the desk."""
        whole = urljoin(self.base, source) if self.base else source
        return whole, Note(
            "body", f"The picture {whole[:200]} is on another site; readers see its description in its place.",
            "Upload it on the desk.",
        )  # fmt: skip


def path_of(url: str) -> str:
    """The path of an address, as redirects know it; empty where it has none."""
    parts = _split(url)
    return unquote(parts.path) if parts is not None and parts.path not in ("", "/") else ""


def _split(url: str):  # type: ignore[no-untyped-def]
    try:
        return urlsplit(url)
    except ValueError:
        return None

"""The frozen HTML of an article → its passages: what stands under one heading, block by block. Pure.

Reads only what kb.rendering made: clean, well-formed, headings never inside another block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser

_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_ENDS_LINE = ("p", "li", "tr", "br", "td", "th", "blockquote", "pre", *_HEADINGS)
_EMPTY = ("br", "hr", "img")


@dataclass(frozen=True)
class Block:
    """A paragraph, list, table …: `tag` is its HTML's, `lines` its text, one a paragraph, list item or table row."""

    tag: str
    html: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.lines)


@dataclass(frozen=True)
class Passage:
    """What stands under one heading. Before the first one `heading` and `anchor` are empty."""

    heading: str
    anchor: str
    blocks: tuple[Block, ...]


@lru_cache(maxsize=512)  # the articles that most answers quote, some megabytes
def passages(html: str) -> tuple[Passage, ...]:
    """The passages of an article in order; those without a block are left out."""
    reader = _Reader(html)
    reader.feed(html)
    reader.close()
    return tuple(passage for passage in reader.passages() if passage.blocks)


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self._html = html
        self._starts = [0]  # of the lines, to turn a position into an index
        for line in html.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._found: list[tuple[str, str, list[Block]]] = [("", "", [])]
        self._depth = 0
        self._tag, self._anchor, self._start = "", "", 0
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._depth == 0 and tag not in _EMPTY:
            self._tag, self._start, self._words = tag, self._index(), []
            self._anchor = dict(attrs).get("id") or ""
        if tag not in _EMPTY:
            self._depth += 1
        if tag in ("li", "p", "tr", "br", "pre", "blockquote"):
            self._words.append("\n")
        elif tag == "img":
            self._words.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _EMPTY:
            return
        self._words.append(" · " if tag in ("td", "th") else "\n" if tag in _ENDS_LINE else "")
        self._depth = max(0, self._depth - 1)
        if self._depth == 0 and self._tag:
            html = self._html[self._start : self._index() + len(f"</{tag}>")]
            lines = (" ".join(line.split()).removesuffix(" ·") for line in "".join(self._words).split("\n"))
            texts = tuple(line for line in lines if line)
            if self._tag in _HEADINGS:
                self._found.append((" ".join(texts), self._anchor, []))
            elif texts:
                self._found[-1][2].append(Block(self._tag, html, texts))
            self._tag = ""

    def handle_data(self, data: str) -> None:
        self._words.append(data if self._tag == "pre" else data.replace("\n", " "))

    def passages(self) -> list[Passage]:
        return [Passage(heading, anchor, tuple(blocks)) for heading, anchor, blocks in self._found]

    def _index(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column

"""What changed between two frozen texts as readers see them: the later one with <ins> and <del> in its prose. Pure.

The later text's own tags are the frame, in their order, so that the result is well formed; words that it has and the
earlier one has not stand in <ins>, words that are gone in <del>, where they were. A word that became bold, a link or a
heading counts as another word. Nothing of the earlier text but words and pictures is taken over, and all of it passes
nh3's list once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from html.parser import HTMLParser
from itertools import groupby

import nh3

from kb import differences

_EMPTY = {"br", "hr", "img"}
_INLINE = {"strong", "em", "s", "code", "a", "del", "ins", "u", "sub", "sup", "span", "b", "i"}
_ENDS = {"p", "h2", "h3", "h4", "h5", "h6", "li", "td", "th", "pre"}
# Where words may not stand by themselves, and what they need around them there.
_NEEDS = {
    "ul": ("<li>", "</li>"),
    "ol": ("<li>", "</li>"),
    "tr": ("<td>", "</td>"),
    "table": ("<tbody><tr><td>", "</td></tr></tbody>"),
    "thead": ("<tr><td>", "</td></tr>"),
    "tbody": ("<tr><td>", "</td></tr>"),
    "": ("<p>", "</p>"),
    "blockquote": ("<p>", "</p>"),
}
# What may stand beside each other in a list, a row, a table.
_LIKE = {"ul": ("li",), "ol": ("li",), "tr": ("td", "th"), "tbody": ("td", "th")}
_TAGS = {"p", "h2", "h3", "h4", "h5", "h6", "br", "hr", "pre", "blockquote", "ul", "ol", "li", "img", "table", "thead"}
_TAGS |= {"tbody", "tr", "th", "td", "ins", "div", "section", "aside", "figure", "figcaption", *_INLINE}


@dataclass(frozen=True)
class _Atom:
    """A word or a sign, with the space after it; a picture; the end of a block (no text). `within`: its block and what
    marks it there. Space is not compared: it would match anywhere.
    """

    text: str
    within: tuple[str, ...]
    picture: str = ""
    space: str = field(default="", compare=False)

    @property
    def html(self) -> str:
        return (self.picture or escape(self.text, quote=False)) + self.space


@dataclass(frozen=True)
class _Part:
    """A tag as it stands, or an atom; `block` numbers the blocks, and `parent` is the tag of its block."""

    atom: _Atom | None
    tag: str
    block: int
    parent: str


def marked(old_html: str, new_html: str) -> str:
    """The later HTML with what was added in <ins> and what was removed in <del>; safe to show."""
    before = [part for part in _read(old_html) if part.atom is not None]
    after = _read(new_html)
    new = [part.atom for part in after if part.atom is not None]
    added: set[int] = set()
    removed: dict[int, _Removed] = {}  # before which atom of the later text
    for span in differences.spans([part.atom for part in before], new):
        if not span.is_same:
            added.update(range(span.new_start, span.new_end))
            if span.old_end > span.old_start:
                removed[span.new_start] = _removed(before, span.old_start, span.old_end)
    writer = _Writer(removed)
    number = 0
    for part in after:
        if part.atom is None:
            writer.tag(part.tag)
        else:
            writer.atom(part.atom, number, is_new=number in added)
            number += 1
    return nh3.clean(
        writer.end(number),
        tags=_TAGS,
        clean_content_tags={"script", "style"},
        attributes={"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}, "*": {"class"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener",
    )


@dataclass(frozen=True)
class _Removed:
    """What is gone at one place: the end of a block that stays, whole blocks, the beginning of a block that stays."""

    tail: tuple[_Part, ...]
    blocks: tuple[tuple[_Part, ...], ...]
    head: tuple[_Part, ...]


def _removed(parts: Sequence[_Part], start: int, end: int) -> _Removed:
    blocks = [tuple(block) for _, block in groupby(parts[start:end], key=lambda part: part.block)]
    tail: tuple[_Part, ...] = ()
    head: tuple[_Part, ...] = ()
    if start and parts[start - 1].block == blocks[0][0].block:
        tail, blocks = blocks[0], blocks[1:]
    if blocks and end < len(parts) and parts[end].block == blocks[-1][0].block:
        head, blocks = blocks[-1], blocks[:-1]
    return _Removed(tail, tuple(blocks), head)


class _Writer:
    """Takes the later text's tags and atoms in their order. Tags wait for the next atom: what is gone goes between."""

    def __init__(self, removed: Mapping[int, _Removed]) -> None:
        self._removed = removed
        self._out: list[str] = []
        self._open: list[str] = []  # tags
        self._waiting: list[str] = []
        self._is_in_ins = False

    def tag(self, tag: str) -> None:
        self._end_ins()
        self._waiting.append(tag)

    def atom(self, atom: _Atom, number: int, *, is_new: bool) -> None:
        self._catch_up(number)
        if not atom.html:
            return
        if is_new != self._is_in_ins:
            self._end_ins()
            if is_new:
                self._out.append("<ins>")
                self._is_in_ins = True
        self._out.append(atom.html)

    def end(self, number: int) -> str:
        self._catch_up(number)
        return "".join(self._out)

    def _catch_up(self, number: int) -> None:
        gone = self._removed.get(number)
        if gone is None:
            self._write_tags(len(self._waiting))
            return
        self._end_ins()
        self._out.append(_deleted(gone.tail))
        for block in gone.blocks:
            self._write_tags(self._place(block[0].parent))
            around = next((tag for tag in reversed(self._open) if tag not in _INLINE), "")
            before, after = _NEEDS.get(around, ("", "<br>" if around in ("li", "td", "th", "p") else " "))
            self._out.append(f"{before}{_deleted(block)}{after}")
        self._write_tags(len(self._waiting))
        self._out.append(_deleted(gone.head))

    def _place(self, parent: str) -> int:
        """How many of the waiting tags stand before a removed block that stood in `parent`: it goes where its like may
        stand, else to where nothing new is open yet.
        """
        open_tags = list(self._open)
        for at, tag in enumerate([*self._waiting, ""]):
            around = open_tags[-1] if open_tags else ""
            if parent in _LIKE.get(around, ()):
                return at
            if not tag.startswith("</"):
                return at
            open_tags.pop()
        return len(self._waiting)

    def _write_tags(self, count: int) -> None:
        for tag in self._waiting[:count]:
            name = tag.strip("</>").split(" ")[0]
            if tag.startswith("</"):
                self._open.pop()
            elif name not in _EMPTY:
                self._open.append(name)
            self._out.append(tag)
        del self._waiting[:count]

    def _end_ins(self) -> None:
        if self._is_in_ins:
            self._out.append("</ins>")
            self._is_in_ins = False


def _deleted(parts: Sequence[_Part]) -> str:
    html = "".join(part.atom.html for part in parts if part.atom is not None)
    return f"<del>{html}</del>" if html.strip() else ""


def _read(html: str) -> list[_Part]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.parts


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[_Part] = []
        self._open: list[str] = []  # tags
        self._marks: list[str] = []  # inline tags with their target
        self._block = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            given = dict(attrs)
            picture = "".join(
                f' {name}="{escape(given[name] or "")}"' for name in ("src", "alt", "title") if name in given
            )
            self._add(_Atom(given.get("alt") or "", self._within(), f"<img{picture}>"))
            return
        kept = "".join(f' {name}="{escape(value or "")}"' for name, value in attrs if name != "id")
        self.parts.append(_Part(None, f"<{tag}{kept}>", self._block, self._parent()))
        if tag in _INLINE:
            self._marks.append(tag + dict(attrs).get("href", "") if tag == "a" else tag)  # type: ignore[operator]
        else:
            self._block += 1
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _EMPTY or tag not in self._open:
            return
        if tag not in _INLINE and self.parts and self.parts[-1].parent == tag and tag in _ENDS:
            self._add(_Atom("", self._within()))
        while self._open:
            last = self._open.pop()
            if last in _INLINE and self._marks:
                self._marks.pop()
            if last not in _INLINE:
                self._block += 1
            self.parts.append(_Part(None, f"</{last}>", self._block, self._parent()))
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        if not data.strip() and self._parent() in ("", "ul", "ol", "table", "thead", "tbody", "tr", "blockquote"):
            return  # between blocks: no reader sees it
        for token in differences.tokens(data):
            last = self.parts[-1] if self.parts else None
            if token.strip() or last is None or last.atom is None or last.atom.space:
                self._add(_Atom(token, self._within()))
            else:
                self.parts[-1] = replace(last, atom=replace(last.atom, space=token))

    def close(self) -> None:
        super().close()
        for tag in reversed(self._open):
            self.parts.append(_Part(None, f"</{tag}>", self._block, ""))
        self._open.clear()

    def _add(self, atom: _Atom) -> None:
        self.parts.append(_Part(atom, "", self._block, self._parent()))

    def _parent(self) -> str:
        return next((tag for tag in reversed(self._open) if tag not in _INLINE), "")

    def _within(self) -> tuple[str, ...]:
        return (self._parent(), *sorted(self._marks))

"""What stands in a text for a fact or a block: `{{fact:return-window}}` in a sentence, `{{block:returns}}` on a line of
its own. Pure.

A fact's value never meets Markdown or HTML as anything but text. It is put into the finished, clean HTML: while the
Markdown is rendered, one character that means nothing there (of Unicode's private use area) holds its place. What
stands in code stays as it is written, so that a text can speak about placeholders.

A block is Markdown, and becomes part of the text before it is rendered. Blocks hold facts, and no blocks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from urllib.parse import quote

from markdown_it import MarkdownIt

from kb import rendering
from kb.rendering import Rendered

FACT, BLOCK = "fact", "block"

_ANY = re.compile(r"\{\{\s*(fact|block)\s*:([^{}]*)\}\}", re.IGNORECASE)
_BLOCK_LINE = re.compile(r"^([ \t>]*)\{\{\s*block\s*:([^{}]*)\}\}\s*$", re.IGNORECASE)
_TAG = re.compile(r'(</?[a-z](?:"[^"]*"|[^">])*>)', re.IGNORECASE)
_PRIVATE = range(0xF0000, 0xFFFFE)  # plane 15: more of them than a text can have placeholders
_HELD = re.compile("[\U000f0000-\U000ffffd]|%F3(?:%[0-9A-F]{2}){3}")  # as it is, and in an address
_SHOWN = 60  # characters of a placeholder in a message

# What stands in a line is not asked of it: half of the work.
_blocks_of = MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")


class Trouble(StrEnum):
    """Why a placeholder cannot be filled."""

    UNKNOWN = "unknown"  # there is no such fact or block, or it has no value
    INLINE_BLOCK = "inline block"  # a block inside a sentence
    BLOCK_IN_BLOCK = "block in block"


@dataclass(frozen=True)
class Problem:
    """A placeholder that shows nothing. `line` counts from 1; `block` names the block that it stands in, if any."""

    trouble: Trouble
    sort: str
    key: str
    line: int
    block: str = ""

    @property
    def code(self) -> str:
        return f"{{{{{self.sort}:{self.key[:_SHOWN]}}}}}"


@dataclass(frozen=True)
class Filled:
    """A text with its facts and blocks in it. `used`: (sort, key) of every one outside code, blocks' own included;
    those that show nothing are among `problems` as well.
    """

    rendered: Rendered
    used: frozenset[tuple[str, str]]
    problems: tuple[Problem, ...]


@dataclass
class _Mark:
    """A place in the text that one private character holds."""

    sort: str
    key: str
    raw: str
    line: int
    block: str


@dataclass
class _Text:
    markdown: str
    marks: dict[str, _Mark] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def mentioned(*texts: str) -> set[tuple[str, str]]:
    """(sort, key) of all that looks like a placeholder, in code or not; for loading what may be needed."""
    return {(sort.lower(), _key(key)) for text in texts for sort, key in _ANY.findall(text)}


def is_free_of_them(*texts: str) -> bool:
    return not any(_ANY.search(text) for text in texts)


def without(text: str) -> str:
    """The text with nothing where its placeholders stand."""
    return _ANY.sub("", text)


def render(markdown: str, *, facts: Mapping[str, str], blocks: Mapping[str, str]) -> Filled:
    """The body of an article with the value of each fact and the Markdown of each block, by key."""
    text = _with_blocks(markdown, blocks)
    html = rendering.html_of(text.markdown)
    if text.marks:
        html = _put(html, text, facts)
    return Filled(rendering.read(html), frozenset(text.used), tuple(text.problems))


def fill_line(text: str, *, facts: Mapping[str, str]) -> tuple[str, frozenset[tuple[str, str]], tuple[Problem, ...]]:
    """A title or a summary: plain text, in which a block has no place. What it says, what it used, what it lacks."""
    used: set[tuple[str, str]] = set()
    problems: list[Problem] = []

    def value(found: re.Match[str]) -> str:
        sort, key = found[1].lower(), _key(found[2])
        used.add((sort, key))
        if sort == BLOCK:
            problems.append(Problem(Trouble.INLINE_BLOCK, sort, key, 0))
        elif not facts.get(key):
            problems.append(Problem(Trouble.UNKNOWN, sort, key, 0))
        else:
            return facts[key]
        return ""

    filled = _ANY.sub(value, text)
    return (" ".join(filled.split()) if problems else filled), frozenset(used), tuple(problems)


def ends_open(markdown: str) -> bool:
    """Whether what follows this Markdown would be swallowed by it: a fence of code that nobody closed."""
    return any(
        token.type == "fence" and token.map and "\ue000" in token.content
        for token in _blocks_of.parse(f"{markdown}\n\n\ue000\n")
    )


def _with_blocks(markdown: str, blocks: Mapping[str, str]) -> _Text:
    """The text with its blocks in it, and a private character for each placeholder that is left."""
    lines = markdown.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    text = _Text("")
    if _ANY.search(markdown) is None:
        text.markdown = markdown
        return text
    free = _free_characters(markdown, *blocks.values())
    code = _lines_of_code(markdown)
    pieces: list[tuple[str, int, str]] = []  # Markdown, the line it begins at, the block it is from
    for number, line in enumerate(lines, start=1):
        found = None if number - 1 in code else _BLOCK_LINE.match(line)
        if found is None:
            pieces.append((line, number, ""))
            continue
        key, prefix = _key(found[2]), found[1]
        text.used.add((BLOCK, key))
        if not blocks.get(key):
            text.problems.append(Problem(Trouble.UNKNOWN, BLOCK, key, number))
            pieces.append((prefix.rstrip(), number, ""))
            continue
        # Blank lines around it: a block is never the end of a sentence before it.
        pieces.append((prefix.rstrip(), number, ""))
        inner = enumerate(blocks[key].replace("\r\n", "\n").strip("\n").split("\n"), start=1)
        pieces += [((prefix + own).rstrip() if not own.strip() else prefix + own, at, key) for at, own in inner]
        pieces.append((prefix.rstrip(), number, ""))
    # A placeholder may be broken over lines, so it is looked for in the whole, each with the line that it began at.
    whole = "\n".join(piece for piece, _line, _block in pieces)
    starts = _starts(piece for piece, _line, _block in pieces)

    def hold(found: re.Match[str]) -> str:
        at = bisect_right(starts, found.start()) - 1
        sign = next(free)
        text.marks[sign] = _Mark(found[1].lower(), _key(found[2]), found[0], pieces[at][1], pieces[at][2])
        return sign

    text.markdown = _ANY.sub(hold, whole)
    return text


def _put(html: str, text: _Text, facts: Mapping[str, str]) -> str:
    """The values in their places: as text in text, in quotation marks' way in attributes, nothing inside code."""
    by_sign = {**text.marks, **{quote(sign): mark for sign, mark in text.marks.items()}}
    parts: list[str] = []
    depth = 0

    def in_text(found: re.Match[str]) -> str:
        if found[0] not in by_sign:
            return found[0]
        return escape(_value(by_sign[found[0]], text, facts), quote=False)

    def in_tag(found: re.Match[str]) -> str:
        if found[0] not in by_sign:
            return found[0]
        value = _value(by_sign[found[0]], text, facts)
        # In an address it is a word, never a scheme or a host.
        return quote(value, safe="") if found[0].startswith("%") else escape(value)

    def in_code(found: re.Match[str]) -> str:
        return escape(by_sign[found[0]].raw, quote=False) if found[0] in by_sign else found[0]

    for part in _TAG.split(html):
        if _TAG.fullmatch(part):
            name = part.strip("</>").split()[0].lower()
            if name in ("code", "pre"):
                depth += -1 if part.startswith("</") else 1
            parts.append(_HELD.sub(in_tag, part))
        else:
            parts.append(_HELD.sub(in_code if depth else in_text, part))
    return "".join(parts)


def _value(mark: _Mark, text: _Text, facts: Mapping[str, str]) -> str:
    text.used.add((mark.sort, mark.key))
    if mark.sort == BLOCK:
        trouble = Trouble.BLOCK_IN_BLOCK if mark.block else Trouble.INLINE_BLOCK
    elif facts.get(mark.key):
        return facts[mark.key]
    else:
        trouble = Trouble.UNKNOWN
    problem = Problem(trouble, mark.sort, mark.key, mark.line, mark.block)
    if problem not in text.problems:
        text.problems.append(problem)
    return ""


def _lines_of_code(markdown: str) -> set[int]:
    """The lines, counted from 0, that Markdown takes for code."""
    found: set[int] = set()
    for token in _blocks_of.parse(markdown):
        if token.type in ("fence", "code_block") and token.map:
            found.update(range(*token.map))
    return found


def _free_characters(*texts: str) -> Iterator[str]:
    taken = {character for text in texts for character in text if ord(character) in _PRIVATE}
    return (chr(code) for code in _PRIVATE if chr(code) not in taken)


def _starts(pieces: Iterator[str]) -> list[int]:
    found, at = [], 0
    for piece in pieces:
        found.append(at)
        at += len(piece) + 1
    return found


def _key(written: str) -> str:
    return written.strip().lower()

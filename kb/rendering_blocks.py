"""What our Markdown has beyond CommonMark: call-outs, numbered steps, pictures of our own, columns that line up. Pure.

Each is written so that another Markdown viewer shows it sensibly too: a call-out is a quotation that begins with
[!NOTE], [!TIP] or [!WARNING] (as on GitHub), steps are a numbered list after a comment that viewers hide, a picture is
a picture.

A picture is written `picture:<digest>-<width>x<height>`. Its size stands in the text, so that rendering needs no
database, frozen HTML reserves the right room, and the page does not jump when the picture comes.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

PICTURE_SCHEME = "picture:"
PICTURE_PREFIX = "/pictures/"
HALF_FROM = 640  # pixels: a picture as wide as this has a variant of half its size, for phones
_PICTURE = re.compile(r"picture:([0-9a-f]{32})-([1-9]\d{0,3})x([1-9]\d{0,3})")
_ADDRESS = r"/pictures/[0-9a-f]{32}(?:-half)?\.webp"
_OWN = {
    "srcset": re.compile(rf"{_ADDRESS} \d{{1,4}}w, {_ADDRESS} \d{{1,4}}w"),
    "width": re.compile(r"[1-9]\d{0,3}"),
    "height": re.compile(r"[1-9]\d{0,3}"),
}
# What an article's column gives a picture: 42rem is --measure in tokens.css.
_SIZES = "(min-width: 46rem) 42rem, 92vw"

STEPS_MARK = "<!-- steps -->"
# GitHub's five words for our three kinds.
_KINDS = {"NOTE": "note", "IMPORTANT": "note", "TIP": "tip", "WARNING": "warning", "CAUTION": "warning"}
_CALLOUT = re.compile(rf"\[!({'|'.join(_KINDS)})\][ \t]*(?:\n|$)", re.IGNORECASE)
CALLOUTS = ("note", "tip", "warning")
CLASSES = {"div": {"callout", *CALLOUTS}, "ol": {"steps"}, "th": {"end", "center"}, "td": {"end", "center"}}


def add_to(markdown: MarkdownIt) -> None:
    """Teach a parser these blocks."""
    ends = ["paragraph", "reference", "blockquote", "list"]
    markdown.block.ruler.before("paragraph", "steps_mark", _steps_mark, {"alt": ends})
    markdown.core.ruler.before("inline", "callouts", _callouts)
    markdown.core.ruler.before("inline", "steps", _steps)
    markdown.core.ruler.push("pictures", _pictures)
    markdown.core.ruler.push("columns", _columns)


def is_own(name: str, value: str) -> bool:
    """Whether this value of an <img>'s attribute is one that we make."""
    return value == _SIZES if name == "sizes" else bool(_OWN[name].fullmatch(value))


def picture_reference(digest: str, width: int, height: int) -> str:
    """What an article's text says of a picture: ![words](this)."""
    return f"{PICTURE_SCHEME}{digest}-{width}x{height}"


def half(pixels: int) -> int:
    """A side of the variant for phones."""
    return (pixels + 1) // 2


def _steps_mark(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    if state.is_code_block(start):
        return False
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    if line.strip() != STEPS_MARK:
        return False
    if not silent:
        state.line = start + 1
        token = state.push("steps_mark", "", 0)
        token.content, token.map = STEPS_MARK, [start, state.line]
    return True


def _steps(state: StateCore) -> None:
    """A mark before a numbered list makes steps of it. Any other is text, as all HTML is."""
    tokens: list[Token] = []
    is_marked = False
    for token, after in zip_longest(state.tokens, state.tokens[1:]):
        if token.type == "steps_mark":
            is_marked = after is not None and after.type == "ordered_list_open"
            if not is_marked:
                tokens += _paragraph(token)
            continue
        if is_marked:
            token.attrJoin("class", "steps")
            is_marked = False
        tokens.append(token)
    state.tokens = tokens


def _paragraph(mark: Token) -> list[Token]:
    level = mark.level
    return [
        Token("paragraph_open", "p", 1, map=mark.map, level=level, block=True),
        Token("inline", "", 0, map=mark.map, level=level + 1, content=mark.content, block=True, children=[]),
        Token("paragraph_close", "p", -1, level=level, block=True),
    ]


def _callouts(state: StateCore) -> None:
    """A quotation whose first line is [!NOTE] and the like becomes a call-out."""
    kept: list[Token] = []
    ours: list[bool] = []  # of the quotations that are open
    skip = 0
    for position, token in enumerate(state.tokens):
        if skip:
            skip -= 1
            continue
        if token.type == "blockquote_open":
            kind, rest = _callout_at(state.tokens, position)
            ours.append(bool(kind))
            if kind:
                token.tag = "div"
                token.attrSet("class", f"callout {kind}")
                if rest:
                    state.tokens[position + 2].content = rest
                else:
                    skip = 3  # the paragraph had nothing else
        elif token.type == "blockquote_close" and ours.pop():
            token.tag = "div"
        kept.append(token)
    state.tokens = kept


def _callout_at(tokens: list[Token], position: int) -> tuple[str, str]:
    """The kind of the call-out that opens here ("": none) and what its first paragraph says after the word."""
    if position + 2 >= len(tokens) or tokens[position + 1].type != "paragraph_open":
        return "", ""
    content = tokens[position + 2].content
    found = _CALLOUT.match(content)
    return (_KINDS[found[1].upper()], content[found.end() :]) if found else ("", "")


def _pictures(state: StateCore) -> None:
    for token in state.tokens:
        for child in token.children or []:
            if child.type == "image" and (found := _PICTURE.fullmatch(str(child.attrGet("src") or ""))):
                digest, width, height = found[1], int(found[2]), int(found[3])
                address = f"{PICTURE_PREFIX}{digest}"
                child.attrSet("src", f"{address}.webp")
                if width >= HALF_FROM:
                    child.attrSet("srcset", f"{address}-half.webp {half(width)}w, {address}.webp {width}w")
                    child.attrSet("sizes", _SIZES)
                child.attrSet("width", str(width))
                child.attrSet("height", str(height))


def _columns(state: StateCore) -> None:
    """A column's alignment as a class: the pages' policy allows no style attribute."""
    names = {"text-align:right": "end", "text-align:center": "center"}
    for token in state.tokens:
        if token.type in ("th_open", "td_open") and (style := token.attrs.pop("style", None)) in names:
            token.attrJoin("class", names[str(style)])

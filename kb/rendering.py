"""Markdown → safe HTML, plain text for search, and headings for the table of contents. Pure.

HTML in a body is shown as text, never interpreted: a help article may speak of <script>, and nothing is lost. What
Markdown itself produces passes nh3's allow-list all the same, so that a hole in the one is closed by the other.

A link `[…](article:<id>)` becomes `/-/a/<id>`, an address that never goes stale: it is resolved when somebody follows
it. Frozen HTML therefore stays right when articles move, and `localise` puts the reader's language in front of it.
What goes beyond CommonMark (call-outs, steps, pictures) is in kb/rendering_blocks.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape
from html.parser import HTMLParser
from itertools import count
from urllib.parse import quote

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from kb import rendering_blocks

ARTICLE_PREFIX = "/-/a/"
# Ids of headings must not meet the ids that the page itself uses.
ID_PREFIX = "sec-"

_HEADINGS = {"h2", "h3", "h4", "h5", "h6"}
_TAGS = _HEADINGS | {"p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "img"}
_TAGS |= {"table", "thead", "tbody", "tr", "th", "td", "div"}
_EXPLICIT_ID = re.compile(r"\s*\{#([\w-]+)\}\s*$")  # kramdown's and pandoc's, common in imported help
# Of our own clean HTML, in which headings and tables hold none of their kind.
_HEADING = re.compile(r'<(h[2-6]) id="([^"]*)">(.*?)</\1>', re.DOTALL)
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_CALLOUT = re.compile(r'<div class="callout (\w+)">')
_OWN_PICTURE = re.compile(r'((?:src|srcset)="|w, )/(?=pictures/)')
_IMG = re.compile(r"<img [^>]*>")
_BLOCKS = _HEADINGS | {"p", "pre", "li", "tr", "hr", "br", "blockquote", "table", "div"}


@dataclass(frozen=True)
class Heading:
    level: int
    id: str
    text: str


@dataclass(frozen=True)
class Rendered:
    """`text` has one line a block; `headings` are in the order of the page."""

    html: str
    text: str
    headings: tuple[Heading, ...]


def render(markdown: str) -> Rendered:
    """The body of an article as it is frozen into a revision."""
    return read(html_of(markdown))


def html_of(markdown: str) -> str:
    """The safe HTML of a body, for who puts something more into it before it is read."""
    return _cleaner.clean(_markdown.render(_tidied(markdown))).strip()


def read(html: str) -> Rendered:
    """Clean HTML of ours with its text and headings read from it."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Rendered(html, reader.text(), tuple(reader.headings))


def localise(html: str, locale: str, *, under: str = "/") -> str:
    """Frozen HTML whose links to other articles lead to the help centre in `locale`, whose addresses begin with
    `under`."""
    html = html.replace(f'href="{ARTICLE_PREFIX}', f'href="{under}{locale}{ARTICLE_PREFIX}')
    return html if under == "/" else _IMG.sub(lambda found: _OWN_PICTURE.sub(rf"\g<1>{under}", found[0]), html)


def for_page(
    html: str, locale: str, *, under: str = "/", link_label: str, table_label: str, callout_labels: Mapping[str, str]
) -> str:
    """Frozen HTML as a page shows it: localise(), and what a page adds to a text and search must not read.

    A link to itself beside each heading (`link_label` and the heading's text name it); a region of its own for each
    table (`table_label` and its number), which takes the focus so that the arrow keys scroll it; the same for code; a
    word on top of each call-out (`callout_labels` by kind: note, tip, warning), since colour never speaks alone.
    """
    numbers = count(1)
    html = _HEADING.sub(lambda found: _with_link(found, link_label), localise(html, locale, under=under))
    html = _TABLE.sub(
        lambda found: (
            f'<div class="table-scroll" role="region" aria-label="{escape(table_label)} {next(numbers)}" tabindex="0">'
            f"{found[0]}</div>"
        ),
        html,
    )
    html = _CALLOUT.sub(
        lambda found: (
            f'<div class="callout {found[1]}" role="note"><p class="callout-label">'
            f"{escape(callout_labels[found[1]])}</p>"
        ),
        html,
    )
    return html.replace("<pre>", '<pre tabindex="0">').replace("<img ", '<img loading="lazy" ')


def _with_link(found: re.Match[str], label: str) -> str:
    heading, name, inner = found[0], found[2], found[3]
    text = escape(" ".join(unescape(re.sub("<[^>]*>", "", inner)).split()))
    # Beside the heading and not in it: a screen reader's list of headings stays the author's.
    link = f'<a class="anchor" href="#{name}" aria-label="{escape(label)}: {text}">#</a>'
    return f'<div class="heading">{heading}{link}</div>'


def article_links(html: str) -> set[str]:
    """The ids of the articles that frozen HTML links to."""
    return set(re.findall(rf'href="{ARTICLE_PREFIX}([^"#]+)', html))


def slugify(text: str) -> str:
    """Lower-case words of any script joined by hyphens; may be empty."""
    text = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"[\s_-]+", "-", re.sub(r"[^\w\s-]", "", text)).strip("-_")


def _tidied(markdown: str) -> str:
    """One kind of line end, no invisible characters that imported texts carry along."""
    text = markdown.replace("\r\n", "\n").replace("\r", "\n").replace("\N{NO-BREAK SPACE}", " ")
    return text.replace("\N{ZERO WIDTH SPACE}", "").replace("\N{ZERO WIDTH NO-BREAK SPACE}", "").replace("\0", "")


def _prepare_headings(state: StateCore) -> None:
    """The page's title is its only h1, so a body's h1 becomes h2; every heading gets an id of its own."""
    used: set[str] = set()
    for position, token in enumerate(state.tokens):
        if token.type not in ("heading_open", "heading_close"):
            continue
        token.tag = "h2" if token.tag == "h1" else token.tag
        if token.type == "heading_open":
            inline = state.tokens[position + 1]
            wanted = _take_explicit_id(inline) or slugify(_plain(inline)) or "section"
            name, count = wanted, 2
            while name in used:
                name, count = f"{wanted}-{count}", count + 1
            used.add(name)
            token.attrSet("id", name)


def _take_explicit_id(inline: Token) -> str:
    last = inline.children[-1] if inline.children else None
    if last is None or last.type != "text" or not (found := _EXPLICIT_ID.search(last.content)):
        return ""
    last.content = last.content[: found.start()]
    return found[1]


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [] if child.type in ("text", "code_inline"))


def _filter_attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "a" and name == "href":
        scheme, _, rest = value.partition(":")
        if scheme.lower() == "article":
            target, hash_mark, fragment = rest.strip().partition("#")
            return f"{ARTICLE_PREFIX}{quote(target, safe='%')}" + (f"#{ID_PREFIX}{fragment}" if hash_mark else "")
        if value.startswith("#") and len(value) > 1:
            return f"#{ID_PREFIX}{value[1:]}"
    if name in ("srcset", "sizes", "width", "height"):  # only as rendering_blocks makes them
        return value if rendering_blocks.is_own(name, value) else None
    if tag == "img" and name == "src" and (not value.startswith("/") or value.startswith("//")):
        return None  # the content policy lets no page load other sites' images; the alternative text stays
    return value


class _Reader(HTMLParser):
    """Reads back the clean HTML: its text, a line a block, and its headings."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.headings: list[Heading] = []
        self._parts: list[str] = []
        self._in_code = False
        self._heading: tuple[int, str, int] | None = None  # level, id, where its text starts in _parts

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_code = self._in_code or tag == "pre"
        if tag in _BLOCKS:
            self._parts.append("\n")
        elif tag in ("td", "th"):
            self._parts.append(" ")
        elif tag == "img":
            self._parts.append(dict(attrs).get("alt") or "")
        if tag in _HEADINGS:
            self._heading = (int(tag[1]), dict(attrs).get("id") or "", len(self._parts))

    def handle_endtag(self, tag: str) -> None:
        if tag in _HEADINGS and self._heading is not None:
            level, name, start = self._heading
            self.headings.append(Heading(level, name, " ".join("".join(self._parts[start:]).split())))
            self._heading = None
        if tag == "pre":
            self._in_code = False
        if tag in _BLOCKS:
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        # Line breaks between tags are the renderer's; only those of code mean something.
        self._parts.append(data if self._in_code else data.replace("\n", " "))

    def text(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self._parts).split("\n"))
        return "\n".join(line for line in lines if line)


_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_markdown.core.ruler.push("headings", _prepare_headings)
rendering_blocks.add_to(_markdown)
_cleaner = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style"},
    attributes={
        "a": {"href", "title"},
        "img": {"src", "alt", "title", "srcset", "sizes", "width", "height"},
        "ol": {"start"},
        **{tag: {"id"} for tag in _HEADINGS},
    },
    allowed_classes=rendering_blocks.CLASSES,
    attribute_filter=_filter_attribute,
    url_schemes={"http", "https", "mailto", "tel", "article"},
    link_rel="noopener",
    id_prefix=ID_PREFIX,
)

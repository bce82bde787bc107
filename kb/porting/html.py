"""HTML of other help centres → our Markdown, and what was lost on the way. Knows no database.

What comes out is source text: kb/rendering.py renders it as it renders everything, and lets nothing through that is not
on its list. Here only that is taken out which readers were never to see (scripts, styles, hidden text), and what
Markdown has no word for is said in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from bs4 import BeautifulSoup, Comment, Tag
from markdownify import ATX, BACKSLASH, MarkdownConverter

from kb.porting.facts import Note

Rewrite = Callable[[str], tuple[str, Note | None]]

_DROPPED = ["script", "style", "template", "noscript", "head", "title", "meta", "link", "base", "svg", "math",
            "form", "input", "button", "select", "textarea", "applet", "frameset", "frame", "noframes"]  # fmt: skip
_FRAMES = ["iframe", "embed", "object", "video", "audio"]
_CALLOUT = re.compile(r"(^|[-_ ])(call-?out|note|tip|warning|alert|info(box)?|caution|important|danger)([-_ ]|$)", re.I)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])", re.I)
_SAFE = {"http", "https", "mailto", "tel"}
_MOST_COLUMNS = 20
_DEEPEST = 120  # tags within tags
_LANGUAGE = re.compile(r"\b(?:language|lang|brush)[-:]\s*([\w+#-]{1,20})")
# Characters that browsers leave out of an address, and that hide its scheme from who reads it.
_UNSEEN = re.compile("[\0- \x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060\ufeff]")


class TooDeep(Exception):
    """Tags stand within tags so deep that no person wrote it."""


@dataclass(frozen=True)
class Converted:
    markdown: str
    notes: tuple[Note, ...]


def convert(html: str, *, link: Rewrite, image: Rewrite, wanted: Collection[str] = ()) -> Converted:
    """The text as Markdown. `link` and `image` say what becomes of an address. Raises TooDeep.

    A heading keeps its id where a link of this text leads to it, or one of another text, which is in `wanted`.
    """
    notes: dict[Note, None] = {}  # each once, in order
    try:
        soup = BeautifulSoup(html, "html.parser")
        _tidy(soup, notes, link, image)
        if (deep := _depth(soup)) > _DEEPEST:
            raise TooDeep(f"{deep} tags stand within each other")
        own = {str(tag["href"])[1:] for tag in soup.find_all("a", href=re.compile("^#."))}
        markdown = _Converter(own.union(wanted)).convert_soup(soup)
    except RecursionError:
        raise TooDeep("its tags stand within each other without end") from None
    lines = (line.rstrip() if not line.endswith("\\") else line for line in markdown.split("\n"))
    return Converted(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n"), tuple(notes))


def plain(html: str, *, most: int) -> str:
    """The words of a short text, cut at a word where it is longer than `most`."""
    words = (
        " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split()) if "<" in html else " ".join(html.split())
    )
    if len(words) <= most:
        return words
    return words[: most - 1].rsplit(" ", 1)[0] + "…"


def _depth(soup: Tag) -> int:
    deepest, level, node = 0, 0, soup
    stack: list[tuple[Tag, int]] = [(node, level)]
    while stack:
        node, level = stack.pop()
        deepest = max(deepest, level)
        stack += [(child, level + 1) for child in node.children if isinstance(child, Tag)]
    return deepest


def _tidy(soup: BeautifulSoup, notes: dict[Note, None], link: Rewrite, image: Rewrite) -> None:
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for tag in soup.find_all(_DROPPED):
        tag.decompose()
    for tag in soup.find_all(lambda tag: tag.has_attr("hidden") or bool(_HIDDEN.search(str(tag.get("style") or "")))):
        if not tag.decomposed:
            if tag.get_text(strip=True):
                notes[Note("body", "Text that readers could not see was left out.")] = None
            tag.decompose()
    for tag in soup.find_all(_FRAMES):
        if not tag.decomposed:
            _frame_to_link(soup, tag, notes)
    for tag in soup.find_all("a"):
        _link(tag, notes, link)
    for tag in soup.find_all("img"):
        _image(tag, notes, image)
    for table in soup.select("table table"):
        table.replace_with(table.get_text(" ", strip=True))
    for cell in soup.find_all(["td", "th"]):
        if not str(cell.get("colspan") or "1").isdigit() or int(str(cell.get("colspan") or 1)) > _MOST_COLUMNS:
            del cell["colspan"]
    for tag in soup.find_all("summary"):
        tag.name = "strong"
        tag.wrap(soup.new_tag("p"))
    for tag in soup.find_all(["div", "aside", "section", "p"]):
        if _is_callout(tag) and tag.find_parent(["blockquote", "td", "th", "li"]) is None:
            tag.name = "blockquote"
    for text in soup.find_all(string=re.compile("[\xa0\u200b\ufeff\xad\0]")):
        text.replace_with(re.sub("[\u200b\ufeff\xad\0]", "", text.replace("\xa0", " ")))


def _is_callout(tag: Tag) -> bool:
    classes = tag.get("class")
    return bool(classes) and any(_CALLOUT.search(name) for name in classes)  # type: ignore[union-attr]


def _seen(address: object) -> str:
    return _UNSEEN.sub(lambda found: " " if found[0] == " " else "", str(address or "")).strip()


def _scheme(address: str) -> str:
    """In small letters; empty for a relative address, "?" where nobody can tell."""
    try:
        return urlsplit(_UNSEEN.sub("", address)).scheme.lower()
    except ValueError:
        return "?"


def _frame_to_link(soup: BeautifulSoup, tag: Tag, notes: dict[Note, None]) -> None:
    source = tag.find("source", src=True)
    address = str(tag.get("src") or tag.get("data") or (source["src"] if isinstance(source, Tag) else ""))
    address = f"https:{address}" if address.startswith("//") else address
    if _scheme(address) not in ("http", "https"):
        notes[Note("body", "Something embedded that has no address of its own was left out.")] = None
        tag.decompose()
        return
    notes[Note("body", f"What the text embedded became a link: {address[:200]}", "See that it still makes sense.")] = (
        None
    )
    named = soup.new_tag("a", href=address)
    named.string = str(tag.get("title") or urlsplit(address).hostname or address)
    paragraph = soup.new_tag("p")
    paragraph.append(named)
    tag.replace_with(paragraph)


def _link(tag: Tag, notes: dict[Note, None], link: Rewrite) -> None:
    href = _seen(tag.get("href"))
    if not href:
        return
    scheme = _scheme(href)
    if scheme and scheme not in _SAFE:
        notes[Note("body", f"A link that is no address of a page was taken out; its text stays: {href[:60]}")] = None
        del tag["href"]
        return
    address, note = (href, None) if href.startswith("#") or scheme in ("mailto", "tel") else link(href)
    if note is not None:
        notes[note] = None
    tag["href"] = address


def _image(tag: Tag, notes: dict[Note, None], image: Rewrite) -> None:
    source = _seen(tag.get("src") or tag.get("data-src"))
    if _scheme(source) not in ("", "http", "https") or not source:
        if source:
            notes[Note("body", "A picture that stood inside the text was left out.", "Upload it on the desk.")] = None
        tag.replace_with(str(tag.get("alt") or ""))
        return
    address, note = image(source)
    if note is not None:
        notes[note] = None
    tag["src"] = address


class _Converter(MarkdownConverter):
    """`wanted` are the ids that links of this text lead to: their headings keep them."""

    def __init__(self, wanted: set[str]) -> None:
        super().__init__(
            heading_style=ATX, bullets="-", newline_style=BACKSLASH, table_infer_header=True, autolinks=False,
        )  # fmt: skip
        self._wanted = wanted

    def escape(self, text: str, parent_tags: set[str]) -> str:
        """Characters that mean something to Markdown, and only where they would."""
        text = re.sub(r"([\\`*\[\]]|(?<!\w)_|_(?!\w))", r"\\\1", text)
        text = re.sub(r"<(?=[a-zA-Z/!?])", r"\\<", text)
        text = re.sub(r"&(?=#?\w+;)", r"\\&", text)
        text = re.sub(r"^(\s*)([#>+-]|~{3,}|={3,})", r"\1\\\2", text, flags=re.M)
        text = re.sub(r"^(\s*\d{1,9})([.)])(?=\s|$)", r"\1\\\2", text, flags=re.M)
        return text.replace("~~", r"\~\~")

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        href = str(el.get("href") or "")
        if not href or "_noformat" in parent_tags or not text.strip():
            return text
        inner = text.strip().replace("\n", " ")
        before = " " if text[0].isspace() else ""
        after = " " if text[-1].isspace() else ""
        return f"{before}[{inner}]({_address(href)}){after}"

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        alt = re.sub(r"([\\\[\]])", r"\\\1", " ".join(str(el.get("alt") or "").split()))
        if "_noformat" in parent_tags:
            return alt
        return f"![{alt}]({_address(str(el.get('src') or ''))})"

    def convert_hN(self, n: int, el: Tag, text: str, parent_tags: set[str]) -> str:
        if "_inline" not in parent_tags and text.strip():
            named = [el, *el.find_all(["a", "span"])]
            ids = [str(tag.get("id") or tag.get("name") or "") for tag in named]
            kept = next((name for name in ids if name in self._wanted and re.fullmatch(r"[\w-]+", name)), "")
            text = f"{text.strip()} {{#{kept}}}" if kept else text
        heading: str = super().convert_hN(n, el, text, parent_tags)  # type: ignore[misc]  # markdownify's stubs lack it
        return heading

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        text = el.get_text().replace("\xa0", " ").strip("\n")
        longest = max((len(run) for run in re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"\n\n{fence}{_language(el)}\n{text}\n{fence}\n\n" if text.strip() else ""

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        text = re.sub(r"(?<!\\)\|", r"\\|", text.replace("\\\n", " "))
        cell: str = super().convert_td(el, text, parent_tags)  # type: ignore[misc]  # markdownify's stubs lack it
        return cell

    convert_th = convert_td

    def convert_dt(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n**{' '.join(text.split())}**\n\n" if text.strip() else ""

    def convert_dd(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n{text.strip()}\n\n" if text.strip() else ""

    def convert_u(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return text


def _language(el: Tag) -> str:
    code = el.find("code")
    classes = [*(el.get("class") or []), *((code.get("class") or []) if isinstance(code, Tag) else [])]
    found = _LANGUAGE.search(" ".join(str(name) for name in classes))
    return found[1] if found else ""


def _address(href: str) -> str:
    """As Markdown takes it between its brackets."""
    return quote(href, safe="/:?#@!$&'*+,;=%~._-[]").replace("[", "%5B").replace("]", "%5D")

"""Which picture files a text shows, and where in the text their names stand. Knows no database.

A text names a picture by the file's path, seen from the text's own file, or from the top where it begins with a slash;
or, as exports of ours do, by its digest. Pictures on other sites are not ours to take, and what stands in code is no
picture.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from markdown_it import MarkdownIt

_ALT = r"(?:[^\[\]\\]|\\.|\[[^\[\]\n]{0,200}\]){0,1000}"
_ADDRESS = r"<[^<>\n]{1,500}>|[^\s<>()]{1,500}(?:\([^\s()]{0,200}\)[^\s<>()]{0,500})?"
_INLINE = re.compile(rf"(?<!\\)!\[(?P<alt>{_ALT})\]\([ \t]*\n?[ \t]*(?P<address>{_ADDRESS})(?=[ \t\n)])", re.DOTALL)
# ![words][name], and elsewhere [name]: path
_USED = re.compile(r"!\[([^\[\]\n]{0,1000})\](?:\[([^\[\]\n]{0,200})\])?")
_NAME = r"^ {0,3}\[(?P<name>[^\[\]\n]{1,200})\]:"
_DEFINITION = re.compile(rf"{_NAME}[ \t]*(?P<address><[^<>\n]{{1,500}}>|[^\s<>]{{1,500}})", re.MULTILINE)
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n[ \t]*\n).){1,1000}?(?<!`)\1(?!`)", re.DOTALL)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.IGNORECASE)
_OURS = re.compile(r"picture:([0-9a-f]{32})(?:-\d{1,4}x\d{1,4})?")
_OUR_FILE = re.compile(r"(?:^|[/-])([0-9a-f]{32})\.webp$")
_ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".svg", ".bmp", ".tif", ".tiff", ".heic", ".avif")

_blocks_of = MarkdownIt("commonmark", {"html": False}).disable("inline")


@dataclass(frozen=True)
class Shown:
    """A picture that a text shows: `address` as it is meant, standing at `start` to `end` of the text.

    `words` is None where they stand elsewhere in the text.
    """

    start: int
    end: int
    address: str
    words: str | None

    @property
    def digest(self) -> str:
        """Of a picture that is named as our texts do."""
        found = _OURS.fullmatch(self.address)
        return found[1] if found else ""


def shown(markdown: str) -> list[Shown]:
    """The pictures of a text that are files or ours, in order."""
    found = [_shown(match, match["alt"]) for match in _INLINE.finditer(markdown)]
    if used := {_label(match[2] or match[1]) for match in _USED.finditer(markdown)}:  # links may be defined so too
        found += [_shown(match, None) for match in _DEFINITION.finditer(markdown) if _label(match["name"]) in used]
    found = [one for one in found if _is_near(one)]
    if not found:
        return []
    code = _code(markdown)
    return sorted(
        (one for one in found if not any(start <= one.start < end for start, end in code)), key=lambda one: one.start
    )


def _shown(match: re.Match[str], words: str | None) -> Shown:
    return Shown(*match.span("address"), _meant(match["address"]), words)


def _label(name: str) -> str:
    return " ".join(name.split()).casefold()


def replaced(markdown: str, names: Callable[[Shown], str]) -> str:
    """The text with another address for each picture that `names` knows one for; "" leaves it."""
    parts, at = [], 0
    for one in shown(markdown):
        if new := names(one):
            parts += [markdown[at : one.start], new]
            at = one.end
    return "".join([*parts, markdown[at:]])


def digest_of(name: str) -> str:
    """The digest that the name of an export's picture file tells; empty for any other."""
    found = _OUR_FILE.search(name)
    return found[1] if found else ""


class Files:
    """The files of a package as texts name them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._exact: dict[str, str] = {}
        self._near: dict[str, str] = {}  # "" where two are alike
        self._ours: dict[str, str] = {}
        for name in names:
            path = name.replace("\\", "/")
            self._exact[path] = name
            near = _near(path)
            self._near[near] = "" if near in self._near else name
            if digest := digest_of(path):
                self._ours.setdefault(digest, name)

    def find(self, one: Shown, file: str) -> str:
        """The name of the file that a text in `file` means; empty where there is none."""
        if one.digest:
            return self._ours.get(one.digest, "")
        path = one.address.replace("\\", "/").partition("?")[0].partition("#")[0]
        if path.startswith("/"):
            return next((found for tried in _from_the_top(path, file) if (found := self._at(tried))), "")
        return self._at(posixpath.normpath(posixpath.join(posixpath.dirname(file.replace("\\", "/")), path)))

    def _at(self, path: str) -> str:
        return self._exact.get(path) or self._near.get(_near(path), "")


def _from_the_top(path: str, file: str) -> Iterator[str]:
    """A folder that was packed as a whole has its top one or more folders down."""
    folders = file.replace("\\", "/").split("/")[:-1]
    for depth in range(len(folders) + 1):
        yield posixpath.normpath("/".join([*folders[:depth], path.lstrip("/")]))


def _near(path: str) -> str:
    """Programs do not agree about capital letters and accents in names."""
    return unicodedata.normalize("NFC", path).casefold()


def _meant(address: str) -> str:
    return unquote(_ESCAPED.sub(r"\1", address.strip().removeprefix("<").removesuffix(">")).strip())


def _is_near(one: Shown) -> bool:
    if one.digest:
        return True
    if _SCHEME.match(one.address) or "\0" in one.address:
        return False
    return one.words is not None or one.address.lower().endswith(_ENDINGS)


def _code(markdown: str) -> list[tuple[int, int]]:
    """Where code begins and ends."""
    starts = [0, *(match.end() for match in re.finditer(r"\n", markdown)), len(markdown)]
    blocks = [
        (starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)])
        for token in _blocks_of.parse(markdown)
        if token.type in ("fence", "code_block") and token.map
    ]
    for start, end in blocks:
        markdown = f"{markdown[:start]}{' ' * (end - start)}{markdown[end:]}"
    return [*blocks, *(match.span() for match in _CODE_SPAN.finditer(markdown))]

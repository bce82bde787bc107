"""What a file is, by its content. Its name and what the browser says of it count for nothing.

Pictures are not decoded: their headers say how large they would become, and that is all that is read.
"""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import BinaryIO

import puremagic
from PIL import Image, UnidentifiedImageError

from contacts import cleaning
from core import webp

_HEAD = 4096  # bytes that tell one format from another
_CHUNK = 64 * 1024
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Kind:
    """A format that we take. The first suffix is the one that a name without any of them gets."""

    content_type: str
    suffixes: tuple[str, ...]


class Trouble(StrEnum):
    """Why a file is not taken for what it is."""

    EMPTY = "empty"
    UNKNOWN = "unknown"  # none of the formats that we take
    BROKEN = "broken"  # a picture whose header cannot be read
    TOO_MANY_PIXELS = "too_many_pixels"


_PICTURES = {
    "JPEG": Kind("image/jpeg", (".jpg", ".jpeg")),
    "MPO": Kind("image/jpeg", (".jpg", ".jpeg")),  # what some phones write: a JPEG with a second one behind it
    "PNG": Kind("image/png", (".png",)),
    "WEBP": Kind("image/webp", (".webp",)),
    "GIF": Kind("image/gif", (".gif",)),
}
_PICTURE_TYPES = {kind.content_type for kind in _PICTURES.values()}
_HEIC = Kind("image/heic", (".heic", ".heif"))
_PDF = Kind("application/pdf", (".pdf",))
_TEXT = Kind("text/plain", (".txt",))
# ISO base media files whose brand says that they hold still pictures; puremagic knows only some of them.
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"heif")
# What no text has, but for tab, line feed, form feed, carriage return.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")


def kind_of(file: BinaryIO, *, max_pixels: int) -> Kind | Trouble:
    """What the bytes of `file` (seekable) are. A picture may have up to `max_pixels`, by its header."""
    file.seek(0)
    head = file.read(_HEAD)
    if not head:
        return Trouble.EMPTY
    types = _types(head)
    if webp.is_webp(head):
        return _webp(head, max_pixels)
    if types & _PICTURE_TYPES:
        return _picture(file, max_pixels)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return _HEIC
    if head.startswith(b"%PDF-"):
        return _PDF
    return _TEXT if _is_text(file) else Trouble.UNKNOWN


def safe_name(name: str, kind: Kind) -> str:
    """The customer's name for a file: one line, no path, an ending that its content earns. Never empty."""
    name = cleaning.line(re.sub(r"[\\/:*?\"<>|]", " ", name.replace("\\", "/").rpartition("/")[2])).strip(". ")
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in kind.suffixes:
        stem, ending = name[: -len(suffix)], suffix
    else:
        stem, ending = name, kind.suffixes[0]
    return (stem[:_LONGEST_NAME].strip(". ") or "file") + ending


def _types(head: bytes) -> set[str]:
    try:
        return {match.mime_type for match in puremagic.magic_string(head)}
    except (puremagic.PureError, ValueError):
        return set()


def _picture(file: BinaryIO, max_pixels: int) -> Kind | Trouble:
    file.seek(0)
    try:
        # Opening reads the header only. Text chunks of a PNG are unpacked there, up to Pillow's own small limits.
        with Image.open(file, formats=("JPEG", "PNG", "GIF")) as picture:
            pixels, name = picture.width * picture.height, picture.format
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Trouble.TOO_MANY_PIXELS
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, OverflowError, struct.error):
        return Trouble.BROKEN
    if pixels > max_pixels:
        return Trouble.TOO_MANY_PIXELS
    return _PICTURES.get(name or "", Trouble.BROKEN)


def _webp(head: bytes, max_pixels: int) -> Kind | Trouble:
    size = webp.size_of(head)
    if size is None:
        return Trouble.BROKEN
    return Trouble.TOO_MANY_PIXELS if size[0] * size[1] > max_pixels else _PICTURES["WEBP"]


def _is_text(file: BinaryIO) -> bool:
    file.seek(0)
    head = file.read(2)
    is_utf16 = head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ("utf-16",) if is_utf16 else ("utf-8", "cp1252"):
        file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while chunk := file.read(_CHUNK):
                if _NOT_TEXT.search(decoder.decode(chunk)):
                    return False
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return True
    return False

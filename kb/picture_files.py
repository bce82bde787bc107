"""A file that an editor gave as a picture into the files that an article's page shows. Pure but for reading the file.

What a picture is, is told by its bytes (puremagic, then Pillow's decoder). A name or a browser that says something else
is a reason to refuse: whoever exported the file does not know what they have. Only pixels go on: no EXIF, no profile,
no text, no place where the photo was taken.
"""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

import puremagic
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from core import webp
from kb import rendering_blocks

MB = 1024 * 1024
MAX_BYTES = 10 * MB
MAX_PIXELS = 50_000_000  # a phone's largest photo; 200 MB of memory while it is read
WIDEST = 1600  # pixels: twice the column of an article
_TALLEST = 6000
_SMALLEST = 8
_QUALITY = 82
_HEAD = 4096
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
_BY_NAME = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "jfif": "JPEG", "webp": "WEBP", "gif": "GIF"}
_OTHERS = ("svg", "bmp", "tif", "tiff", "heic", "heif", "avif", "pdf", "html", "htm", "txt", "exe", "js", "zip")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"heif", b"avif")


class Refused(Exception):
    """This file cannot be a picture of an article; the text says why and what to do. Safe to show."""


@dataclass(frozen=True)
class Made:
    """A picture as pages show it. `half` is empty where the picture is narrow already."""

    digest: str
    width: int
    height: int
    webp: bytes
    half: bytes


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def make(file: _Readable, *, size: int, name: str, declared: str = "") -> Made:
    """The picture in `file` of `size` bytes. `name` is the file's, `declared` the type that the browser said it has.

    Raises Refused.
    """
    if size > MAX_BYTES:
        raise Refused(
            _("This file has %(size)s MB; %(most)s MB is the most. Export it smaller: %(wide)s pixels wide are enough.")
            % {"size": f"{size / MB:.1f}", "most": MAX_BYTES // MB, "wide": WIDEST}
        )
    data = file.read(MAX_BYTES + 1)
    if not data:
        raise Refused(_("This file is empty. Choose it again."))
    kind = _kind(data[:_HEAD])
    if kind is None:
        raise Refused(_not_taken(data))
    _check_what_is_said(kind, name, declared)
    return _made(_opened(data, kind), is_photo=kind == "JPEG")


def made_elsewhere(data: bytes, *, digest: str) -> Made:
    """A picture that another installation made, as it is: made anew it would have another name, and lose a little with
    every move.

    It is decoded and measured like any other, and must be what make() writes: the bytes that `digest` names, pixels and
    nothing else. The variant for phones is made here. Raises Refused.
    """
    if hashlib.sha256(data).hexdigest()[:32] != digest:
        raise Refused(_("Its bytes are not those that its name tells: it was changed, or cut off. Export it again."))
    if not webp.is_bare(data):
        raise Refused(_("This is not a WebP picture as we write them: it carries something else. Export it again."))
    picture = _opened(data, "WEBP")
    if picture.size != webp.size_of(data[:_HEAD]):
        raise Refused(_("This picture is wider than ours are. Give the file another name, so that it is made anew."))
    return Made(digest, *picture.size, data, _half(picture, is_photo=b"VP8L" not in data[:_HEAD]))


def _kind(head: bytes) -> str | None:
    """PNG, JPEG, WEBP or GIF, by the bytes that such a file begins with."""
    if webp.is_webp(head):
        return "WEBP"
    try:
        types = {match.mime_type for match in puremagic.magic_string(head)}
    except (puremagic.PureError, ValueError):
        return None
    return next((kind for mime, kind in _FORMATS.items() if mime in types), None)


def _not_taken(data: bytes) -> str:
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in data[:65536].lower():
        return _("This is an SVG. It can carry scripts, so we do not take it. Export it as PNG, 1600 pixels wide.")
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return _("This is a HEIC or AVIF picture, which many browsers cannot show. Export it as JPEG.")
    return _("This is not a PNG, JPEG, WebP or GIF picture, whatever its name says. Export it as PNG or JPEG.")


def _check_what_is_said(kind: str, name: str, declared: str) -> None:
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower().removeprefix(".")
    by_name = _BY_NAME.get(suffix, suffix.upper() if suffix in _OTHERS else kind)
    by_browser = _FORMATS.get(declared.partition(";")[0].strip().lower(), kind)
    for said in (by_name, by_browser):
        if said != kind:
            raise Refused(
                _("This file says it is a %(said)s, but it holds a %(is)s. Open it and export it as PNG or JPEG.")
                % {"said": said, "is": kind}
            )


def _opened(data: bytes, kind: str) -> Image.Image:
    """The picture upright, at most WIDEST pixels wide, in RGB or RGBA."""
    if kind == "WEBP" and (size := webp.size_of(data[:_HEAD])) is not None:
        _check_size(*size)
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            # The head alone is read so far: a bomb is refused before a pixel of it is unpacked.
            _check_size(*image.size)
            # A phone's JPEG may carry a second one, for depth or for a moving preview: the first is the photo.
            if kind != "JPEG" and getattr(image, "n_frames", 1) > 1:
                raise Refused(_("This picture moves, which not everybody can read beside. Export one frame as PNG."))
            image.draft("RGB", (2 * WIDEST, 2 * _TALLEST))  # of a JPEG: decodes it smaller, in a part of the memory
            image.load()
            picture = _in_8_bits(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused(_too_many_pixels()) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, OverflowError, struct.error) as error:
        raise Refused(
            _("This picture is damaged or cut off: it cannot be read to its end. Export it again.")
        ) from error
    has_holes = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    picture = picture.convert("RGBA" if has_holes else "RGB")
    if picture.width > WIDEST:
        height = max(1, round(picture.height * WIDEST / picture.width))
        picture = picture.resize((WIDEST, height), Image.Resampling.LANCZOS)
    if picture.height > _TALLEST:
        raise Refused(
            _("This picture is %(height)s pixels tall; %(most)s is the most. Cut it into parts, one a step.")
            % {"height": picture.height, "most": _TALLEST}
        )
    return picture


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Refused(_too_many_pixels())
    if min(width, height) < _SMALLEST:
        raise Refused(_("There is hardly anything in this picture: it is under 8 pixels. Export it again."))


def _too_many_pixels() -> str:
    return _("This picture has more than 50 million pixels. Export it smaller: 1600 pixels wide are enough.")


def _in_8_bits(image: Image.Image) -> Image.Image:
    # Pillow would cut 16 bits of grey off at 255, and all of them would be white.
    return image.convert("I").point(lambda level: level * (1 / 256)).convert("L") if image.mode[:1] == "I" else image


def _made(picture: Image.Image, *, is_photo: bool) -> Made:
    full = _encoded(picture, is_photo=is_photo)
    digest = hashlib.sha256(full).hexdigest()[:32]
    return Made(digest, picture.width, picture.height, full, _half(picture, is_photo=is_photo))


def _half(picture: Image.Image, *, is_photo: bool) -> bytes:
    """Half as wide, for phones; empty where it is narrow already."""
    if picture.width < rendering_blocks.HALF_FROM:
        return b""
    size = rendering_blocks.half(picture.width), rendering_blocks.half(picture.height)
    return _encoded(picture.resize(size, Image.Resampling.LANCZOS), is_photo=is_photo)


def _encoded(picture: Image.Image, *, is_photo: bool) -> bytes:
    """WebP; of a screenshot without loss where that is no heavier, since letters stay sharp."""
    clean = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    lossy = io.BytesIO()
    clean.save(lossy, "WEBP", quality=_QUALITY, method=4)
    if is_photo:
        return lossy.getvalue()
    exact = io.BytesIO()
    clean.save(exact, "WEBP", lossless=True, quality=60, method=3)
    return min(exact.getvalue(), lossy.getvalue(), key=len)

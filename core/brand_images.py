"""A file that somebody gave as a logo into the files that pages, tabs and mails show."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from django.utils.translation import gettext as _
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from core import contrast

MAX_BYTES = 1024 * 1024
MAX_SIDE = 2000  # pixels of what is given
MIN_SIDE = 24
_BOX = (400, 80)  # pixels, twice the 200 x 40 in which pages show it
_BUDGET = 12_000  # bytes of the WebP: a page may weigh 40 kB with everything
_SQUARISH = 1.5  # width to height, up to which a logo can be read in a tab
_FORMATS = ("PNG", "JPEG", "WEBP")
_ICON, _TOUCH = 64, 180


class Refused(Exception):
    """This file cannot be a logo; the text says why and what to do. Safe to show."""


@dataclass(frozen=True)
class Logo:
    """What is made of a logo: the fields of core.models.BrandImage."""

    digest: str
    width: int
    height: int
    darkest: float
    lightest: float
    has_own_ground: bool
    webp: bytes
    png: bytes
    icon: bytes
    touch_icon: bytes


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def make(file: _Readable, *, size: int) -> Logo:
    """The logo in `file` of `size` bytes, whatever its name says it is. Raises Refused."""
    if size > MAX_BYTES:
        raise Refused(
            _("This file has %(size)s MB; 1 MB is the most. Export the logo smaller: 400 × 80 pixels are enough.")
            % {"size": f"{size / MAX_BYTES:.1f}"}
        )
    data = file.read(MAX_BYTES + 1)
    if not data:
        raise Refused(_("This file is empty. Choose it again."))
    if _is_svg(data):
        raise Refused(
            _("This is an SVG. It can carry scripts, so we do not take it. Export it as PNG, 400 pixels wide.")
        )
    return _made(_opened(data))


@lru_cache(maxsize=8)
def letter(letter: str, accent: str) -> bytes:
    """A PNG of the letter in white on `accent`, to the very edge: phones round the corners themselves. ASCII only,
    since Pillow's own font has no other letters.
    """
    picture = Image.new("RGB", (_TOUCH, _TOUCH), accent)
    font = ImageFont.load_default(size=_TOUCH * 0.6)
    ImageDraw.Draw(picture).text((_TOUCH / 2, _TOUCH / 2), letter, "white", font, anchor="mm")
    return _encoded(picture, "PNG", optimize=True)


def _opened(data: bytes) -> Image.Image:
    """The picture, upright, in RGBA, without its empty margin."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            # The head alone is read so far: a bomb is refused before a pixel of it is unpacked.
            if max(image.size) > MAX_SIDE:
                raise Refused(
                    _("This picture has %(width)s × %(height)s pixels; %(most)s each way are the most. Shrink it.")
                    % {"width": image.width, "height": image.height, "most": MAX_SIDE}
                )
            if getattr(image, "n_frames", 1) > 1:
                raise Refused(_("This picture moves. A logo has to stand still: export one frame as PNG."))
            image.load()
            picture = _in_8_bits(ImageOps.exif_transpose(image)).convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused(
            _("This picture is far too large to open; %(most)s pixels each way are the most.") % {"most": MAX_SIDE}
        ) from error
    except UnidentifiedImageError as error:
        raise Refused(
            _("This is not a PNG, JPEG or WebP picture, whatever its name says. Export the logo as PNG.")
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # what Pillow's decoders raise of broken files
        raise Refused(
            _("This picture is damaged or cut off: it cannot be read to its end. Export it again.")
        ) from error
    inked = picture.getchannel("A").getbbox()
    if inked is None:
        raise Refused(_("There is nothing in this picture: every pixel is transparent. Export the logo again."))
    picture = picture.crop(inked)
    if min(picture.size) < MIN_SIDE:
        raise Refused(
            _("This picture is only %(width)s × %(height)s pixels. Give one of at least %(least)s, else it is a blur.")
            % {"width": picture.width, "height": picture.height, "least": MIN_SIDE}
        )
    return picture


def _in_8_bits(image: Image.Image) -> Image.Image:
    # Pillow would cut 16 bits of grey off at 255, and all of them would be white.
    return image.convert("I").point(lambda level: level * (1 / 256)).convert("L") if image.mode[:1] == "I" else image


def _made(picture: Image.Image) -> Logo:
    shown = ImageOps.contain(picture, _BOX, Image.Resampling.LANCZOS) if _is_larger(picture) else picture
    png = _encoded(shown, "PNG", optimize=True)
    darkest, lightest = _inks(shown)
    is_squarish = max(picture.size) / min(picture.size) <= _SQUARISH
    return Logo(
        digest=hashlib.sha256(png).hexdigest(),
        width=shown.width,
        height=shown.height,
        darkest=darkest,
        lightest=lightest,
        has_own_ground=shown.getchannel("A").getextrema()[0] == 255,
        webp=_webp(shown),
        png=png,
        icon=_encoded(_square(picture, _ICON), "PNG", optimize=True) if is_squarish else b"",
        touch_icon=_encoded(_on_white(_square(picture, _TOUCH, margin=18)), "PNG", optimize=True)
        if is_squarish
        else b"",
    )


def _is_larger(picture: Image.Image) -> bool:
    return picture.width > _BOX[0] or picture.height > _BOX[1]


def _webp(picture: Image.Image) -> bytes:
    """Without loss where that fits the budget, else as good as does."""
    found = _encoded(picture, "WEBP", lossless=True, quality=80, method=4)
    for quality in (90, 75, 60, 45):
        if len(found) <= _BUDGET:
            break
        found = _encoded(picture, "WEBP", quality=quality, method=4)
    return found


def _encoded(picture: Image.Image, kind: str, **options: int | bool) -> bytes:
    # Nothing of the given file goes on but its pixels: no EXIF, no profile, no text.
    out = io.BytesIO()
    Image.frombytes(picture.mode, picture.size, picture.tobytes()).save(out, kind, **options)
    return out.getvalue()


def _square(picture: Image.Image, side: int, *, margin: int = 0) -> Image.Image:
    inner = ImageOps.contain(picture, (side - 2 * margin, side - 2 * margin), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (side, side), (255, 255, 255, 0))
    square.paste(inner, ((side - inner.width) // 2, (side - inner.height) // 2))
    return square


def _on_white(picture: Image.Image) -> Image.Image:
    ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return Image.alpha_composite(ground, picture).convert("RGB")


def _inks(picture: Image.Image) -> tuple[float, float]:
    """The relative luminances under and over which a fifth of the ink lies, each pixel counted by how opaque it is.

    Not the mean: of dark letters beside a bright sign it would say that they can be seen at night.
    """
    small = picture.resize((min(picture.width, 64), min(picture.height, 32)))
    raw = small.tobytes()  # red, green, blue, alpha, pixel by pixel
    inks = sorted((contrast.luminance(f"#{raw[at : at + 3].hex()}"), raw[at + 3]) for at in range(0, len(raw), 4))
    fifth = sum(opacity for _light, opacity in inks) / 5
    return _after(inks, fifth), _after(inks[::-1], fifth)


def _after(inks: list[tuple[float, int]], amount: float) -> float:
    passed = 0
    for light, opacity in inks:
        passed += opacity
        if passed >= amount and opacity:
            return light
    raise ValueError("no ink")


def _is_svg(data: bytes) -> bool:
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in data[:65536].lower()

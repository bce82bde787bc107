"""What people upload as a logo."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, ImageDraw

from core import brand_images


def picture(width: int = 600, height: int = 120, *, kind: str = "PNG", mode: str = "RGBA", **options) -> bytes:
    image = Image.new(mode, (width, height), (0,) * len(mode))
    ink = (29, 92, 66, 255)[: len(mode)]
    ImageDraw.Draw(image).rectangle((0, 0, width - 1, height - 1), outline=ink, width=max(1, height // 8))
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def made(data: bytes) -> brand_images.Logo:
    return brand_images.make(io.BytesIO(data), size=len(data))


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it has so many pixels, in a hundred bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def moving(kind: str) -> bytes:
    frames = [Image.new("RGBA", (100, 100), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_logo_is_re_encoded_at_twice_the_size_it_is_shown_in(kind):
    logo = made(picture(1200, 240, kind=kind, mode="RGB" if kind == "JPEG" else "RGBA"))
    assert (logo.width, logo.height) == (400, 80)
    for data, form in ((logo.webp, "WEBP"), (logo.png, "PNG")):
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size) == (form, (400, 80))
    assert len(logo.webp) <= 12_000
    assert logo.has_own_ground == (kind == "JPEG")


def test_a_small_logo_is_not_blown_up_and_its_empty_margin_is_cut():
    image = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((100, 100, 139, 139), fill=(10, 10, 10, 255))
    out = io.BytesIO()
    image.save(out, "PNG")
    assert (made(out.getvalue()).width, made(out.getvalue()).height) == (40, 40)


def test_a_squarish_logo_is_an_icon_too_and_a_wide_one_is_not():
    square, wide = made(picture(300, 280)), made(picture(600, 120))
    with Image.open(io.BytesIO(square.icon)) as icon, Image.open(io.BytesIO(square.touch_icon)) as touch:
        assert icon.size == (64, 64)
        assert (touch.size, touch.mode) == ((180, 180), "RGB")
    assert wide.icon == wide.touch_icon == b""


def test_the_same_picture_has_the_same_digest_whatever_it_carries():
    bare, told = picture(kind="JPEG", mode="RGB"), picture(kind="JPEG", mode="RGB", comment=b"taken at home")
    assert bare != told
    assert made(bare).digest == made(told).digest
    assert b"taken at home" not in made(told).png


def test_white_and_black_logos_are_told_apart():
    white, black = (Image.new("RGBA", (100, 50), (level, level, level, 255)) for level in (255, 0))
    light, dark = io.BytesIO(), io.BytesIO()
    white.save(light, "PNG")
    black.save(dark, "PNG")
    assert made(light.getvalue()).darkest == pytest.approx(1)
    assert made(dark.getvalue()).lightest == pytest.approx(0)


def test_dark_letters_beside_a_bright_sign_are_not_averaged_away():
    image = Image.new("RGBA", (200, 50), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 49, 49), fill=(255, 230, 0, 255))
    draw.rectangle((60, 10, 199, 30), fill=(10, 10, 30, 255))
    out = io.BytesIO()
    image.save(out, "PNG")
    logo = made(out.getvalue())
    assert logo.darkest < 0.01
    assert logo.lightest > 0.7


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"<html><script>alert(1)</script>", "not a PNG, JPEG or WebP"),
        (b"GIF89a" + bytes(200), "not a PNG, JPEG or WebP"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'\xef\xbb\xbf <?xml version="1.0"?><svg onload="x"/>', "SVG"),
        (picture()[:200], "damaged or cut off"),
        (picture(kind="JPEG", mode="RGB")[:-400], "damaged or cut off"),
        (picture(2001, 100), "2000 each way"),
        (bomb(50_000, 50_000), "far too large"),
        (bomb(12_000, 12_000), "far too large"),  # Pillow's warning, an error in these tests
        (bomb(1900, 1900), "damaged or cut off"),
        (picture(1, 1), "only 1 × 1"),
        (picture(300, 10), "only 300 × 10"),
        (moving("PNG"), "moves"),
        (moving("WEBP"), "moves"),
    ],
)
def test_what_cannot_be_a_logo_is_refused_with_the_reason(data, says):
    with pytest.raises(brand_images.Refused, match=says):
        made(data)


def test_an_all_transparent_picture_is_refused():
    out = io.BytesIO()
    Image.new("RGBA", (100, 100), (0, 0, 0, 0)).save(out, "PNG")
    with pytest.raises(brand_images.Refused, match="every pixel is transparent"):
        made(out.getvalue())


def test_a_file_that_is_too_large_is_refused_unread():
    class Untouchable:
        def read(self, size: int, /) -> bytes:
            raise AssertionError("was read")

    with pytest.raises(brand_images.Refused, match=r"50\.0 MB; 1 MB is the most"):
        brand_images.make(Untouchable(), size=50 * 1024 * 1024)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "I;16", "CMYK"])
def test_every_kind_of_pixel_is_read(mode):
    out = io.BytesIO()
    grey = Image.new("L", (100, 50), 40)
    image = Image.new("I;16", (100, 50), 40 * 256) if mode == "I;16" else grey.convert(mode)
    image.save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert made(out.getvalue()).lightest < 0.2

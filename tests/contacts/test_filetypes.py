"""What a file is, by its bytes; and what a name may look like afterwards."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.filetypes import Kind, Trouble, kind_of, safe_name
from tests.contacts import samples

MEGAPIXELS = 64_000_000
JPEG = Kind("image/jpeg", (".jpg", ".jpeg"))


def growth(content: bytes) -> tuple[int, str]:
    """By how many bytes the process's peak memory grew while the file was looked at, in a process of its own."""
    code = (
        "import io, resource, sys; from PIL import Image; from contacts.filetypes import kind_of;"
        "kind_of(io.BytesIO(b'GIF89a' + bytes(9)), max_pixels=1); data = io.BytesIO(sys.stdin.buffer.read());"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024; before = peak();"
        "found = kind_of(data, max_pixels=64_000_000); print(peak() - before, getattr(found, 'content_type', found))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], input=content, capture_output=True, check=True)
    grown, found = done.stdout.decode().split()
    return int(grown), found


def of(content: bytes) -> str:
    found = kind_of(io.BytesIO(content), max_pixels=MEGAPIXELS)
    return found.content_type if isinstance(found, Kind) else found


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (samples.picture("JPEG"), "image/jpeg"),
        (samples.picture("PNG"), "image/png"),
        (samples.picture("WEBP"), "image/webp"),
        (samples.picture("GIF"), "image/gif"),
        (samples.HEIC, "image/heic"),
        (samples.HEIC.replace(b"ftypheic", b"ftypmif1"), "image/heic"),
        (samples.PDF, "application/pdf"),
        ("Where is it? Größe 40 – danke\n".encode(), "text/plain"),
        ("Größe".encode("cp1252"), "text/plain"),
        ("﻿Größe".encode("utf-16"), "text/plain"),
        (b"BM is how this text begins, and a bitmap", "text/plain"),
    ],
)
def test_what_we_take_is_told_by_its_content(content, kind):
    assert of(content) == kind


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"", Trouble.EMPTY),
        (b"MZ" + b"\0" * 300, Trouble.UNKNOWN),
        (b"PK\x03\x04" + b"\0" * 300, Trouble.UNKNOWN),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\0" * 50, Trouble.UNKNOWN),
        (b"\x7fELF" + b"\x01" * 90, Trouble.UNKNOWN),
        (samples.picture("BMP"), Trouble.UNKNOWN),
        (samples.picture("TIFF"), Trouble.UNKNOWN),
        (b"hello\0world", Trouble.UNKNOWN),
        (samples.picture("PNG")[:20], Trouble.BROKEN),
        (b"\xff\xd8\xff\xe0" + b"no jpeg at all" * 9, Trouble.BROKEN),
        (samples.picture("WEBP")[:18], Trouble.BROKEN),
    ],
)
def test_what_we_do_not_take_is_told_apart(content, trouble):
    assert of(content) is trouble


def test_a_large_photo_of_a_phone_is_taken_and_one_pixel_row_too_many_is_not():
    assert of(samples.picture("JPEG", size=(8000, 8000))) == "image/jpeg"
    assert of(samples.picture("JPEG", size=(8000, 8001))) is Trouble.TOO_MANY_PIXELS


@pytest.mark.parametrize("bomb", [samples.png_bomb, samples.webp_bomb], ids=["png", "webp"])
def test_a_decompression_bomb_is_told_by_its_header_and_never_unpacked(bomb):
    content = bomb()
    assert len(content) < samples.MB
    grown, found = growth(content)
    assert found == Trouble.TOO_MANY_PIXELS
    assert grown < 20 * samples.MB, f"it took {grown} bytes"


def test_a_text_chunk_that_unpacks_to_200_mb_is_not_unpacked():
    content = samples.png_with_a_text_bomb()
    assert len(content) < samples.MB
    grown, found = growth(content)
    assert found in (Trouble.BROKEN, "image/png")
    assert grown < 20 * samples.MB, f"it took {grown} bytes"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("photo.JPG", "photo.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Users\\ada\\photo.jpeg", "photo.jpeg"),
        ("invoice.exe", "invoice.exe.jpg"),
        ("x\u202egpj.exe", "x gpj.exe.jpg"),
        ("a\x00b\r\nc.jpg", "a b c.jpg"),
        ('re: "odd" <name>.jpg', "re odd name.jpg"),
        ("...", "file.jpg"),
        ("", "file.jpg"),
        (".jpg", "jpg.jpg"),
        ("写真.jpg", "写真.jpg"),
    ],
)
def test_a_name_becomes_safe_and_its_ending_true(given, kept):
    assert safe_name(given, JPEG) == kept


@settings(max_examples=300, deadline=None)
@given(name=st.text(max_size=400))
def test_no_name_breaks_out(name):
    kept = safe_name(name, JPEG)
    assert kept.endswith((".jpg", ".jpeg"))
    assert not set(kept) & set('/\\:*?"<>|\0\r\n')
    assert not kept.startswith(".")
    assert len(kept) <= 120


@settings(max_examples=300, deadline=None)
@given(
    content=st.binary(max_size=300),
    head=st.sampled_from([b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF0000WEBPVP8X", b"%PDF-"]),
)
def test_no_bytes_break_the_check(content, head):
    kind_of(io.BytesIO(head + content), max_pixels=MEGAPIXELS)

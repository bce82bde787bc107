"""Real files of every kind that the form takes, and of some that it does not."""

from __future__ import annotations

import io
import struct
import zlib

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

MB = 1024 * 1024


def picture(format: str = "PNG", *, size: tuple[int, int] = (30, 20), colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, format)
    return out.getvalue()


def png_bomb(*, side: int = 30_000) -> bytes:
    """A whole, valid PNG of side × side black pixels: 0.9 thousand million of them in about 110 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + side // 8 + (side % 8 > 0))  # one bit a pixel
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png_with_a_text_bomb() -> bytes:
    """A small picture with a zTXt chunk that unpacks to 200 MB."""
    whole = picture()
    packer = zlib.compressobj(9)
    data = b"Comment\0\0" + b"".join(packer.compress(b"\0" * MB) for _ in range(200)) + packer.flush()
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    after_header = 8 + 25
    return whole[:after_header] + chunk + whole[after_header:]


def webp_bomb() -> bytes:
    """A WebP whose header claims 16384 × 16384 pixels: a decoder would reserve a gigabyte at once."""
    side = (16_383).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + side + side
    return b"RIFF" + struct.pack("<I", len(body)) + body


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 200
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def upload(name: str, content: bytes, content_type: str = "application/octet-stream") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type)

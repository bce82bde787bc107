"""How large a WebP picture says it is, and what else it carries, read by ourselves.

Pillow reserves the memory of the whole canvas that the header claims as soon as it opens such a file.
"""

from __future__ import annotations


def is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def size_of(head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels by the first 30 bytes of a WebP; None where they are not its header."""

    def number(start: int, end: int) -> int:
        return int.from_bytes(head[start:end], "little")

    if len(head) < 30:
        return None
    match head[12:16]:
        case b"VP8X":
            return number(24, 27) + 1, number(27, 30) + 1
        case b"VP8L":
            return (number(21, 25) & 0x3FFF) + 1, (number(21, 25) >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return number(26, 28) & 0x3FFF, number(28, 30) & 0x3FFF
    return None


def is_bare(data: bytes) -> bool:
    """Whether the file holds one still picture's pixels and nothing else: no EXIF, no profile, nothing behind it.

    https://developers.google.com/speed/webp/docs/riff_container
    """
    if not is_webp(data) or int.from_bytes(data[4:8], "little") + 8 != len(data):
        return False
    at, chunks = 12, []
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        chunks.append(data[at : at + 4])
        if chunks[-1] == b"VP8X" and data[at + 8 : at + 9] not in (b"\x00", b"\x10"):  # only that it is transparent
            return False
        at += 8 + size + size % 2
    if at != len(data):
        return False
    return chunks in ([b"VP8 "], [b"VP8L"], [b"VP8X", b"ALPH", b"VP8 "], [b"VP8X", b"VP8 "], [b"VP8X", b"VP8L"])

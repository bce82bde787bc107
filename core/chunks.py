"""Bytes as they come, cut anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def in_parts(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Parts of `size` bytes, and the rest at the end: fewer, perhaps none, so that there is always one part."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    yield bytes(waiting)

"""Named arrays in one side file, read piece by piece; and sorted words to look things up in.

A side file: the magic, the length of the directory, the directory (JSON: {name: [dtype, offset, items]}), the arrays.
Pieces are read by pread and never mapped: a file that is cut short under a reader raises IndexDamaged, where a mapped
page would kill the process (SIGBUS). The page cache is shared by all processes of the host all the same.
"""

from __future__ import annotations

import errno
import json
import os
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from kb.search.engine import EngineUnavailable, IndexDamaged

Array = npt.NDArray[Any]

_MAGIC = b"PREARR2\n"
_HEAD = struct.Struct("<8sI")
_ALIGN = 64
_APART = 64  # of a vocabulary, one word in so many is held in memory


class Arrays(Protocol):
    """Arrays by name, wherever they are."""

    def length(self, name: str) -> int:
        """How many items; 0 where there is no such array."""

    def whole(self, name: str) -> Array: ...

    def part(self, name: str, start: int, stop: int) -> Array: ...

    def text(self, name: str) -> bytes:
        """The whole of an array of bytes."""


class ArraysInMemory:
    """See Arrays."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays

    def length(self, name: str) -> int:
        return len(self._arrays[name]) if name in self._arrays else 0

    def whole(self, name: str) -> Array:
        return self._arrays[name]

    def part(self, name: str, start: int, stop: int) -> Array:
        return self._arrays[name][start:stop]

    def text(self, name: str) -> bytes:
        return self._arrays[name].tobytes()


class ArrayFile:
    """See Arrays; thread-safe. Every reading call raises IndexDamaged where the file is shorter than it was."""

    def __init__(self, path: Path) -> None:
        self._name = f"{path.parent.name}/{path.name}"
        try:
            self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise trouble(self._name, error) from error
        magic, length = _HEAD.unpack(self._read(0, _HEAD.size))
        try:
            if magic != _MAGIC:
                raise ValueError("not a side file")
            directory = json.loads(self._read(_HEAD.size, length))
            self._directory = {name: (np.dtype(kind), at, items) for name, (kind, at, items) in directory.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise IndexDamaged(f"{self._name}: {error}") from error

    def __del__(self, close: Callable[[int], None] = os.close) -> None:  # when Python ends, `os` may be gone before
        # Whoever still reads from it holds it; the last one closes it.
        if (descriptor := getattr(self, "descriptor", -1)) >= 0:
            close(descriptor)

    def length(self, name: str) -> int:
        return int(self._directory[name][2]) if name in self._directory else 0

    def whole(self, name: str) -> Array:
        return self.part(name, 0, self.length(name))

    def part(self, name: str, start: int, stop: int) -> Array:
        kind, at, items = self._directory[name]
        if not 0 <= start <= stop <= items:
            raise IndexDamaged(f"{self._name}: {name} has no items {start} to {stop}")
        content = self._read(at + start * kind.itemsize, (stop - start) * kind.itemsize)
        return np.frombuffer(content, kind)

    def text(self, name: str) -> bytes:
        _kind, at, items = self._directory[name]
        return self._read(at, items)

    def _read(self, at: int, size: int) -> bytes:
        content = os.pread(self.descriptor, size, at)
        if len(content) != size:
            raise IndexDamaged(f"{self._name}: shorter than it was written")
        return content


def trouble(what: str, error: Exception) -> IndexDamaged | EngineUnavailable:
    """What to raise: a file that is gone or unreadable makes the index useless, a process without room does not."""
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES):
        return EngineUnavailable(f"{what}: {error.strerror}")
    return IndexDamaged(f"{what}: {error}")


def write(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a side file."""
    directory: dict[str, list[Any]] = {name: [array.dtype.str, 0, len(array)] for name, array in arrays.items()}
    # The offsets are padded to a fixed width, so that the directory's own length does not depend on them.
    at = _aligned(_HEAD.size + len(json.dumps(directory)) + 20 * len(directory))
    first = at
    for name, array in arrays.items():
        directory[name][1] = at
        at = _aligned(at + array.nbytes)
    text = json.dumps(directory).encode()
    with path.open("wb") as file:
        file.write(_HEAD.pack(_MAGIC, len(text)) + text)
        file.write(b"\0" * (first - file.tell()))
        for name, array in arrays.items():
            file.write(b"\0" * (directory[name][1] - file.tell()))
            file.write(np.ascontiguousarray(array).data)


def narrow(values: Array) -> Array:
    """The same whole numbers in the smallest type that holds them."""
    return (
        values.astype(np.promote_types(np.min_scalar_type(values.min()), np.min_scalar_type(values.max())))
        if len(values)
        else values
    )


def _aligned(at: int) -> int:
    return -(-at // _ALIGN) * _ALIGN


def of_words(name: str, words: Iterable[str]) -> dict[str, Array]:
    """The arrays of words in order, for SortedWords to read under the same name."""
    encoded = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.uint32)
    return {f"{name}_text": np.frombuffer(b"".join(encoded), np.uint8), f"{name}_ends": ends}


class SortedWords:
    """Words in the order of their code points, found by halving. The text is held in memory, not the words."""

    def __init__(self, arrays: Arrays, name: str) -> None:
        self._text = arrays.text(f"{name}_text")
        self._ends = arrays.whole(f"{name}_ends")

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> bytes:
        return self._text[self._ends[number] : self._ends[number + 1]]

    def word(self, number: int) -> str:
        return self[number].decode()

    def find(self, word: str) -> int:
        """The word's number; -1 where it is not among them."""
        encoded = word.encode(errors="surrogatepass")
        number = bisect_left(self, encoded)
        return number if number < len(self) and self[number] == encoded else -1

    def starting_with(self, prefix: str) -> range:
        """The numbers of the words that start so."""
        encoded = prefix.encode(errors="surrogatepass")
        first = bisect_left(self, encoded)
        # No UTF-8 text holds the byte 0xff.
        return range(first, bisect_left(self, encoded + b"\xff", lo=first))


def of_vocabulary(name: str, words: Sequence[str]) -> dict[str, Array]:
    """The arrays of words in order, for Vocabulary to read under the same name."""
    return of_words(name, words) | of_words(f"{name}_posts", words[::_APART])


class Vocabulary:
    """As SortedWords, for more words than one would read at once: every 64th is held, the rest is looked up."""

    def __init__(self, arrays: Arrays, name: str) -> None:
        self._arrays = arrays
        self._name = name
        self._posts = SortedWords(arrays, f"{name}_posts")
        self._length = arrays.length(f"{name}_ends") - 1

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        words = SortedWords(self._arrays, self._name)
        return (words[number] for number in range(len(words)))

    def word(self, number: int) -> str:
        text, ends = self._part(number, number + 1)
        return text[: ends[1] - ends[0]].decode()

    def find(self, word: str) -> int:
        """The word's number; -1 where it is not among them."""
        encoded = word.encode(errors="surrogatepass")
        low = first = (bisect_right(self._posts, encoded) - 1) * _APART
        if first < 0:
            return -1
        high = last = min(first + _APART, self._length)
        text, ends = self._part(first, last)
        start = ends[0]
        while low < high:
            middle = (low + high) // 2
            found = text[ends[middle - first] - start : ends[middle - first + 1] - start]
            if found == encoded:
                return middle
            if found < encoded:
                low = middle + 1
            else:
                high = middle
        return -1

    def _part(self, start: int, stop: int) -> tuple[bytes, list[int]]:
        """The text of some words that follow each other, and where it begins and each of them ends in the whole."""
        ends: list[int] = self._arrays.part(f"{self._name}_ends", start, stop + 1).tolist()
        return self._arrays.part(f"{self._name}_text", ends[0], ends[-1]).tobytes(), ends

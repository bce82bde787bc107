"""Any shop's CSV file: its encoding and separator found out, its rows one by one, a broken one costs one row. Pure."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from notifications.intake.tables import Refusal, UnusableFile

UTF8, UTF16, WINDOWS = "utf-8-sig", "utf-16", "cp1252"
ENCODINGS = {UTF8: "UTF-8", UTF16: "UTF-16", WINDOWS: "Windows-1252"}
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_PEEK_ROWS = 50
_CHUNK = 1 << 20
_BLOCK = 500  # lines
_LONGEST_ROW = 200  # lines that a quoted cell may run over before its quotation mark counts as a stray one
_BAD = re.compile("[\udc80-\udcff]")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)


@dataclass(frozen=True)
class Format:
    """How a file is to be read. `skip`: lines before the header."""

    encoding: str
    separator: str
    header: tuple[str, ...]
    skip: int = 0

    def __str__(self) -> str:
        return f"{ENCODINGS[self.encoding]}, separated by {SEPARATORS.get(self.separator, self.separator)}s"


@dataclass(frozen=True)
class Cells:
    """One row: its number as a spreadsheet counts (the header is 1), and its cells, as many as the header names."""

    row: int
    values: list[str]


@dataclass(frozen=True)
class Broken:
    """A row that cannot be used, why, and what of its cells could be read."""

    refusal: Refusal
    values: list[str]


def detect(path: Path) -> Format:
    """Encoding, separator and header. Raises UnusableFile."""
    encoding = _encoding(path)
    with _open(path, encoding) as file:
        lines = list(islice(file, _PEEK_ROWS * 4))
    skip, told = 0, ""
    while lines and not lines[0].strip():
        lines, skip = lines[1:], skip + 1
    if lines and (match := _SEPARATOR_LINE.match(lines[0])):  # what Excel writes and understands
        lines, skip, told = lines[1:], skip + 1, match[1]
    if not lines:
        raise UnusableFile(f"{path.name}: the file is empty. Export it again, with the names of the columns on top.")
    separator = told or max(SEPARATORS, key=lambda one: _fit(lines, one))
    header = next(_split(iter(lines), separator, None), None)
    if header is None or isinstance(header[1], str) or not any(cell.strip() for cell in header[1]):
        raise UnusableFile(f"{path.name}, row 1: no names of columns. The first row must name them.")
    return Format(encoding, separator, _named(header[1]), skip)


def rows(path: Path, how: Format) -> Iterator[Cells | Broken]:
    """Every row that is not blank. A quoted cell may hold line breaks; a quotation mark never closed costs its row."""
    width = len(how.header)
    with _open(path, how.encoding) as file:
        split = _split(islice(file, how.skip, None), how.separator, width)
        next(split, None)
        for number, cells in split:
            row = number + how.skip
            if isinstance(cells, str):
                remedy = "Close every quotation mark; double one inside a text."
                yield Broken(Refusal(path.name, row, "", "a quotation mark is not closed", remedy), [cells])
                continue
            if len(cells) != width:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
                    cells = cells[:width]  # a spreadsheet's empty columns
                else:
                    yield Broken(_uneven(path.name, row, cells, how), cells)
                    continue
            text = "".join(cells)
            if not text.isascii() and _BAD.search(text):
                yield Broken(_undecoded(path.name, row, cells, how), cells)
            elif "\0" in text:
                yield Broken(Refusal(path.name, row, "", "holds a NUL character", "Remove it."), cells)
            elif text.strip():
                yield Cells(row, [cell.strip() for cell in cells])


def _open(path: Path, encoding: str) -> TextIO:
    try:
        # surrogateescape: a byte that is no text spoils its own row only.
        return path.open(encoding=encoding, errors="replace" if encoding == UTF16 else "surrogateescape", newline="")
    except OSError as error:
        raise UnusableFile(f"{path}: {error.strerror}. Name a CSV file that can be read.") from None


def _encoding(path: Path) -> str:
    """By its mark; else UTF-8, unless more of what is not ASCII is no UTF-8 than is."""
    good = bad = 0
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return UTF16
            file.seek(0)
            if b"\0" in file.read(_CHUNK):
                raise UnusableFile(f"{path.name}: this is no text. Save the table as CSV and import that.")
            file.seek(0)
            decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
            while chunk := file.read(_CHUNK):
                if chunk.isascii() and not decoder.getstate()[0]:
                    continue
                foreign = [char for char in decoder.decode(chunk) if char > "\x7f"]
                broken = sum("\udc80" <= char <= "\udcff" for char in foreign)
                good, bad = good + len(foreign) - broken, bad + broken
    except OSError as error:
        raise UnusableFile(f"{path}: {error.strerror}. Name a CSV file that can be read.") from None
    return WINDOWS if bad > good else UTF8


def _fit(lines: list[str], separator: str) -> tuple[int, int]:
    """How well a separator fits: rows as wide as the header, times that width."""
    found = [cells for _row, cells in islice(_split(iter(lines), separator, None), _PEEK_ROWS)]
    if not found or isinstance(found[0], str):
        return 0, 0
    width = len(found[0])
    even = sum(not isinstance(cells, str) and len(cells) == width for cells in found)
    return (even * (width - 1), width)


def _split(lines: Iterator[str], separator: str, width: int | None) -> Iterator[tuple[int, list[str] | str]]:
    """(row, cells) of each row; (row, its first line) where a quotation mark is not closed.

    `width`: what a row should have, where that is known.
    """
    waiting: deque[str] = deque()
    number = 0
    while True:
        if not waiting and width is not None and number:
            # Mostly a line is a row, and many of them are split at once.
            block = list(islice(lines, _BLOCK))
            if (many := _parse_all(block, separator, width)) is not None:
                for cells in many:
                    number += 1
                    yield number, cells
                if len(block) < _BLOCK:
                    return
                continue
            waiting.extend(block)
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            return
        number += 1
        if '"' not in line:
            yield number, line.rstrip("\r\n").split(separator)
            continue
        alone = _parse([line], separator)
        if alone is not None:
            yield number, alone
            continue
        whole: list[str] | None = None
        taken, quotes = [line], line.count('"')
        while len(taken) < _LONGEST_ROW and (more := waiting.popleft() if waiting else next(lines, None)) is not None:
            taken.append(more)
            quotes += more.count('"')
            if quotes % 2 == 0 and '"' in more:
                whole = _parse(taken, separator)
                if whole is not None and (width is None or len(whole) == width):
                    break
                whole = None
        if whole is None:
            waiting.extendleft(reversed(taken[1:]))
            yield number, line.rstrip("\r\n")
        else:
            yield number, whole


def _parse_all(lines: list[str], separator: str, width: int) -> list[list[str]] | None:
    """The cells of each line; None where not every line is a whole row."""
    with suppress(csv.Error):
        found = list(csv.reader(lines, delimiter=separator, strict=True))
        if len(found) == len(lines) and all(len(cells) == width for cells in found):
            return found
    return None


def _parse(lines: list[str], separator: str) -> list[str] | None:
    with suppress(csv.Error):
        found = list(csv.reader(lines, delimiter=separator, strict=True))
        if len(found) == 1:
            return found[0]
    return None


def _named(cells: list[str]) -> tuple[str, ...]:
    """The columns' names, each once and none empty."""
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = " ".join(cell.split()) or f"column {place}"
        name = _BAD.sub("?", name)
        again = 2
        while name in names:
            name, again = f"{name.removesuffix(f' ({again - 1})')} ({again})", again + 1
        names.append(name)
    return tuple(names)


def _uneven(file: str, row: int, cells: list[str], how: Format) -> Refusal:
    field = how.header[len(cells)] if len(cells) < len(how.header) else ""
    problem = f"{len(cells)} cells where the header names {len(how.header)}"
    return Refusal(file, row, field, problem, "Is the row cut off, or a text with the separator not in quotes?")


def _undecoded(file: str, row: int, cells: list[str], how: Format) -> Refusal:
    field = next(name for name, cell in zip(how.header, cells, strict=True) if _BAD.search(cell))
    said = ENCODINGS[how.encoding]
    return Refusal(file, row, field, f"holds bytes that are not {said} text", "Save the file as UTF-8.")

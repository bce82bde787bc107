"""CSV tables read row by row, so that one broken row costs one row."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


class UnusableFile(Exception):
    """A file that nothing can be read from. The text says which, why, and what to do."""


@dataclass(frozen=True)
class Refusal:
    """A row that was left out: where it is, what is wrong, what to do. `row` counts from 1, the header being 1."""

    file: str
    row: int
    field: str
    problem: str
    remedy: str
    key: str = ""  # the first of the wanted columns, where it could be read: what the row would have belonged to

    def __str__(self) -> str:
        place = f"{self.file}, row {self.row}" + (f", {self.field}" if self.field else "")
        return f"{place}: {self.problem}. {self.remedy}"


@dataclass(frozen=True)
class Row:
    """One readable row of a table."""

    file: str
    number: int
    values: dict[str, str]

    def __getitem__(self, field: str) -> str:
        return self.values[field]

    def refuse(self, field: str, problem: str, remedy: str) -> Refusal:
        return Refusal(self.file, self.number, field, problem, remedy)


def read_table(path: Path, columns: Sequence[str]) -> Iterator[Row | Refusal]:
    """The rows of a CSV file with at least these columns, one physical line a row.

    Read line by line, because a lone quotation mark would otherwise swallow every row up to the next one.
    Raises UnusableFile for a missing or unreadable file, or one without these columns.
    """
    try:
        # surrogateescape: a byte that is not UTF-8 spoils its own field only.
        file = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except FileNotFoundError:
        raise UnusableFile(f"{path}: there is no such file. Name the folder that holds {path.name}.") from None
    except OSError as error:
        raise UnusableFile(f"{path}: cannot be read ({error.strerror}). Make it readable and start again.") from error
    with file:
        header = _cells(file.readline())
        missing = [column for column in columns if header is None or column not in header]
        if header is None or missing:
            found = ", ".join(_shown(name) for name in header) if header else "nothing readable"
            raise UnusableFile(
                f"{path}, row 1: missing column{'s' if len(missing) > 1 else ''} {', '.join(missing)} "
                f"(found: {found}). The first row must name the columns, separated by commas."
            )
        for number, line in enumerate(file, start=2):
            if line.strip():
                yield _row(path.name, number, line, header, header.index(columns[0]))


def _row(file: str, number: int, line: str, header: list[str], key_at: int) -> Row | Refusal:
    cells = _cells(line)
    if cells is None:
        return Refusal(file, number, "", "a quotation mark is not closed", "Close it or double it inside the field.")
    key = cells[key_at].strip() if key_at < len(cells) else ""
    if len(cells) != len(header):
        field = header[len(cells)] if len(cells) < len(header) else ""
        return Refusal(
            file,
            number,
            field,
            f"{len(cells)} fields where the header names {len(header)}",
            "Is the row cut off, or a comma not quoted?",
            key=key,
        )
    for name, cell in zip(header, cells, strict=True):
        if not cell.isprintable() and any(0xDC80 <= ord(char) <= 0xDCFF for char in cell):
            return Refusal(file, number, name, f"{_shown(cell)} is not UTF-8 text", "Save it as UTF-8.", key)
        if "\x00" in cell:
            return Refusal(file, number, name, "holds a NUL character", "Remove it.", key)
    return Row(file, number, dict(zip(header, (cell.strip() for cell in cells), strict=True)))


def _cells(line: str) -> list[str] | None:
    """The cells of one line, or None where a quotation mark is not closed."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return None


def _shown(text: str) -> str:
    """A value as it can be printed: bytes that are no text as \\xNN, cut at 60 characters."""
    clean = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return repr(clean[:60])

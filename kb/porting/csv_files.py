"""CSV with a header: commas, semicolons or tabs; UTF-8 or UTF-16; texts over several lines. Knows no database."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator

from kb.porting import checking
from kb.porting.facts import Item, Options, Problem
from kb.porting.package import Package, Refused, text_lines

ENDINGS = (".csv", ".tsv", ".txt")
COLUMNS = ("id", "title", "category", "body", "summary", "locale", "slug", "source", "group", "state", "visibility",
           "redirect_from", "reviewed_at", "owner", "review_by", "leads_to")  # fmt: skip
_NEEDED = ("title", "category", "body")
_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_FIELD = 1_000_000  # characters
_LONGEST_LINE = 4_000_000
# What other programs call a column.
_OTHER_NAMES = {"external_id": "id", "name": "title", "content": "body", "text": "body", "language": "locale",
                "section": "category", "description": "summary", "url": "redirect_from"}  # fmt: skip

Cells = list[str] | csv.Error


def count(package: Package, options: Options) -> int:
    """How many rows there are below the headers."""
    total = 0
    for name in package.ending(*ENDINGS):
        try:
            with package.open(name) as file, text_lines(file) as lines:
                total += sum(1 for _ in _Rows(lines)) - 1
        except (Refused, OSError, UnicodeError):
            continue  # told by read()
    return max(total, 0)


def read(package: Package, options: Options) -> Iterator[Item]:
    """Every row of every file. A row's number is that of the line it begins on; the header is line 1."""
    for name in package.ending(*ENDINGS):
        try:
            with package.open(name) as file, text_lines(file) as lines:
                yield from _file(lines, name, options)
        except Refused as refused:
            yield refused.problem
        except (OSError, UnicodeError) as error:
            yield Problem(name, 0, "", f"It cannot be read: {error}.", "Save the file as CSV in UTF-8.")


def _file(lines: io.TextIOWrapper, name: str, options: Options) -> Iterator[Item]:
    rows = iter(_Rows(lines))
    line, first = next(rows, (1, []))
    header = _header(first, name)
    if isinstance(header, Problem):
        yield header
        return
    for line, cells in rows:
        if isinstance(cells, csv.Error):
            yield Problem(name, line, "", f"It cannot be read: {cells}.", 'Close every quote; write "" within one.')
        elif len(cells) != len(header):
            yield Problem(
                name, line, "", f"It has {len(cells)} fields where the header has {len(header)}.",
                "Put texts that hold the separator in quotes.",
            )  # fmt: skip
        else:
            # An empty cell says nothing: a column need not be filled.
            values = {column: cell for column, cell in zip(header, cells, strict=True) if column and cell.strip()}
            missing = {
                column: "" for column in (*_NEEDED, *(["id"] if "group" not in values else [])) if column in header
            }
            yield checking.article({**missing, **values}, name, line, options)


def _header(cells: Cells, name: str) -> list[str] | Problem:
    to_do = f"Name the columns in the first line: {', '.join(COLUMNS)}; id, title, category and body are needed."
    if isinstance(cells, csv.Error):
        return Problem(name, 1, "", f"The header cannot be read: {cells}.", to_do)
    wanted = [cell.strip().lower().replace(" ", "_") for cell in cells]
    wanted = [_OTHER_NAMES.get(column, column) if column not in COLUMNS else column for column in wanted]
    header = [column if column in COLUMNS else "" for column in wanted]
    if missing := [column for column in _NEEDED if column not in header]:
        there = ", ".join(cell.strip()[:30] for cell in cells) or "nothing"
        return Problem(name, 1, missing[0], f"The header has no such column; it has {there}.", to_do)
    if "id" not in header and "group" not in header:
        return Problem(name, 1, "id", "The header has no such column.", to_do)
    if twice := sorted({column for column in header if column and header.count(column) > 1}):
        return Problem(name, 1, twice[0], "Two columns have this name.", "Take one of them out.")
    return header


class _Rows:
    """(line, cells) of each row that is not blank, or why it cannot be split into cells.

    After a row that cannot, reading goes on at the very next line: a quote that is never closed costs one row and not
    all that follow it.
    """

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self._again: deque[str] = deque()  # lines that were read for a row which turned out to be none
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[tuple[int, Cells]]:
        csv.field_size_limit(_LONGEST_FIELD)
        delimiter = self._delimiter()
        line = 1
        while True:
            reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)
            self._taken.clear()
            try:
                for cells in reader:
                    if any(cell.strip() for cell in cells):
                        yield line, cells
                    line += len(self._taken)
                    self._taken.clear()
                return
            except csv.Error as error:
                yield line, error
                self._again.extendleft(reversed(self._taken[1:]))
                line += 1

    def _delimiter(self) -> str:
        """The sign that splits the first line into the most names of columns."""
        first = self._file.readline(_LONGEST_LINE)
        self._again.append(first)

        def known(sign: str) -> tuple[int, int]:
            cells = [cell.strip(' "\r\n').lower() for cell in first.split(sign)]
            return sum(cell in COLUMNS or cell in _OTHER_NAMES for cell in cells), len(cells)

        return max(_DELIMITERS, key=known)

    def _lines(self) -> Iterator[str]:
        while line := self._again.popleft() if self._again else self._file.readline(_LONGEST_LINE):
            self._taken.append(line)
            yield line

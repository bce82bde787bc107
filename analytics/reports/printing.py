"""A report's tables as CSV, as plain data for JSON, and as text. The numbers are those of the screen.

A rate has a column each for its hits, its denominator, its share and both ends of its interval. Where the rate may be
withheld, one more says why; the others are empty then.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from analytics.reports.journeys import Guarded
from analytics.reports.tables import Column, Table, Value
from analytics.stats.proportions import Rate

_OF_RATE = ("hits", "of", "share", "low", "high")
_NO_RATE = ("", "", "", "", "")
_DECIMALS = 6


def as_data(table: Table) -> dict[str, Any]:
    """For JSON: each row by its columns' keys."""
    return {
        "name": table.name,
        "title": str(table.title),
        "note": str(table.note),
        "columns": [{"key": column.key, "title": str(column.title)} for column in table.columns],
        "rows": rows_as_data(table.columns, table.rows),
    }


def rows_as_data(columns: Sequence[Column], rows: Iterable[Sequence[Value]]) -> list[dict[str, Any]]:
    keys = [column.key for column in columns]
    return [dict(zip(keys, map(_plain, row), strict=True)) for row in rows]


def as_csv(table: Table) -> Iterator[str]:
    """Line by line; the header has the columns' keys."""
    kinds = _kinds(table)
    rows = (
        [cell for value, kind in zip(row, kinds, strict=True) for cell in _cells(value, kind)] for row in table.rows
    )
    yield from _lines(_header(table, kinds), rows)


def rows_as_csv(columns: Sequence[Column], rows: Iterable[Sequence[Value]]) -> Iterator[str]:
    """The same of any number of rows without rates, none of which is kept."""
    yield from _lines([column.key for column in columns], (map(_plain, row) for row in rows))


def _lines(header: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield str(writer.writerow(header))
    for row in rows:
        yield str(writer.writerow([_harmless(cell) for cell in row]))


def as_text(table: Table) -> str:
    """For people, in columns that stand under each other."""
    lines = [[str(column.title) for column in table.columns], *([_said(value) for value in row] for row in table.rows)]
    widths = [max(len(cell) for cell in cells) for cells in zip(*lines, strict=True)]
    is_number = [_is_number([row[index] for row in table.rows]) for index in range(len(table.columns))]
    text = io.StringIO()
    text.write(f"{table.title}\n")
    if table.note:
        text.write(f"{table.note}\n")
    for line in lines:
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        )
        text.write(("  " + "  ".join(cells)).rstrip() + "\n")
    if not table.rows:
        text.write("  (nothing)\n")
    return text.getvalue()


class _Echo:
    def write(self, text: str) -> str:
        return text


def _kinds(table: Table) -> list[type]:
    """What each column holds: Guarded where any value is one, else Rate, else str for everything else."""
    found: list[type] = [str] * len(table.columns)
    for row in table.rows:
        for index, value in enumerate(row):
            if isinstance(value, Guarded) or (isinstance(value, Rate) and found[index] is str):
                found[index] = type(value)
    return found


def _header(table: Table, kinds: Sequence[type]) -> list[str]:
    names: list[str] = []
    for column, kind in zip(table.columns, kinds, strict=True):
        parts = {Rate: _OF_RATE, Guarded: (*_OF_RATE, "withheld")}.get(kind)
        names += [column.key] if parts is None else [f"{column.key}_{part}" for part in parts]
    return names


def _cells(value: Value, kind: type) -> tuple[object, ...]:
    if kind is Guarded:
        why = value.why_withheld if isinstance(value, Guarded) else ""
        rate = value.rate if isinstance(value, Guarded) and not why else value
        return (*_of_rate(rate), why)
    return _of_rate(value) if kind is Rate else (_plain(value),)


def _of_rate(value: Value) -> tuple[object, ...]:
    if not isinstance(value, Rate):
        return _NO_RATE
    bounds = (_short(value.interval.low), _short(value.interval.high)) if value.of else (None, None)
    return (value.hits, value.of, _short(value.share), *bounds)


def _harmless(cell: object) -> object:
    """A spreadsheet calculates a text that begins so; a number may be negative."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{cell}"
    return cell


def _plain(value: Value) -> Any:
    if isinstance(value, Rate):
        return dict(zip(_OF_RATE, _of_rate(value), strict=True))
    if isinstance(value, Guarded):
        why = value.why_withheld
        told = {"withheld": str(why)} if why else _plain(value.rate)
        return told | {"coverage": {"hits": value.coverage.hits, "of": value.coverage.of}}
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if value is None or isinstance(value, (bool, int)):
        return value
    return _short(value) if isinstance(value, float) else str(value)


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, _DECIMALS)


def _said(value: Value) -> str:
    if isinstance(value, Guarded):
        return str(value.why_withheld) or _said(value.rate)
    if isinstance(value, Rate):
        if value.percent is None:
            return "– (0 of 0)"
        low, high = 100 * value.interval.low, 100 * value.interval.high
        return f"{value.percent:.1f} % ({value.hits:,} of {value.of:,}; {low:.1f} to {high:.1f})"
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def _is_number(values: Sequence[Value]) -> bool:
    return bool(values) and all(value is None or isinstance(value, (int, float, Rate)) for value in values)

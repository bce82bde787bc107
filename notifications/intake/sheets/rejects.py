"""The rows that an import left out, as a file to mend and to import again: the same columns, and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from notifications.models import SheetRun

REASON = "Why it was left out"


def lines(run: SheetRun) -> Iterator[str]:
    """The CSV file line by line, with its mark of UTF-8, by which spreadsheets know it."""
    yield "\ufeff" + _line([*run.header, REASON])
    for each in run.refusals.iterator(chunk_size=500):
        cells = [*each.cells, *[""] * len(run.header)][: max(len(run.header), len(each.cells))]
        place = f"Row {each.row}" + (f", {each.field}" if each.field else "")
        yield _line([*map(_harmless, cells), f"{place}: {each.problem}. {each.remedy}"])


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _harmless(cell: str) -> str:
    """A spreadsheet would run a cell that begins so as a formula; a number below zero stays as it is."""
    is_formula = cell[:1] in ("=", "@", "\t", "\r") or (cell[:1] in "+-" and cell[1:2].isalpha())
    return f"'{cell}" if cell and is_formula else cell

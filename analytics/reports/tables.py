"""What every report has in common: named tables of plain rows, for CSV, JSON and text.

A report's module offers `tables(period, now=...)`; registry.py lists it under its name, and the CSV links, the API and
`manage.py report` take it from there. A screen shows the same numbers from the same build().
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from analytics.periods import Period
from analytics.reports.journeys import Guarded
from analytics.stats.proportions import Rate

# A Rate is told with its hits, denominator and interval; a Guarded one that is withheld with the reason instead. None:
# not known, which is not 0.
Value = str | int | float | bool | date | datetime | Rate | Guarded | None


@dataclass(frozen=True)
class Column:
    """`key` names it for machines and never changes; `title` for people."""

    key: str
    title: str


@dataclass(frozen=True)
class Table:
    """`rows` in the order of the screen; each has one value for each column. `note`: what its numbers are of."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Value, ...]]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """`screen`: the URL name (of the namespace desk) that shows it. `definition`: its section in docs/metrics.md."""

    name: str
    title: str
    screen: str
    tables: Callable[[Period, datetime], Sequence[Table]]
    definition: str = ""

"""What every report has in common: named tables of plain rows, for CSV, JSON and text.

A report's module offers `tables(period, now)`; registry.py lists it under its name, and the CSV links, the API and
`manage.py report` take it from there. A screen shows the same numbers from the same build(). A report with words of its
own (asking.py) has `tables(period, now, narrowed)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from analytics.reports.asking import Asked, Words
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
    """`screen`: the URL name (of the namespace desk) that shows it; who may open that may take its tables along.
    `definition`: its section in docs/metrics.md. `words`: what can be asked of it. `holds`: what is in it, in a
    sentence."""

    name: str
    title: str
    screen: str
    tables: Callable[..., Sequence[Table]]
    definition: str = ""
    words: Words = field(default_factory=Words)
    holds: str = ""

    def of(self, asked: Asked, *, now: datetime) -> Sequence[Table]:
        if self.words.own:
            return self.tables(asked.period, now, asked.narrowed)
        return self.tables(asked.period, now)

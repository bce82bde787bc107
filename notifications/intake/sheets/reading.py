"""How one file is read: its format, what its columns are, its dates; and one row's values by it. Needs no database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from notifications.intake.sheets import columns, files, moments
from notifications.intake.sheets.columns import Guess
from notifications.intake.sheets.fields import FIELDS, Kind, Sort
from notifications.intake.sheets.files import Broken, Cells, Format
from notifications.intake.sheets.moments import DateOrder, Evidence
from notifications.intake.tables import Refusal

_SAMPLE = 200  # rows that columns are guessed from
_HEARD = 10_000  # texts of moments that are kept: each is read more than once


@dataclass(frozen=True)
class Wish:
    """What a person says about a file; what is left out is found out."""

    kind: Kind
    source: str
    zone: ZoneInfo
    columns: Mapping[str, str] = field(default_factory=dict)  # column's name → field's name, or "-" for none
    dates: DateOrder | None = None


@dataclass(frozen=True)
class Plan:
    """How a file will be read, after all of it was looked through once."""

    path: Path
    wish: Wish
    format: Format
    found: Mapping[str, Guess]
    sample: Sequence[str]  # the first row's cells
    evidence: Evidence
    rows: int
    last: int  # the last row's number
    scattered: Mapping[str, int]  # orders whose rows do not stand together, and how many rows each has
    problems: Sequence[str]  # why it cannot be read yet

    @property
    def dates(self) -> DateOrder:
        return self.wish.dates or self.evidence.decide() or DateOrder.DAY_FIRST

    def columns(self) -> list[tuple[str, str, str, str]]:
        """(column, field's title or "", why, the sample's value) of each column of the file."""
        titles = {one.name: one.title for one in FIELDS[self.wish.kind]}
        by_place = {guess.column: (titles[name], guess.why) for name, guess in self.found.items()}
        return [
            (name, *by_place.get(place, ("", "")), self.sample[place] if self.sample else "")
            for place, name in enumerate(self.format.header)
        ]

    def saved(self) -> dict[str, str]:
        """The mapping as it is remembered: each column's name → its field, "-" for none."""
        by_place = {guess.column: name for name, guess in self.found.items()}
        return {name: by_place.get(place, "-") for place, name in enumerate(self.format.header)}


def plan(path: Path, wish: Wish, *, remembered: Mapping[str, str] | None = None) -> Plan:
    """Look through the whole file once. `remembered`: the columns of this source's last file; what the wish says counts
    more. Raises tables.UnusableFile, columns.UnusableMapping.
    """
    how = files.detect(path)
    sample = [one.values for one in islice(files.rows(path, how), _SAMPLE) if isinstance(one, Cells)]
    found = columns.guess(wish.kind, how.header, sample)
    known = {name: own for name, own in (remembered or {}).items() if name in how.header}
    found = columns.override(wish.kind, how.header, found, known) if known else found
    for name in known:
        found = {
            own: Guess(guess.column, "as in this source's last file") if how.header[guess.column] == name else guess
            for own, guess in found.items()
        }
    found = columns.override(wish.kind, how.header, found, wish.columns)
    problems = columns.missing(wish.kind, found)
    evidence, rows, last, scattered = _look_through(path, how, wish.kind, found)
    if wish.dates is None and evidence.decide() is None:
        said = f"such as {evidence.example!r}" if evidence.example else "some with the day first, some with the month"
        problems.append(f"The dates, {said}, can be read with the day first or the month first. Say which.")
    return Plan(path, wish, how, found, sample[0] if sample else [], evidence, rows, last, scattered, problems)


def _look_through(
    path: Path, how: Format, kind: Kind, found: Mapping[str, Guess]
) -> tuple[Evidence, int, int, dict[str, int]]:
    evidence = Evidence()
    sorts = {one.name: one.sort for one in FIELDS[kind]}
    dates = [guess.column for name, guess in found.items() if sorts[name] is Sort.MOMENT]
    key = key_of(kind, found)
    rows, last = 0, 1
    over: set[int] = set()  # orders whose rows seem to have ended; hashes, since a file may hold millions
    scattered: set[str] = set()
    before = ""
    for one in files.rows(path, how):
        rows += 1
        if isinstance(one, Broken):
            last = one.refusal.row
            continue
        last = one.row
        for place in dates:
            if value := one.values[place]:
                evidence.hear(value)
        if key is not None and (order := one.values[key]) and order != before:
            if hash(order) in over:
                scattered.add(order)
            over.add(hash(before))
            before = order
    counted = _counted(path, how, key, scattered) if key is not None and scattered else {}
    return evidence, rows, last, counted


def _counted(path: Path, how: Format, key: int, orders: set[str]) -> dict[str, int]:
    counts = dict.fromkeys(orders, 0)
    for one in files.rows(path, how):
        if isinstance(one, Cells) and one.values[key] in counts:
            counts[one.values[key]] += 1
    return counts


def key_of(kind: Kind, found: Mapping[str, Guess]) -> int | None:
    """The column that tells which rows are one order; None where each row stands for itself."""
    if kind is not Kind.ORDERS:
        return None
    guess = found.get("order_id") or found.get("number")
    return guess.column if guess is not None else None


class BadCell(Exception):
    """A value that cannot be used."""

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        super().__init__(f"{name}: {problem}. {remedy}")
        self.name, self.problem, self.remedy = name, problem, remedy


class Reader:
    """The values of one file's rows by the fields' names."""

    def __init__(self, made: Plan) -> None:
        self.plan = made
        self._places = {name: guess.column for name, guess in made.found.items()}
        self._moments = moments.Reader(made.dates, made.wish.zone)
        self._heard: dict[str, moments.Moment] = {}

    def text(self, row: Cells, name: str, *, most: int = 200) -> str:
        """Raises BadCell where it is longer than `most`."""
        if (place := self._places.get(name)) is None or not (value := row.values[place]):
            return ""
        if len(value) > most:
            raise BadCell(self.column(name), f"{len(value)} characters, at most {most}", "Shorten it.")
        return " ".join(value.split()) if "\n" in value or "  " in value else value

    def moment(self, row: Cells, name: str) -> moments.Moment | None:
        """None where the cell is empty. Raises BadCell."""
        if (place := self._places.get(name)) is None or not (value := row.values[place]):
            return None
        if (known := self._heard.get(value)) is not None:
            return known
        try:
            found = self._moments.read(value)
        except moments.NotAMoment as error:
            problem, _, remedy = str(error).partition(". ")
            raise BadCell(self.column(name), problem, remedy) from None
        if len(self._heard) > _HEARD:
            self._heard.clear()
        self._heard[value] = found
        return found

    def end(self, row: Cells, name: str) -> datetime | None:
        """A moment, or the end of the day that the cell names."""
        found = self.moment(row, name)
        return None if found is None else found.end

    def column(self, name: str) -> str:
        """What the file calls the column of a field."""
        place = self._places.get(name)
        return name if place is None else self.plan.format.header[place]

    def has(self, name: str) -> bool:
        return name in self._places

    def refuse(self, row: Cells, bad: BadCell) -> Refusal:
        return Refusal(self.plan.path.name, row.row, bad.name, bad.problem, bad.remedy)


def groups(made: Plan, *, start: int = 2) -> Iterator[tuple[list[Cells] | Broken, int]]:
    """Rows that belong together (an order's; for tracking each alone) from row `start` on, each with the row from which
    reading has to go on once it and all before it are done. Memory holds only orders that are not complete.
    """
    key = key_of(made.wish.kind, made.found)
    waiting: dict[str, list[Cells]] = {}
    current: list[Cells] = []
    order, last = "", start - 1
    for one in files.rows(made.path, made.format):
        row = one.refusal.row if isinstance(one, Broken) else one.row
        if row < start:
            continue
        last = row
        mine = "" if key is None or isinstance(one, Broken) else one.values[key]
        if current and mine != order:
            yield current, _from(waiting, row)
            current = []
        if isinstance(one, Broken):
            yield one, _from(waiting, row + 1)
        elif not mine:
            yield [one], _from(waiting, row + 1)
        elif mine in made.scattered:
            waiting.setdefault(mine, []).append(one)
            if len(waiting[mine]) == made.scattered[mine]:
                yield waiting.pop(mine), _from(waiting, row + 1)
        else:
            current.append(one)
            order = mine
    if current:
        yield current, last + 1


def _from(waiting: Mapping[str, list[Cells]], row: int) -> int:
    """Where an order waits for its other rows, reading goes on at its first: to read others twice harms nothing."""
    return min((rows[0].row for rows in waiting.values()), default=row)

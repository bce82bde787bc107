"""Contacts from a CSV file of another help desk: every good row goes in, every bad one is named with what to do."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from contacts import cleaning, intake
from contacts.models import Contact, ContactSource

COLUMNS = ("source", "external_id", "email", "received_at", "subject", "message", "order_number")
# The form writes its own contacts; a file cannot add to them.
SOURCES = tuple(value for value in ContactSource.values if value != ContactSource.FORM)
_LENGTHS = {"external_id": 200, "email": 254, "subject": 200, "order_number": 60, "message": 100_000}
_EARLIEST = 2000  # a year before it is a slip of the exporting program
_AT_ONCE = 500  # rows looked up together


class BadFile(Exception):
    """The file as a whole cannot be read. The message says why and what to do."""


class _BadRow(Exception):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem


@dataclass(frozen=True)
class Refusal:
    """A row that was not taken in, and what to do about it."""

    file: str
    line: int  # where the row begins; the header is line 1
    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, {self.field}: {self.problem}"


@dataclass
class Imported:
    """What import_file() did, in rows."""

    new: int = 0
    known: int = 0  # in before, or word for word twice in the file
    refused: list[Refusal] = field(default_factory=list)


def import_file(path: Path, *, now: datetime) -> Imported:
    """Take in every row that can be read; the same file again brings nothing new. Raises BadFile before any row."""
    done = Imported()
    try:
        # A byte that is not UTF-8 becomes a lone surrogate, so that only the field it stands in is refused.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            lines = file.readlines()
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}. Name a CSV file that can be read.") from error
    facts = _all_facts(lines, path.name, done, now=now)
    while batch := list(islice(facts, _AT_ONCE)):
        _take_in(batch, done, now=now)
    return done


def _take_in(batch: list[intake.Facts], done: Imported, *, now: datetime) -> None:
    ids = {facts.external_id for facts in batch}
    known = set(Contact.objects.filter(external_id__in=ids).values_list("source", "external_id"))
    for facts in batch:
        if (facts.source, facts.external_id) in known:
            done.known += 1
        else:
            intake.receive(facts, now=now)
            done.new += 1


def _all_facts(lines: list[str], name: str, done: Imported, *, now: datetime) -> Iterator[intake.Facts]:
    """The facts of every good row, each (source, external_id) once; the bad ones go to done.refused."""
    rows = _rows(lines)
    header = _header(next(rows, (1, [])), name)
    earlier: dict[tuple[str, str], tuple[int, intake.Facts]] = {}
    for line, cells in rows:
        try:
            facts = _facts(_named(cells, header), now=now)
            line_before, before = earlier.setdefault((facts.source, facts.external_id), (line, facts))
            if before is not facts and before != facts:
                raise _BadRow("external_id", f"line {line_before} has the same id with other content; the first counts")
        except _BadRow as error:
            done.refused.append(Refusal(name, line, error.field, error.problem))
            continue
        if before is facts:
            yield facts
        else:
            done.known += 1


def _rows(lines: list[str]) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Each row that is not blank with the line it begins on, or why it cannot be split into cells.

    After a row that cannot, reading goes on at the very next line: a quote that is never closed costs one row and not
    all that follow it.
    """
    start = 0
    while start < len(lines):
        reader = csv.reader(islice(lines, start, None), strict=True)
        done = 0
        try:
            for cells in reader:
                if cells:
                    yield start + done + 1, cells
                done = reader.line_num
            return
        except csv.Error as error:
            yield start + done + 1, error
        start += done + 1


def _header(first: tuple[int, list[str] | csv.Error], name: str) -> list[str]:
    _, cells = first
    if isinstance(cells, csv.Error):
        raise BadFile(f"{name}, line 1: {cells}. Save the file as CSV with commas and a header.")
    header = [cell.strip().lower() for cell in cells]
    if missing := [column for column in COLUMNS if column not in header]:
        raise BadFile(
            f"{name}, line 1: no column {', '.join(missing)}. The first line must name the columns, "
            f"separated by commas: {','.join(COLUMNS)}."
        )
    if twice := sorted({column for column in COLUMNS if header.count(column) > 1}):
        raise BadFile(f"{name}, line 1: {', '.join(twice)} stands there twice. Take one of the columns out.")
    return header


def _named(cells: list[str] | csv.Error, header: list[str]) -> dict[str, str]:
    if isinstance(cells, csv.Error):
        raise _BadRow("row", f"{cells}; close every quote, and write a quote inside a quoted text twice")
    if len(cells) != len(header):
        raise _BadRow("row", f"{len(cells)} fields where the header has {len(header)}; put texts with commas in quotes")
    return dict(zip(header, cells, strict=True))


def _facts(row: Mapping[str, str], *, now: datetime) -> intake.Facts:
    for column in COLUMNS:
        if any("\ud800" <= char <= "\udfff" for char in row[column]):
            raise _BadRow(column, "not UTF-8; save the file as UTF-8 and import it again")
    value = {column: cleaning.line(row[column]) for column in COLUMNS if column != "message"}
    value["message"] = cleaning.block(row["message"])
    for column, most in _LENGTHS.items():
        if (length := len(value[column])) > most:
            raise _BadRow(column, f"{length} characters, at most {most}; shorten it")
    if (source := value["source"].lower()) not in SOURCES:
        raise _BadRow("source", f"{value['source']!r} is unknown; write one of {', '.join(SOURCES)}")
    if not value["external_id"]:
        raise _BadRow("external_id", "empty; give the ticket's id, so that importing twice makes one contact")
    if not value["message"] and not value["subject"]:
        raise _BadRow("message", "empty, and so is the subject; say what the person asked")
    if value["email"]:
        try:
            validate_email(value["email"])
        except ValidationError:
            raise _BadRow("email", f"{value['email']!r} is no address; correct it, or leave it empty") from None
    return intake.Facts(
        source=source,
        external_id=value["external_id"],
        email=value["email"],
        received_at=_moment(value["received_at"], now=now),
        subject=value["subject"],
        message=value["message"],
        order_number=value["order_number"],
        locale=settings.LANGUAGE_CODE,
    )


def _moment(text: str, *, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _BadRow("received_at", f"{text!r} is no time; write it like 2026-03-29T14:05:00Z") from None
    if at.year < _EARLIEST:
        raise _BadRow("received_at", f"{text!r} is before {_EARLIEST}; correct it")
    if at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(settings.SHOP_TIME_ZONE))
    if at > now:
        raise _BadRow("received_at", f"{text!r} is in the future; correct it")
    return at

"""Files of articles → rows: JSON lines, and folders of Markdown with a YAML head. Knows no database.

A row that cannot be read becomes a Problem and stops no other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LONGEST = {"id": 200, "title": 200, "category": 80, "summary": 300, "slug": 110}
_REQUIRED = ("id", "title", "category", "body")
_OPTIONAL = ("summary", "locale", "slug")


@dataclass(frozen=True)
class Problem:
    """What was refused. `row` counts from 1 and is 0 where the file as a whole is meant."""

    file: str
    row: int
    field: str
    what: str
    to_do: str

    def __str__(self) -> str:
        where = self.file + (f", row {self.row}" if self.row else "") + (f", field {self.field}" if self.field else "")
        return f"{where}: {self.what} {self.to_do}"


@dataclass(frozen=True)
class Row:
    """One article as a file has it, checked as far as that needs no database."""

    file: str
    row: int
    id: str
    title: str
    category: str
    body: str
    summary: str
    locale: str
    slug: str

    def problem(self, field: str, what: str, to_do: str) -> Problem:
        return Problem(self.file, self.row, field, what, to_do)


def count(path: Path) -> int:
    """About how many rows there are, for a progress display."""
    if path.is_dir():
        return len(_markdown_files(path))
    if path.suffix == ".jsonl" and path.is_file():
        with path.open("rb") as file:
            return sum(1 for line in file if line.strip())
    return 1


def read(path: Path, *, locale: str, locales: Collection[str]) -> Iterator[Row | Problem]:
    """Every row of a .jsonl file, a Markdown file, or a folder of them; `locale` is that of rows which name none.

    The first of two rows with the same id and locale wins.
    """
    first: dict[tuple[str, str], str] = {}
    for row in _rows(path, locale):
        if isinstance(row, Row):
            if row.locale not in locales:
                known = ", ".join(sorted(locales))
                row = row.problem("locale", f"{row.locale!r} is not a language of this help centre.", f"Use {known}.")
            elif (row.id, row.locale) in first:
                where = first[row.id, row.locale]
                row = row.problem("id", f"{row.id!r} was there before, in {where}.", "Give each article its own id.")
            else:
                first[row.id, row.locale] = f"{row.file}, row {row.row}" if row.row else row.file
        yield row


def _rows(path: Path, locale: str) -> Iterator[Row | Problem]:
    if not path.exists():
        yield Problem(str(path), 0, "", "There is no such file or folder.", "Check the path.")
    elif path.is_dir():
        files = _markdown_files(path)
        if not files:
            yield Problem(str(path), 0, "", "The folder holds no .md file.", "Name one with articles, or a .jsonl.")
        for file in files:
            yield _from_markdown(file, str(file.relative_to(path)), locale)
    elif path.suffix == ".md":
        yield _from_markdown(path, path.name, locale)
    elif path.suffix == ".jsonl":
        yield from _from_json_lines(path, locale)
    else:
        yield Problem(str(path), 0, "", "This is neither .jsonl nor .md nor a folder.", "Convert it to one of these.")


def _markdown_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.md") if not file.name.startswith("."))


def _from_json_lines(path: Path, locale: str) -> Iterator[Row | Problem]:
    try:
        file = path.open("rb")
    except OSError as error:
        yield _unreadable(path.name, error)
        return
    with file:
        number = 0
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            text = _decoded(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, path.name, number)
            yield text if isinstance(text, Problem) else _from_json(text, path.name, number, locale)
        if not number:
            yield Problem(path.name, 0, "", "The file is empty.", "Put one JSON object a line in it.")


def _from_json(text: str, file: str, number: int, locale: str) -> Row | Problem:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        return Problem(file, number, "", f"This is not JSON ({what}).", "Write one JSON object a line.")
    if not isinstance(values, dict):
        return Problem(file, number, "", "This is JSON but not an object.", f"Write {{{', '.join(_REQUIRED)}}}.")
    return _checked(values, file, number, locale)


def _from_markdown(path: Path, name: str, locale: str) -> Row | Problem:
    try:
        content = path.read_bytes()
    except OSError as error:
        return _unreadable(name, error)
    text = _decoded(content.removeprefix(b"\xef\xbb\xbf"), name, 0)
    if isinstance(text, Problem):
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        return Problem(
            name, 0, "", "The file has no head between two lines of ---.", "Begin it with id, title and category there."
        )
    end = next(number for number, line in enumerate(lines[1:], start=1) if line.strip() == "---")
    try:
        values = yaml.safe_load("\n".join(lines[1:end]))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f", line {mark.line + 2}" if mark else ""
        return Problem(name, 0, "", f"The head is not YAML{at}.", "Put texts with a colon in them in quotes.")
    if not isinstance(values, dict):
        return Problem(name, 0, "", "The head holds no fields.", "Write id, title and category in it.")
    return _checked({**values, "body": "\n".join(lines[end + 1 :]).strip("\n")}, name, 0, locale)


def _checked(values: Mapping[str, Any], file: str, number: int, locale: str) -> Row | Problem:
    if missing := [name for name in _REQUIRED if values.get(name) is None]:
        there = ", ".join(str(name) for name in values if values[name] is not None) or "nothing"
        return Problem(file, number, missing[0], f"It is missing; the row has {there}.", "Add it.")
    texts: dict[str, str] = {}
    for name in (*_REQUIRED, *_OPTIONAL):
        value = values.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and name == "id":
            value = str(value)
        if value is None:
            value = ""
        if not isinstance(value, str):
            return Problem(file, number, name, f"It is {type(value).__name__}, not text.", "Write it in quotes.")
        if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
            return Problem(file, number, name, "It holds a character that no text may hold.", "Remove it.")
        # Spaces of odd kinds and line ends are noise everywhere but in the body, where Markdown reads them.
        texts[name] = value.strip() if name == "body" else " ".join(value.split())
        if name in _REQUIRED and not texts[name]:
            return Problem(file, number, name, "It is empty.", "Write something, or leave the article out.")
        if len(texts[name]) > LONGEST.get(name, len(texts[name])):
            limit = LONGEST[name]
            return Problem(file, number, name, f"It has {len(texts[name])} characters.", f"Shorten it to {limit}.")
    texts["body"] = _body(values["body"])
    return Row(file=file, row=number, **{**texts, "locale": texts["locale"].lower() or locale})


def _body(body: str) -> str:
    """The body without blank lines around it; the indent of its first line means something to Markdown."""
    lines = body.split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    return "\n".join(lines).rstrip()


def _decoded(content: bytes, file: str, number: int) -> str | Problem:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = content[error.start]
        return Problem(
            file, number, "", f"Byte {error.start + 1} (0x{byte:02x}) is not UTF-8.", "Save the file as UTF-8."
        )


def _unreadable(file: str, error: OSError) -> Problem:
    return Problem(file, 0, "", f"It cannot be read: {error.strerror}.", "Check its permissions.")

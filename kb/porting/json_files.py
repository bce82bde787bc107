"""JSON of other help centres: the objects in a file, whatever stands around them. Knows no database."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from kb.porting.facts import Problem
from kb.porting.package import Package, Refused, decoded

_LIST = re.compile(r'"(\w+)"\s*:\s*\[\s*')


def objects(package: Package, name: str, lists: Collection[str]) -> Iterator[tuple[str, int, dict[str, Any]] | Problem]:
    """(kind, number, object) of each object in the file; the kind is the name of the list or field it stands in.

    {"articles": [{…}, {…}]} gives ("articles", 1, {…}) …; {"article": {…}} gives ("article", 1, {…}); an object or a
    list with nothing around it has the kind "". `lists` are the names that hold objects. Where a file ends in the
    middle, what is whole before the end is given, and then a Problem.
    """
    try:
        text = decoded(package.read(name), name)
    except Refused as refused:
        yield refused.problem
        return
    if isinstance(text, Problem):
        yield text
        return
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        at = error.pos if isinstance(error, json.JSONDecodeError) else 0
        yield from _before_the_end(text, name, lists, f"This is not JSON ({what}, at character {at + 1:,})")
        return
    yield from _objects(data, name, lists)


def _objects(data: Any, name: str, lists: Collection[str]) -> Iterator[tuple[str, int, dict[str, Any]] | Problem]:
    if isinstance(data, list):
        yield from _numbered("", data, name)
        return
    if not isinstance(data, dict):
        yield Problem(name, 0, "", "This is JSON but neither an object nor a list.", "Export it again.")
        return
    found = False
    for kind in lists if "id" not in data else ():  # an object of its own may hold lists too
        value = data.get(kind)
        if isinstance(value, list) and (not value or isinstance(value[0], dict)):
            found = True
            yield from _numbered(kind, value, name)
        elif isinstance(value, dict) and set(data) <= {kind, *lists}:
            found = True
            yield kind, 1, value
    if not found:
        yield "", 1, data


def _numbered(kind: str, values: list[Any], name: str) -> Iterator[tuple[str, int, dict[str, Any]] | Problem]:
    for number, value in enumerate(values, start=1):
        if isinstance(value, dict):
            yield kind, number, value
        else:
            yield Problem(name, number, "", f"{type(value).__name__} stands where an object should.", "Leave it out.")


def _before_the_end(
    text: str, name: str, lists: Collection[str], what: str
) -> Iterator[tuple[str, int, dict[str, Any]] | Problem]:
    decoder = json.JSONDecoder()
    kind, at = "", -1
    if (start := re.match(r"\s*\[\s*", text)) is not None:
        at = start.end()
    else:
        for found in _LIST.finditer(text):
            if found[1] in lists:
                kind, at = found[1], found.end()
                break
    number = 0
    while at >= 0 and at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        number += 1
        if isinstance(value, dict):
            yield kind, number, value
        if (comma := re.compile(r"\s*,\s*").match(text, at)) is None:
            break
        at = comma.end()
    is_read = f" Before that it was read: {number} whole." if number else ""
    yield Problem(name, 0, "", f"{what}.{is_read}", "Export the file again: its end may be missing.")


def words(value: Any) -> str:
    """A value that should be text; empty for anything else."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> str:
    """An id, which may be written as a number or as text; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    return str(value).strip()[:200]

"""Our own JSON lines: everything that an export holds, one object a line. Knows no database.

A line with "type": "category" is a shelf, "piece" a fact or block (kb/porting/piece_entries.py), "picture" a picture in
base64; any other is an article: {"id", "title", "category", "body"} and, where there is more to say, "summary",
"locale", "slug", "source", "group", "state", "visibility", "redirect_from", "reviewed_at", "owner", "review_by",
"leads_to", "draft" and "revisions". Lines are read one by one, so that the file may be of any size.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from kb.porting import checking, piece_entries
from kb.porting.facts import ImportedCategory, ImportedPicture, Item, Options, Problem
from kb.porting.package import Package, Refused, decoded

ENDINGS = (".jsonl", ".ndjson")
_LONGEST_LINE = 8_000_000  # bytes


def count(package: Package, options: Options) -> int:
    """How many lines hold something."""
    total = 0
    for name in package.ending(*ENDINGS):
        try:
            with package.open(name) as file:
                total += sum(1 for line in iter(lambda: file.readline(_LONGEST_LINE), b"") if line.strip())
        except (Refused, OSError):
            continue  # told by read()
    return total


def read(package: Package, options: Options) -> Iterator[Item]:
    """Every line that is not blank."""
    for name in package.ending(*ENDINGS):
        try:
            with package.open(name) as file:
                number = 0
                while line := file.readline(_LONGEST_LINE + 1):
                    number += 1
                    if len(line) > _LONGEST_LINE:
                        yield _too_long(name, number)
                        while line and not line.endswith(b"\n"):
                            line = file.readline(_LONGEST_LINE)
                    elif line.strip():
                        yield _line(line, name, number, options)
                if not number:
                    yield Problem(name, 0, "", "The file is empty.", "Put one JSON object a line in it.")
        except Refused as refused:
            yield refused.problem
        except OSError as error:
            yield Problem(name, 0, "", f"It cannot be read: {error.strerror}.", "Check its permissions.")


def _too_long(name: str, number: int) -> Problem:
    what = f"The line has more than {_LONGEST_LINE // 1_000_000} MB."
    return Problem(name, number, "", what, "Write one object a line.")


def _line(line: bytes, name: str, number: int, options: Options) -> Item:
    text = decoded(line if number == 1 else line.removeprefix(b"\xef\xbb\xbf"), name, number)
    if isinstance(text, Problem):
        return text
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        to_do = "Write one JSON object a line."
        if not line.endswith(b"\n"):
            to_do = "The file may be cut off here: export it again."
        return Problem(name, number, "", f"This is not JSON ({what}).", to_do)
    if not isinstance(values, dict):
        return Problem(name, number, "", "This is JSON but not an object.", "Write {id, title, category, body}.")
    if values.get("type") == "category":
        return category(values, name, number, options)
    if values.get("type") == "piece":
        return piece_entries.piece(values, name, number)
    if values.get("type") == "picture":
        return _picture(values, name, number)
    return checking.article(values, name, number, options)


def _picture(values: dict[str, Any], file: str, row: int) -> ImportedPicture | Problem:
    digest, name, webp = (values.get(field) for field in ("digest", "name", "webp"))
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{32}", digest):
        return Problem(file, row, "digest", f"{str(digest)[:40]!r} names no picture.", "Leave it as it was exported.")
    try:
        content = base64.b64decode(webp, validate=True) if isinstance(webp, str) else b""
    except ValueError:
        content = b""
    if not content:
        return Problem(file, row, "webp", "It is not a picture in base64.", "Leave it as it was exported.", id=digest)
    called = name if isinstance(name, str) and name.isprintable() else ""
    return ImportedPicture(file, row, digest, called[-100:], content)


def category(values: dict[str, Any], file: str, row: int, options: Options) -> ImportedCategory | Problem:
    """A shelf as categories.yaml and our export write it."""
    for field in ("key", "topic"):
        value = values.get(field)
        if not isinstance(value, str) or not value or len(value) > 50 or not value.replace("-", "_").isidentifier():
            to_do = "Write at most 50 letters, digits or hyphens."
            return Problem(file, row, field, f"{value!r} will not do.", to_do)
    texts: dict[str, dict[str, str]] = {}
    for field, longest in (("name", 80), ("slug", 80), ("description", 200)):
        given = values.get(field, {})
        if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
            return Problem(file, row, field, "It is not a text by language.", f"Write {field}: {{en: …}}.")
        if too_long := next((text for text in given.values() if len(text) > longest), None):
            return Problem(file, row, field, f"{too_long[:30]!r}… is too long.", f"Shorten it to {longest}.")
        if any("\0" in text for text in given.values()):
            return Problem(file, row, field, "It holds a character that no text may hold.", "Remove it.")
        texts[field] = {locale: text for locale, text in given.items() if locale in options.locales}
    if not texts["name"]:
        to_do = "Write name: {en: …}."
        return Problem(file, row, "name", "There is none in a language of this help centre.", to_do)
    position = values.get("position", row)
    if not isinstance(position, int) or not 0 <= position <= 32_000:
        return Problem(file, row, "position", f"{position!r} is not a place in a list.", "Write a number from 0 on.")
    old = values.get("old_slugs") or {}
    if not isinstance(old, dict) or not all(isinstance(one, list) for one in old.values()):
        return Problem(file, row, "old_slugs", "It is not lists of texts by language.", "Take it out.")
    addresses = values.get("redirect_from") or []
    if not isinstance(addresses, list):
        return Problem(file, row, "redirect_from", "It is not a list.", "Take it out.")
    return ImportedCategory(
        file=file,
        row=row,
        key=values["key"],
        topic=values["topic"],
        icon=str(values.get("icon", "leaf"))[:50],
        position=position,
        name=texts["name"],
        slug=texts["slug"],
        description=texts["description"],
        old_slugs={
            locale: tuple(str(slug)[:80] for slug in slugs)
            for locale, slugs in old.items()
            if locale in options.locales
        },
        old_addresses=tuple(
            (str(one["locale"]), str(one["path"])[:500])
            for one in addresses
            if isinstance(one, dict) and one.get("locale") in options.locales and one.get("path")
        ),
        is_ours=True,
    )

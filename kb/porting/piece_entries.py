"""Facts and blocks as facts.yaml and our JSON lines write them. Knows no database.

    - fact: return-window
      name: Return window
      kind: duration
      says: 30 days
    - block: contact-us
      name: How to reach us
      says: {all: "Write to us …", es: "Escríbenos …"}
      from: 2026-01-05T09:00:00+00:00
      versions:
      - {from: 2026-12-01T00:00:00+00:00, says: {all: "Write to us until 20:00 …"}}

`says` is what counts now, or what counts from `from` on; `versions` is what else was or will be said, each from its
moment on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

from kb.porting.facts import ImportedPiece, Problem
from kb.porting.package import MOST_TEXT, Package, Refused, decoded

FILE = "facts.yaml"
FACT, BLOCK = "fact", "block"
EVERYWHERE = "all"  # the word of files for every language that has no value of its own
_ENTRY = "Write a list of {fact: its-key, name: …, kind: duration, says: 30 days}."
_MOST_VERSIONS = 1000


class _Bad(Exception):
    def __init__(self, field: str, what: str, to_do: str) -> None:
        super().__init__(field, what, to_do)
        self.field, self.what, self.to_do = field, what, to_do


def read(package: Package, name: str) -> Iterator[ImportedPiece | Problem]:
    """The entries of a facts.yaml, facts first, since a block may hold them. One that cannot be used stops no other."""
    try:
        text = decoded(package.read(name, most=MOST_TEXT), name)
    except Refused as refused:
        yield refused.problem
        return
    try:
        entries = yaml.safe_load(text) if isinstance(text, str) else None
    except (yaml.YAMLError, RecursionError, ValueError):
        entries, text = None, Problem(name, 0, "", "", "")
    if isinstance(text, Problem):
        yield Problem(name, 0, "", "It is not YAML in UTF-8.", _ENTRY)
    elif not isinstance(entries, list):
        yield Problem(name, 0, "", "It is not a list.", _ENTRY)
    else:
        for number, entry in sorted(enumerate(entries, start=1), key=lambda pair: _is_block(pair[1])):
            yield piece(entry, name, number)


def piece(entry: Any, file: str, row: int) -> ImportedPiece | Problem:
    """One fact or block. Whether its kind, its languages and its values are ones that there are, is told later."""
    if not isinstance(entry, dict) or (FACT in entry) == (BLOCK in entry):
        return Problem(file, row, "", "It names neither a fact nor a block.", _ENTRY)
    sort = BLOCK if _is_block(entry) else FACT
    key = str(entry[sort])[:200]
    try:
        return ImportedPiece(
            file=file,
            row=row,
            sort=sort,
            key=key,
            kind="markdown" if sort == BLOCK else str(entry.get("kind", "text")),
            name=_plain("name", entry.get("name", key))[:80],
            versions=tuple(_versions(entry)),
            is_archived=entry.get("archived") is True,
        )
    except _Bad as bad:
        return Problem(file, row, bad.field, bad.what, bad.to_do, id=key)


def _versions(entry: Mapping[str, Any]) -> Iterator[tuple[datetime | None, dict[str, str]]]:
    more = entry.get("versions", [])
    if not isinstance(more, list) or len(more) > _MOST_VERSIONS or not all(isinstance(one, dict) for one in more):
        raise _Bad("versions", "It is not a list of what it says from when on.", "Write [{from: …, says: …}].")
    if "says" in entry or not more:
        yield _moment(entry.get("from")), _says(entry.get("says", ""))
    for one in more:
        since = _moment(one.get("from"))
        if since is None:
            raise _Bad("versions", "One does not say from when on it counts.", "Write from: 2026-12-01T00:00:00Z.")
        yield since, _says(one.get("says", ""))


def _says(says: Any) -> dict[str, str]:
    """By locale; "" for every language that has none of its own."""
    written = says if isinstance(says, dict) else {EVERYWHERE: says}
    return {"" if code == EVERYWHERE else str(code): _plain("says", text) for code, text in written.items()}


def _plain(field: str, value: Any) -> str:
    text = str(value)
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise _Bad(field, "It holds a character that no text may hold.", "Remove it.")
    return text


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise _Bad("from", f"{str(value)[:60]!r} is no time.", "Write it like 2026-12-01T00:00:00Z.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _is_block(entry: Any) -> bool:
    return isinstance(entry, dict) and BLOCK in entry

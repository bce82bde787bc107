"""The tree of reason codes as a YAML file: read it, say what is wrong in it, take the rest in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction

from contacts.models import ReasonCode

_ALL_BELOW = "its children are refused too"


@dataclass(frozen=True)
class Refusal:
    """A part of the file that was not taken in, and what to do about it."""

    where: str  # like "refunds > refund_late"
    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}, {self.field}: {self.problem}"


@dataclass
class Loaded:
    """What load_reasons() did, in codes."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)  # stored before, not in the file; left as they are
    refused: list[Refusal] = field(default_factory=list)


class BadFile(Exception):
    """The file as a whole cannot be read. The message says why and what to do."""


@dataclass(frozen=True)
class _Node:
    code: str
    name: str
    parent: str | None
    phrases: list[str]


def load_reasons(path: Path) -> Loaded:
    """Take the tree of a YAML file in: a list of {key, name, patterns, children}, `name` a text or one per language.

    All that is good goes in, in one transaction; the same file again changes nothing. Raises BadFile.
    """
    loaded = Loaded()
    nodes = list(_nodes(_read_yaml(path), (), loaded.refused, set()))
    with transaction.atomic():
        stored = {row.code: row for row in ReasonCode.objects.select_for_update()}
        loaded.absent = sorted(stored.keys() - {node.code for node in nodes})
        for node in nodes:  # parents come before their children
            parent_id = stored[node.parent].pk if node.parent else None
            fresh = {"name": node.name, "parent_id": parent_id, "phrases": node.phrases}
            row = stored.get(node.code)
            if row is None:
                stored[node.code] = ReasonCode.objects.create(code=node.code, **fresh)
                loaded.created.append(node.code)
            elif any(getattr(row, name) != value for name, value in fresh.items()):
                ReasonCode.objects.filter(pk=row.pk).update(**fresh)
                loaded.changed.append(node.code)
            else:
                loaded.unchanged.append(node.code)
    return loaded


def _read_yaml(path: Path) -> list[Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}. Name a file that can be read.") from error
    except UnicodeDecodeError as error:
        raise BadFile(f"{path}: not UTF-8 (byte {error.start}). Save the file as UTF-8.") from error
    except yaml.YAMLError as error:
        raise BadFile(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, list):
        raise BadFile(f"{path}: a list of reason codes is wanted at the top (lines that start with '- key:').")
    return content


def _nodes(items: list[Any], path: tuple[str, ...], refused: list[Refusal], seen: set[str]) -> Iterator[_Node]:
    for number, item in enumerate(items, start=1):
        where = " > ".join([*path, f"item {number}"])
        if not isinstance(item, dict):
            refused.append(Refusal(where, "item", "not a set of fields; write key, name and patterns"))
            continue
        code = item["key"] if isinstance(item.get("key"), str) else ""
        try:
            validate_slug(code)
        except ValidationError:
            refused.append(
                Refusal(where, "key", f"{item.get('key')!r} is no key; use letters, digits and _ ({_ALL_BELOW})")
            )
            continue
        where = " > ".join([*path, code])
        if len(code) > 50:
            refused.append(Refusal(where, "key", f"longer than 50 characters; shorten it ({_ALL_BELOW})"))
            continue
        if code in seen:
            refused.append(Refusal(where, "key", f"stands in the file twice; the first counts ({_ALL_BELOW})"))
            continue
        seen.add(code)
        yield _Node(code, _name(item, where, refused), path[-1] if path else None, _phrases(item, where, refused))
        children = item.get("children") or []
        if isinstance(children, list):
            yield from _nodes(children, (*path, code), refused, seen)
        else:
            refused.append(Refusal(where, "children", "not a list; write one '- key:' for each"))


def _name(item: dict[str, Any], where: str, refused: list[Refusal]) -> str:
    given = item.get("name")
    name = given.get("en") if isinstance(given, dict) else given
    if isinstance(name, str) and 0 < len(name.strip()) <= 80:
        return name.strip()
    refused.append(Refusal(where, "name", "missing, no text, or over 80 characters; the key stands in for it"))
    return str(item["key"])


def _phrases(item: dict[str, Any], where: str, refused: list[Refusal]) -> list[str]:
    given = item.get("patterns") or []
    if not isinstance(given, list):
        refused.append(Refusal(where, "patterns", "not a list; write one '- phrase' a line"))
        return []
    phrases = []
    for phrase in given:
        if isinstance(phrase, str) and phrase.strip():
            phrases.append(phrase.strip().lower())
        else:
            refused.append(Refusal(where, "patterns", f"{phrase!r} is no text; put it in quotes or take it out"))
    return phrases

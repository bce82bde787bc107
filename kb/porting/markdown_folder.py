"""A folder of Markdown files with a YAML head, categories.yaml beside them. Knows no database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from kb.porting import checking
from kb.porting.facts import ImportedCategory, Item, Options, Problem
from kb.porting.jsonl import category
from kb.porting.package import MOST_TEXT, Package, Refused, decoded

SHELVES = "categories.yaml"


def count(package: Package, options: Options) -> int:
    """How many articles there are."""
    return len(package.ending(".md"))


def read(package: Package, options: Options) -> Iterator[Item]:
    """Every .md file; the shelves are for shelves()."""
    names = package.ending(".md")
    if not names:
        yield Problem(package.name, 0, "", "The folder holds no .md file.", "Name one with articles, or a .jsonl.")
    for name in names:
        yield _article(package, name, options)


def shelves(package: Package, name: str, options: Options) -> Iterator[ImportedCategory | Problem]:
    """The entries of a categories.yaml. One that cannot be used is a Problem and stops no other."""
    try:
        text = decoded(package.read(name, most=MOST_TEXT), name)
    except Refused as refused:
        yield refused.problem
        return
    what, to_do = "It is not YAML in UTF-8.", "Write a list of {key, topic, name: {en: …}}."
    try:
        entries = yaml.safe_load(text) if isinstance(text, str) else None
    except (yaml.YAMLError, RecursionError, ValueError):
        entries, text = None, Problem(name, 0, "", what, to_do)
    if isinstance(text, Problem):
        yield Problem(name, 0, "", what, to_do)
    elif not isinstance(entries, list):
        yield Problem(name, 0, "", "It is not a list.", to_do)
    else:
        for number, entry in enumerate(entries, start=1):
            if isinstance(entry, dict):
                yield category(entry, name, number, options)
            else:
                yield Problem(name, number, "", "It is not a group of fields.", "Write key, topic and name.")


def _article(package: Package, name: str, options: Options) -> Item:
    try:
        text = decoded(package.read(name, most=MOST_TEXT), name)
    except Refused as refused:
        return refused.problem
    if isinstance(text, Problem):
        return text
    values = head_and_body(text, name)
    return values if isinstance(values, Problem) else checking.article(values, name, 0, options)


def head_and_body(text: str, name: str) -> dict[str, Any] | Problem:
    """The fields of the head, and what is below it as `body`."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        return Problem(
            name, 0, "", "The file has no head between two lines of ---.", "Begin it with id, title and category there."
        )
    end = next(number for number, line in enumerate(lines[1:], start=1) if line.strip() == "---")
    try:
        values = yaml.safe_load("\n".join(lines[1:end]))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f", line {mark.line + 2}" if mark else ""
        return Problem(name, 0, "", f"The head is not YAML{at}.", "Put texts with a colon in them in quotes.")
    if not isinstance(values, dict):
        return Problem(name, 0, "", "The head holds no fields.", "Write id, title and category in it.")
    return {**values, "body": "\n".join(lines[end + 1 :]).strip("\n")}

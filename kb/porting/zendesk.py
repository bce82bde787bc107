"""Zendesk Guide: the JSON of its Help Center API, as pages of lists or one object a file. Knows no database.

Articles (`articles`, `article`), their `translations`, `sections` and `categories`; in any number of files with any
names. A section becomes a shelf; where only categories are there, they do. An object with nothing around it is told by
its fields. Attachments are read past: pictures stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kb.porting import checking, html
from kb.porting.facts import DRAFT, PUBLISHED, ImportedCategory, Item, Note, Options, Problem
from kb.porting.json_files import number, objects, words
from kb.porting.old_site import OldSite, path_of
from kb.porting.package import Package

SOURCE = "zendesk"
_LISTS = ("articles", "article", "translations", "translation", "sections", "section", "categories", "category",
          "article_attachments")  # fmt: skip
_PLAIN = "Articles"  # the shelf of what stands on none


@dataclass
class _Shelf:
    file: str
    row: int
    names: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    position: int = 0
    paths: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class _Index:
    """What must be known before the first article is read."""

    site: OldSite
    sections: dict[str, _Shelf] = field(default_factory=dict)
    parents: dict[str, dict[str, Any]] = field(default_factory=dict)  # article id → what its translations lack
    problems: list[Problem] = field(default_factory=list)
    total: int = 0


def count(package: Package, options: Options) -> int:
    """How many articles there are, each language counted."""
    return _index(package, options, lambda _id: False).total


def read(package: Package, options: Options, *, is_known: Callable[[str], bool]) -> Iterator[Item]:
    """`is_known(id)`: whether an article of this id came with an earlier import."""
    index = _index(package, options, is_known)
    yield from index.problems
    for key, shelf in index.sections.items():
        yield ImportedCategory(
            file=shelf.file,
            row=shelf.row,
            key=f"zendesk-{key}"[:50],
            name=shelf.names,
            description=shelf.descriptions,
            position=min(max(shelf.position, 0), 32_000),
            old_addresses=tuple(shelf.paths),
        )
    seen: dict[tuple[str, str], str] = {}
    for kind in ("article", "translation"):
        for name in package.ending(".json"):
            for row, value in _of_kind(package, name, kind):
                yield from _article(value, name, row, kind, index, options, seen)


def _of_kind(package: Package, name: str, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for found in objects(package, name, _LISTS):
        if isinstance(found, Problem):
            continue  # told by _index
        told, row, value = found
        is_kind = _kind(told, value)
        if is_kind == kind:
            yield row, value
        if is_kind == "article" and kind == "translation":
            for more in value.get("translations") or ():
                if isinstance(more, dict):
                    yield row, {"source_id": value.get("id"), "source_type": "Article", **more}


def _kind(told: str, value: dict[str, Any]) -> str:
    told = {"categories": "category"}.get(told, told.removesuffix("s"))
    if told:
        return told
    if "source_id" in value and "source_type" in value:
        return "translation"
    if "section_id" in value or "body" in value:
        return "article"
    return "section" if "category_id" in value else "category" if "name" in value else ""


def _index(package: Package, options: Options, is_known: Callable[[str], bool]) -> _Index:
    index = _Index(OldSite(is_known=is_known))
    seen: set[tuple[str, str]] = set()
    for name in package.ending(".json"):
        for found in objects(package, name, _LISTS):
            if isinstance(found, Problem):
                index.problems.append(found)
                continue
            told, row, value = found
            kind = _kind(told, value)
            index.site.learn(words(value.get("html_url")))
            index.site.learn_links(words(value.get("body")))
            if kind == "article":
                _note_article(index, value, seen)
            elif kind == "translation" and value.get("source_type") in ("Article", None):
                seen.add((number(value.get("source_id")), words(value.get("locale"))))
            elif kind == "section":
                _note_shelf(index.sections, value, name, row, options)
            elif kind == "translation" and value.get("source_type") == "Section":
                _note_shelf(
                    index.sections,
                    {
                        **value,
                        "id": value.get("source_id"),
                        "name": value.get("title"),
                        "description": value.get("body"),
                    },
                    name,
                    row,
                    options,
                )
    index.total = len(seen)
    return index


def _note_article(index: _Index, value: dict[str, Any], seen: set[tuple[str, str]]) -> None:
    key = number(value.get("id"))
    index.site.ids.add(key)
    seen.add((key, words(value.get("locale"))))
    index.parents.setdefault(key, {name: value.get(name) for name in ("section_id", "user_segment_id")})
    for more in value.get("translations") or ():
        if isinstance(more, dict):
            seen.add((key, words(more.get("locale"))))


def _note_shelf(shelves: dict[str, _Shelf], value: dict[str, Any], file: str, row: int, options: Options) -> None:
    key, name = number(value.get("id")), html.plain(words(value.get("name")), most=80)
    locale = options.locale_of(words(value.get("locale")))
    if not key or not name or not locale:
        return
    shelf = shelves.setdefault(key, _Shelf(file, row))
    shelf.names[locale] = name
    if description := html.plain(words(value.get("description")), most=200):
        shelf.descriptions[locale] = description
    if isinstance(value.get("position"), int):
        shelf.position = value["position"]
    if path := path_of(words(value.get("html_url"))):
        shelf.paths.append((locale, path))


def _article(
    value: dict[str, Any],
    file: str,
    row: int,
    kind: str,
    index: _Index,
    options: Options,
    seen: dict[tuple[str, str], str],
) -> Iterator[Item]:
    if kind == "translation" and value.get("source_type") not in ("Article", None):
        return
    key = number(value.get("source_id") if kind == "translation" else value.get("id"))
    locale, changed = words(value.get("locale")), words(value.get("updated_at"))
    parent = index.parents.get(key)
    if kind == "translation" and parent is None:
        yield Problem(
            file, row, "source_id", f"Article {key or 'without an id'} of this translation is not in the export.",
            "Export the articles too.", key, locale, words(value.get("title"))[:200],
        )  # fmt: skip
        return
    # Pages overlap where an article was added while they were fetched, and lists of translations hold the original.
    if (key, locale) in seen and (kind == "translation" or seen[key, locale] == changed):
        return
    seen.setdefault((key, locale), changed)
    notes: list[Note] = []
    try:
        body = html.convert(
            words(value.get("body")), link=index.site.link, image=index.site.image, wanted=index.site.fragments
        )
    except html.TooDeep as error:
        yield Problem(file, row, "body", f"The HTML cannot be read: {error}.", "Simplify it there.", key, locale)
        return
    notes += body.notes
    parent = parent or {}
    is_restricted = value.get("user_segment_id", parent.get("user_segment_id")) is not None
    if is_restricted:
        notes.append(
            Note("visibility", "Not everybody could read it there: here staff alone can.", "Change it on the desk.")
        )
    section = number(value.get("section_id") or parent.get("section_id"))
    path = path_of(words(value.get("html_url")))
    yield checking.article(
        {
            "id": key or None,
            "title": value.get("title") or value.get("name"),
            "category": f"zendesk-{section}"[:50] if section in index.sections else _PLAIN,
            "body": body.markdown,
            "locale": locale,
            "state": DRAFT if value.get("draft") is True else PUBLISHED,
            "visibility": "staff" if is_restricted else "public",
            "redirect_from": [path] if path else None,
        },
        file,
        row,
        options,
        notes=notes,
    )

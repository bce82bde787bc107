"""Intercom Articles: the JSON of its API, `GET /articles` and `GET /help_center/collections`. Knows no database.

Pages of lists ({"type": "list", "data": […]}) or one object a file. Every article brings its languages along in
`translated_content`. A collection becomes a shelf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kb.porting import checking, html
from kb.porting.facts import DRAFT, PUBLISHED, ImportedCategory, Item, Note, Options, Problem
from kb.porting.json_files import number, objects, words
from kb.porting.old_site import OldSite, path_of
from kb.porting.package import Package

SOURCE = "intercom"
_LISTS = ("data", "articles", "collections")
_PLAIN = "Articles"


@dataclass
class _Index:
    site: OldSite
    shelves: dict[str, ImportedCategory] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    total: int = 0


def count(package: Package, options: Options) -> int:
    """How many articles there are, each language counted."""
    return _index(package, options, lambda _id: False).total


def read(package: Package, options: Options, *, is_known: Callable[[str], bool]) -> Iterator[Item]:
    """`is_known(id)`: whether an article of this id came with an earlier import."""
    index = _index(package, options, is_known)
    yield from index.problems
    yield from index.shelves.values()
    seen: dict[str, object] = {}
    for name in package.ending(".json"):
        for found in objects(package, name, _LISTS):
            if isinstance(found, Problem) or _is_collection(*found):
                continue
            _, row, value = found
            key = number(value.get("id"))
            # Pages overlap where an article was added while they were fetched.
            if key and key in seen and seen[key] == value.get("updated_at"):
                continue
            seen.setdefault(key, value.get("updated_at"))
            for locale, content in _languages(value).items():
                yield _article(value, content, locale, name, row, index, options)


def _index(package: Package, options: Options, is_known: Callable[[str], bool]) -> _Index:
    index = _Index(OldSite(is_known=is_known))
    seen: set[tuple[str, str]] = set()
    for name in package.ending(".json"):
        for found in objects(package, name, _LISTS):
            if isinstance(found, Problem):
                index.problems.append(found)
                continue
            _, row, value = found
            index.site.learn(words(value.get("url")))
            for content in _languages(value).values():
                index.site.learn_links(words(content.get("body")))
            key = number(value.get("id"))
            if not _is_collection(*found):
                index.site.ids.add(key)
                seen |= {(key, locale) for locale in _languages(value)}
            elif (shelf := _shelf(key, value, name, row, options)) is not None:
                index.shelves[key] = shelf
    index.total = len(seen)
    return index


def _is_collection(kind: str, _row: int, value: dict[str, Any]) -> bool:
    if value.get("type") in ("collection", "section") or kind == "collections":
        return True
    return "title" not in value and "name" in value


def _languages(value: dict[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The contents by the file's word for the language, that of the article itself first."""
    default = words(value.get("default_locale"))
    translated = value.get("translated_content")
    others = {
        locale: content
        for locale, content in (translated if isinstance(translated, dict) else {}).items()
        if locale != default and isinstance(content, dict) and (content.get("title") or content.get("body"))
    }
    return {default: value, **others}


def _shelf(key: str, value: dict[str, Any], file: str, row: int, options: Options) -> ImportedCategory | None:
    names: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    paths: list[tuple[str, str]] = []
    translated = value.get("translated_content")
    contents = {words(value.get("default_locale")): value}
    contents |= {k: v for k, v in (translated if isinstance(translated, dict) else {}).items() if isinstance(v, dict)}
    for theirs, content in contents.items():
        locale, name = options.locale_of(theirs), html.plain(words(content.get("name")), most=80)
        if not locale or not name:
            continue
        names.setdefault(locale, name)
        descriptions.setdefault(locale, html.plain(words(content.get("description")), most=200))
        if path := path_of(words(content.get("url"))):
            paths.append((locale, path))
    if not key or not names:
        return None
    position = value.get("order")
    return ImportedCategory(
        file=file,
        row=row,
        key=f"intercom-{key}"[:50],
        name=names,
        description=descriptions,
        position=min(max(position, 0), 32_000) if isinstance(position, int) else 100,
        old_addresses=tuple(paths),
    )


def _article(
    value: dict[str, Any],
    content: Mapping[str, Any],
    locale: str,
    file: str,
    row: int,
    index: _Index,
    options: Options,
) -> Item:
    key = number(value.get("id"))
    try:
        body = html.convert(
            words(content.get("body")), link=index.site.link, image=index.site.image, wanted=index.site.fragments
        )
    except html.TooDeep as error:
        return Problem(file, row, "body", f"The HTML cannot be read: {error}.", "Simplify it there.", key, locale)
    notes = list(body.notes)
    description = words(content.get("description"))
    summary = html.plain(description, most=300)
    if summary.endswith("…") and not description.rstrip().endswith("…"):
        notes.append(Note("summary", "The description was cut to 300 characters.", "Shorten it on the desk."))
    parents = [number(value.get("parent_id")), *map(number, value.get("parent_ids") or ())]
    shelf = next((parent for parent in parents if parent in index.shelves), "")
    path = path_of(words(content.get("url")))
    return checking.article(
        {
            "id": key or None,
            "title": content.get("title"),
            "category": f"intercom-{shelf}"[:50] if shelf else _PLAIN,
            "body": body.markdown,
            "summary": summary,
            "locale": locale,
            "state": PUBLISHED if content.get("state") == "published" else DRAFT,
            "visibility": "public",
            "redirect_from": [path] if path else None,
        },
        file,
        row,
        options,
        notes=notes,
    )

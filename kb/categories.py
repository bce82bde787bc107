"""The shelves of the help centre: read from categories.yaml, found by name, made where an import needs one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.utils.text import slugify

from kb.article_files import Problem
from kb.models import Category, CategoryText
from kb.rendering import slugify as any_script

UNKNOWN_TOPIC = "other"


@dataclass(frozen=True)
class Shelf:
    """One entry of categories.yaml; names, slugs and descriptions by locale."""

    key: str
    topic: str
    icon: str
    position: int
    name: Mapping[str, str]
    slug: Mapping[str, str]
    description: Mapping[str, str]


def file_near(path: Path) -> Path | None:
    """categories.yaml in the folder of the articles or one of the two above it."""
    folder = path if path.is_dir() else path.parent
    candidates = [folder, *list(folder.resolve().parents)[:2]]
    return next((found for parent in candidates if (found := parent / "categories.yaml").is_file()), None)


def read(path: Path, *, locales: Collection[str]) -> Iterator[Shelf | Problem]:
    """The entries of categories.yaml. One that cannot be used is a Problem and stops no other."""
    file = path.name
    try:
        entries = yaml.safe_load(path.read_bytes().decode("utf-8"))
    except OSError as error:
        yield Problem(str(path), 0, "", f"It cannot be read: {error.strerror}.", "Check the path.")
        return
    except (yaml.YAMLError, UnicodeDecodeError):
        yield Problem(file, 0, "", "It is not YAML in UTF-8.", "Write a list of {key, topic, name: {en: …}}.")
        return
    if not isinstance(entries, list):
        yield Problem(file, 0, "", "It is not a list.", "Write a list of {key, topic, name: {en: …}}.")
        return
    for number, entry in enumerate(entries, start=1):
        yield _shelf(entry, file, number, locales)


def store(shelf: Shelf) -> Category:
    """The category with its texts, made or brought up to date."""
    with transaction.atomic():
        category, _ = Category.objects.update_or_create(
            key=shelf.key, defaults={"topic": shelf.topic, "icon": shelf.icon, "position": shelf.position}
        )
        for locale, name in shelf.name.items():
            slug = shelf.slug.get(locale) or slugify(name) or shelf.key
            CategoryText.objects.update_or_create(
                category=category,
                locale=locale,
                defaults={"name": name, "slug": slug, "description": shelf.description.get(locale, "")},
            )
    return category


def find_or_make(name: str, locale: str) -> Category:
    """The category with this key or name; a new one, of no particular topic, where there is none."""
    found = Category.objects.filter(key=name).first()
    if found is None:
        text = CategoryText.objects.filter(name__iexact=name).select_related("category").order_by("pk").first()
        found = text.category if text else None
    if found is not None:
        return found
    stem = (slugify(name) or slugify(any_script(name).encode("punycode").decode()) or "shelf")[:45]
    with transaction.atomic():
        taken = set(Category.objects.filter(key__startswith=stem).values_list("key", flat=True))
        taken |= set(CategoryText.objects.filter(slug__startswith=stem, locale=locale).values_list("slug", flat=True))
        key = next(key for key in [stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))] if key not in taken)
        category = Category.objects.create(key=key, topic=UNKNOWN_TOPIC, icon="leaf", position=100)
        CategoryText.objects.create(category=category, locale=locale, slug=key, name=name)
    return category


def _shelf(entry: Any, file: str, number: int, locales: Collection[str]) -> Shelf | Problem:
    if not isinstance(entry, dict):
        return Problem(file, number, "", "It is not a group of fields.", "Write key, topic and name.")
    for field in ("key", "topic"):
        value = entry.get(field)
        if not isinstance(value, str) or not value or len(value) > 50 or not value.replace("-", "_").isidentifier():
            return Problem(
                file,
                number,
                field,
                f"{value!r} will not do.",
                "Write at most 50 letters, digits or hyphens.",
            )
    by_locale: dict[str, dict[str, str]] = {}
    for field, longest in (("name", 80), ("slug", 80), ("description", 200)):
        texts = entry.get(field, {})
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            return Problem(file, number, field, "It is not a text by language.", f"Write {field}: {{en: …}}.")
        if too_long := next((text for text in texts.values() if len(text) > longest), None):
            return Problem(file, number, field, f"{too_long[:30]!r}… is too long.", f"Shorten it to {longest}.")
        by_locale[field] = {locale: text for locale, text in texts.items() if locale in locales}
    if not by_locale["name"]:
        return Problem(file, number, "name", "There is none in a language of this help centre.", "Write name: {en: …}.")
    position = entry.get("position", number)
    if not isinstance(position, int) or not 0 <= position <= 32_000:
        return Problem(file, number, "position", f"{position!r} is not a place in a list.", "Write a number from 0 on.")
    return Shelf(
        key=entry["key"], topic=entry["topic"], icon=str(entry.get("icon", "leaf"))[:50], position=position, **by_locale
    )

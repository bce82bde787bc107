"""The shelves of the help centre: stored from files, found by name, made where an import needs one."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction
from django.utils.text import slugify

from kb.models import Category, CategoryRedirect, CategoryText
from kb.porting.facts import ImportedCategory
from kb.rendering import slugify as any_script

UNKNOWN_TOPIC = "other"


def file_near(path: Path) -> Path | None:
    """categories.yaml in the folder of the articles or one of the two above it."""
    folder = path if path.is_dir() else path.parent
    candidates = [folder, *list(folder.resolve().parents)[:2]]
    return next((found for parent in candidates if (found := parent / "categories.yaml").is_file()), None)


def store(shelf: ImportedCategory) -> Category:
    """The category with its texts, made or brought up to date; nothing is written where nothing changed."""
    with transaction.atomic():
        said = {"topic": shelf.topic or UNKNOWN_TOPIC, "icon": shelf.icon or "leaf", "position": shelf.position}
        category, is_new = Category.objects.get_or_create(key=shelf.key, defaults=said)
        if not is_new and any(getattr(category, name) != value for name, value in said.items()):
            Category.objects.filter(pk=category.pk).update(**said)
        texts = {text.locale: text for text in category.texts.all()}
        for locale, name in shelf.name.items():
            slug = shelf.slug.get(locale) or _free_slug(slugify(name) or shelf.key, locale, category)
            values = {"name": name, "slug": slug, "description": shelf.description.get(locale, "")}
            text = texts.get(locale)
            if text is None:
                CategoryText.objects.create(category=category, locale=locale, **values)
            elif any(getattr(text, field) != value for field, value in values.items()):
                _lead_on(category, text.slug, locale, slug)
                CategoryText.objects.filter(pk=text.pk).update(**values)
    return category


def _free_slug(wanted: str, locale: str, category: Category) -> str:
    others = CategoryText.objects.filter(locale=locale, slug__startswith=wanted).exclude(category=category)
    taken = set(others.values_list("slug", flat=True))
    return next(slug for slug in [wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3))] if slug not in taken)


def _lead_on(category: Category, old: str, locale: str, slug: str) -> None:
    """From the slug that the category has until now to its new one."""
    if old != slug:
        CategoryRedirect.objects.update_or_create(locale=locale, old_slug=old, defaults={"category": category})


def find(name: str) -> Category | None:
    """The category with this key, else with this name in any language."""
    found = Category.objects.filter(key=name).first()
    if found is None:
        text = CategoryText.objects.filter(name__iexact=name).select_related("category").order_by("pk").first()
        found = text.category if text else None
    return found


def find_or_make(name: str, locale: str) -> Category:
    """The category with this key or name; a new one, of no particular topic, where there is none."""
    found = find(name)
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

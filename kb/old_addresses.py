"""Addresses that an earlier help centre had: kept with the article or shelf that answers now.

Links to a help centre are older than the help centre: in e-mails, in forums, in search engines. A path that nothing
here answers to is looked up (kb.views.links), with its query and without, and as the number of an article without the
words behind it, since other help centres change those with every title.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from django.db.models import Manager, Model
from django.urls import Resolver404, resolve, reverse
from django.utils import translation

from core import languages
from kb import selectors
from kb.models import Article, Category, CategoryRedirect, CategoryText, OldAddress, Redirect

_Row = TypeVar("_Row", bound=Model)

_LONGEST = 500
_MOST_READ = 4_000  # characters of an address; what follows no person wrote
_OURS = re.compile(r"^/([a-z]{2,3}(?:-[a-z0-9]{2,8})*)/([ac])/([^/?#]+)/?$")
# "/articles/360001-How-to-return" is article 360001, whatever it is called today.
_NUMBERED = re.compile(r"(/(?:articles|sections|categories|collections)/\d{1,20})-[^/?]*")


@dataclass(frozen=True)
class Refusal:
    """An address that is not kept, and why."""

    address: str
    why: str


def key(address: str) -> str:
    """The address as it is kept and looked up: path and query, in small letters. Empty where it has no path."""
    try:
        parts = urlsplit(address[:_MOST_READ])
    except ValueError:
        return ""
    path = unquote(parts.path).replace("\0", "").rstrip("/").lower()
    path = _NUMBERED.sub(r"\1", path)
    return (path + (f"?{parts.query.lower()}" if path and parts.query else ""))[:_LONGEST]


def find(path: str, query: str = "") -> str:
    """Where this dead address leads to now, in one hop; empty where nowhere."""
    keys = list(dict.fromkeys(wanted for wanted in (key(f"{path}?{query}") if query else "", key(path)) if wanted))
    found = {old.path: old for old in OldAddress.objects.filter(path__in=keys).select_related("article")}
    old = next((found[wanted] for wanted in keys if wanted in found), None)
    if old is None:
        return ""
    with translation.override(old.locale):
        if old.article is None:
            texts = CategoryText.objects.filter(category=old.category_id, locale=old.locale)
            text = texts.first() or CategoryText.objects.filter(category=old.category_id).first()
            return reverse("help:category", args=[text.slug]) if text else ""
        if Article.objects.public().filter(pk=old.article.pk).exists():
            return reverse("help:article", args=[old.article.slug])
        # Taken away, and its readers led on: straight to where they end.
        moved = selectors.moved_to(old.article.slug, old.locale)
        return reverse("help:article", args=[moved.slug]) if moved else ""


def refusals(
    article_id: int | None, locale: str, slug: str, addresses: Sequence[str], held: Mapping[str, int | None]
) -> list[Refusal]:
    """Which of these cannot lead to the article (None: not made yet) at `slug` in `locale`.

    `held` are kept addresses by their keys, with the article that each leads to.
    """
    found = []
    for address in addresses:
        wanted = key(address)
        ours = _OURS.match(wanted)
        if not wanted:
            found.append(Refusal(address, "it has no path"))
        elif ours and ours[2] == "a":
            if why := _why_not_ours(article_id, (locale, slug), (ours[1], ours[3])):
                found.append(Refusal(address, why))
        elif _is_a_page(wanted):
            found.append(Refusal(address, "a page of this site is there"))
        elif wanted in held and (article_id is None or held[wanted] != article_id):
            found.append(Refusal(address, "it leads somewhere else already"))
    return found


def _why_not_ours(article_id: int | None, own: tuple[str, str], wanted: tuple[str, str]) -> str:
    locale, slug = wanted
    if wanted == own:
        return "it is the article's own address, and would lead in a circle"
    if Article.objects.filter(locale=locale, slug=slug).exists():
        return "an article is there"
    if Redirect.objects.filter(locale=locale, old_slug=slug).exclude(article_id=article_id or 0).exists():
        return "it leads to another article already"
    return ""


def keep(pairs: Iterable[tuple[Article, Sequence[str]]]) -> int:
    """Lead these addresses to the articles; what leads elsewhere stays as it is. Returns how many are new."""
    ours, old = [], []
    for article, addresses in pairs:
        for address in addresses:
            wanted = key(address)
            if (own := _OURS.match(wanted)) and own[2] == "a":
                ours.append(Redirect(locale=own[1], old_slug=own[3][:120], article=article))
            elif wanted and not _is_a_page(wanted):
                old.append(OldAddress(path=wanted, article=article, locale=article.locale))
    new_ours = _new(ours, Redirect.objects, "locale", "old_slug")
    new_old = _new(old, OldAddress.objects, "path")
    Redirect.objects.bulk_create(new_ours, ignore_conflicts=True)
    OldAddress.objects.bulk_create(new_old, ignore_conflicts=True)
    return len(new_ours) + len(new_old)


def keep_of_category(category: Category, addresses: Iterable[tuple[str, str]]) -> int:
    """Lead these, (locale, address), to the shelf in that language. Returns how many are new."""
    ours, old = [], []
    for locale, address in addresses:
        wanted = key(address)
        if (own := _OURS.match(wanted)) and own[2] == "c":
            ours.append(CategoryRedirect(locale=own[1], old_slug=own[3][:80], category=category))
        elif wanted and not _is_a_page(wanted):
            old.append(OldAddress(path=wanted, category=category, locale=locale))
    new_ours = _new(ours, CategoryRedirect.objects, "locale", "old_slug")
    new_old = _new(old, OldAddress.objects, "path")
    CategoryRedirect.objects.bulk_create(new_ours, ignore_conflicts=True)
    OldAddress.objects.bulk_create(new_old, ignore_conflicts=True)
    return len(new_ours) + len(new_old)


def of_article(article: Article) -> list[str]:
    """Every address that leads to this article beside its own, as keep() takes them."""
    ours = article.redirects.order_by("locale", "old_slug").values_list("locale", "old_slug")
    old = article.old_addresses.order_by("path").values_list("path", flat=True)
    return [*(f"/{locale}/a/{slug}/" for locale, slug in ours), *old]


def _new(rows: list[_Row], manager: Manager[_Row], *unique: str) -> list[_Row]:
    """Those that are not there yet; of two alike the first."""
    if not rows:
        return []
    wanted = {tuple(getattr(row, name) for name in unique): row for row in reversed(rows)}
    there = manager.filter(**{f"{unique[-1]}__in": [names[-1] for names in wanted]}).values_list(*unique)
    known = set(there)
    return [row for names, row in wanted.items() if names not in known]


def _is_a_page(path: str) -> bool:
    """Whether this site answers at the path, so that no redirect would ever be asked for."""
    code, _ = languages.split(path)
    bare = path.partition("?")[0]
    with translation.override(code if code in languages.served() else None):
        for candidate in (bare, f"{bare}/"):
            try:
                resolve(candidate)
            except Resolver404:
                continue
            return True
    return False

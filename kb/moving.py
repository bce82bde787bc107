"""Where an article is found: its address, the addresses it once had, and where its readers go once it is archived."""

from __future__ import annotations

import re

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.text import slugify as ascii_slug
from django.utils.translation import gettext as _

from core import audit
from kb import changing, rendering
from kb.models import Article, ArticleState, Category, Redirect
from kb.refusals import NotAllowed, SlugTaken

_SLUG_LENGTH = 110  # the field's 120 less room for "-2"


def slug_of(text: str) -> str:
    """The address for a title: ASCII where the script allows it. Never empty."""
    return (ascii_slug(text) or rendering.slugify(text))[:_SLUG_LENGTH].strip("-") or "article"


def free_slug(locale: str, wanted: str) -> str:
    """`wanted`, or with a number behind it where an article has that address or an old link leads from it."""
    pattern = rf"^{re.escape(wanted)}(-\d+)?$"
    taken = set(Article.objects.filter(locale=locale, slug__regex=pattern).values_list("slug", flat=True))
    taken |= set(Redirect.objects.filter(locale=locale, old_slug__regex=pattern).values_list("old_slug", flat=True))
    return next(slug for slug in [wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3))] if slug not in taken)


def rename_slug(article: Article, slug: str, *, by: User | None = None) -> None:
    """Give the article another address; one that customers may know leads on to the new one, in one hop.

    Redirects point at the article and not at an address, so that a second renaming makes no chain. Raises SlugTaken.
    """
    slug, old = slug_of(slug), article.slug
    try:
        with transaction.atomic():
            old = changing.lock(article).slug
            if slug == old:
                return
            _refuse_taken(article, slug)
            # Back at an address that it once had: nothing may lead away from there.
            Redirect.objects.filter(locale=article.locale, old_slug=slug, article=article).delete()
            if article.live_revision_id is not None:  # before the change: links that meant the old address look for it
                Redirect.objects.update_or_create(locale=article.locale, old_slug=old, defaults={"article": article})
            changing.change(article, slug=slug)
            audit.record(by, "article.renamed", article, old_slug=old, new_slug=slug)
    except IntegrityError as error:
        if "article_slug_unique_in_locale" not in str(error):
            raise
        article.slug = old
        raise SlugTaken(_("Another article has the address “%(slug)s”. Choose another.") % {"slug": slug}) from error


def destination(article: Article, to: Article | None) -> Article | None:
    """`to`, once it is sure that readers of an archived `article` can be led there. Raises NotAllowed."""
    if to is None:
        return None
    if to.pk == article.pk:
        raise NotAllowed(_("An archived article cannot lead to itself. Choose another one, its category, or nowhere."))
    if to.state != ArticleState.PUBLISHED or to.visibility not in ("public", article.visibility):
        raise NotAllowed(_("Readers cannot open the article that they would be led to. Choose one that is published."))
    return to


def move(
    article: Article, category: Category, *, visibility: str = "", ring: bool = True, by: User | None = None
) -> None:
    """Put the article on another shelf, and before other readers where `visibility` is given; at once."""
    with transaction.atomic():
        changing.lock(article)
        if article.category_id != category.pk or visibility not in ("", article.visibility):
            visibility = visibility or article.visibility
            changing.change(article, category=category, visibility=visibility, ring=ring)
            audit.record(by, "article.moved", article, category=category.key, visibility=visibility)


def _refuse_taken(article: Article, slug: str) -> None:
    there = Article.objects.filter(locale=article.locale, slug=slug).exclude(pk=article.pk)
    if other := there.select_related("draft").first():
        raise SlugTaken(
            _(
                "The article “%(title)s” (%(state)s) has the address “%(slug)s”. "
                "Give that one another address first, or choose another one here."
            )
            % {"title": other.draft.title, "state": other.get_state_display(), "slug": slug}
        )
    led = Redirect.objects.filter(locale=article.locale, old_slug=slug).exclude(article=article)
    if redirect := led.select_related("article__draft").first():
        raise SlugTaken(
            _(
                "Old links to “%(slug)s” lead to the article “%(title)s”, which had that address before. "
                "Choose another one."
            )
            % {"title": redirect.article.draft.title, "slug": slug}
        )

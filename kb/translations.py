"""Articles that say the same in several languages: which is the original, and how far its translations are behind.

The original is the article in the default language: the one that readers get where there is no translation. A
translation remembers the text of the original that it says the same as (Article.made_from). Readers are told that it
is behind only where an editor marked a later text of the original as a major change; editors see every one.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core import audit
from kb.models import Article, ArticleState, Revision
from kb.refusals import NotAllowed


@dataclass(frozen=True)
class Standing:
    """How a translation stands to its original. `made_from` is None where nobody has said it yet.

    `behind` counts the texts of the original since; `is_told` says that readers see a note about it.
    """

    article: Article
    original: Article
    made_from: Revision | None
    behind: int
    is_told: bool

    @property
    def is_current(self) -> bool:
        return self.made_from is not None and not self.behind


def original_of(article: Article) -> Article | None:
    """The published original that `article` is a translation of."""
    if article.locale == settings.LANGUAGE_CODE:
        return None
    found = Article.objects.published().filter(
        translation_group=article.translation_group, locale=settings.LANGUAGE_CODE
    )
    return found.select_related("live_revision").first()


def standing(article: Article) -> Standing | None:
    """None for an original, and for a translation whose original is not published."""
    original = original_of(article)
    return _standing(article, original) if original else None


def standings_of(original: Article) -> list[Standing]:
    """How each published translation of a published original stands to it; none for anything else."""
    if original.locale != settings.LANGUAGE_CODE or original.state != ArticleState.PUBLISHED:
        return []
    others = Article.objects.published().filter(translation_group=original.translation_group).exclude(pk=original.pk)
    rows = others.select_related("made_from", "live_revision").order_by("locale")
    return [_standing(article, original) for article in rows]


def start(article: Article, locale: str, *, by: User | None) -> tuple[Article, bool]:
    """A draft that says in `locale` what `article` says, its text as a start, and True; or the article that is there.

    What it is made from is taken down now: the original may have a later text by the time of the publication. Raises
    PublishingError.
    """
    from kb import publishing  # it asks this module what a translation was made from

    if locale not in dict(settings.LANGUAGES):
        raise NotAllowed(_("Choose one of the languages of the help centre."))
    group = Article.objects.filter(translation_group=article.translation_group, locale=locale)
    if (there := group.first()) is not None:
        return there, False
    live = article.live_revision if article.state == ArticleState.PUBLISHED else None
    text = live or article.draft
    try:
        with transaction.atomic():
            made = publishing.create_article(
                locale=locale,
                category=article.category,
                title=text.title,
                summary=text.summary,
                body=text.body,
                slug=article.slug,
                translation_group=article.translation_group,
                by=by,
            )
            made.visibility = article.visibility
            made.made_from = live if article.locale == settings.LANGUAGE_CODE else None
            made.save(update_fields=["visibility", "made_from"])
            audit.record(by, "article.translation_started", made, original=str(article))
    except IntegrityError:
        if (there := group.first()) is None:  # somebody else was not the reason
            raise
        return there, False
    return made, True


def _standing(article: Article, original: Article) -> Standing:
    made_from, live = article.made_from, original.live_revision
    if made_from is None or live is None or made_from.article_id != original.pk:
        return Standing(article, original, None, behind=0, is_told=False)
    since = Q(number__gt=made_from.number, number__lte=live.number)
    majors = list(original.revisions.filter(since).values_list("is_major", flat=True))
    return Standing(article, original, made_from, behind=len(majors), is_told=any(majors))

"""Articles: the thing with an address, its frozen texts, and the text being edited."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, JSONObject, Lower, Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class Category(models.Model):
    """A shelf of the help centre, the same in every language."""

    key = models.SlugField(unique=True)
    # The reason code (contacts.ReasonCode.code) of the contacts these articles should prevent.
    topic = models.SlugField()
    icon = models.SlugField(default="box")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "key"]

    def __str__(self) -> str:
        return self.key


class CategoryText(models.Model):
    """A category's name in one language."""

    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="texts")
    locale = models.CharField(max_length=10)
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["category", "locale"], name="one_text_per_category_and_locale"),
            models.UniqueConstraint(fields=["locale", "slug"], name="category_slug_unique_in_locale"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("help:category", args=[self.slug])


MOST_HOPS = 20  # of articles archived one after the other


class ArticleState(models.TextChoices):
    DRAFT = "draft", _("Draft")  # never published; only the desk sees it
    PUBLISHED = "published", _("Published")  # customers read live_revision
    ARCHIVED = "archived", _("Archived")  # taken away from customers; its address leads elsewhere or answers 404


class Visibility(models.TextChoices):
    """Who may read an article once it is published. Its words are kb.search.engine's too."""

    PUBLIC = "public", _("Everybody")
    STAFF = "staff", _("Signed-in staff only")


def _first(*texts: models.QuerySet[Any]) -> Coalesce:
    """The first of these that there is, else the category's key."""
    return Coalesce(*(Subquery(text) for text in texts), F("category__key"), output_field=models.CharField())


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self) -> ArticleQuerySet:
        """Live, for whomever. What customers are shown goes through `public` as well."""
        return self.filter(state=ArticleState.PUBLISHED)

    def public(self) -> ArticleQuerySet:
        """What everybody may read."""
        return self.published().filter(visibility=Visibility.PUBLIC)

    def readable_in(self, locale: str) -> ArticleQuerySet:
        """What a reader in `locale` finds: articles in it, and those of the default language not yet translated."""
        translated = Article.objects.public().filter(translation_group=OuterRef("translation_group"), locale=locale)
        return self.public().filter(
            Q(locale=locale) | (Q(locale=settings.LANGUAGE_CODE) & ~Exists(translated)),
        )

    def at_address(self, slug: str, locale: str) -> ArticleQuerySet:
        """What a reader in `locale` may mean by this address, best first: the article in `locale`, the one in the
        default language, else one that is in neither.

        Adds `is_own`, `translations` ([{locale, slug}, …] of the public articles that say the same, itself among them)
        and `is_behind` (the original had a major change since this translation was made).
        """
        near = {locale, settings.LANGUAGE_CODE}
        is_moved = Exists(Redirect.objects.filter(old_slug=slug, locale__in=near))
        same = Article.objects.public().filter(translation_group=OuterRef("translation_group"))
        newer = Revision.objects.filter(
            article=OuterRef("made_from__article"),
            article__state=ArticleState.PUBLISHED,
            is_major=True,
            number__gt=OuterRef("made_from__number"),
            number__lte=F("article__live_revision__number"),
        )
        return (
            self.filter(slug=slug)
            .filter(Q(locale__in=near) | (~is_moved & ~Exists(same.filter(locale__in=near))))
            .annotate(
                is_own=Q(locale=locale),
                is_default=Q(locale=settings.LANGUAGE_CODE),
                translations=ArraySubquery(same.order_by("locale").values(at=JSONObject(locale="locale", slug="slug"))),
                is_behind=Exists(newer),
            )
            .order_by("-is_own", "-is_default", "pk")
        )

    def with_texts(self, locale: str) -> ArticleQuerySet:
        """Adds title and summary as published, and the category's name and slug in `locale` (else by default)."""
        names = CategoryText.objects.filter(category=OuterRef("category_id"))
        chosen, default = names.filter(locale=locale), names.filter(locale=settings.LANGUAGE_CODE)
        return self.annotate(
            title=F("live_revision__title"),
            summary=F("live_revision__summary"),
            topic=F("category__topic"),
            category_name=_first(chosen.values("name"), default.values("name")),
            category_slug=_first(chosen.values("slug"), default.values("slug")),
        )


class Article(models.Model):
    """One help article in one language: an address whose text is its live revision."""

    # Articles that say the same in different languages share it.
    translation_group = models.UUIDField(default=uuid.uuid4, db_index=True)
    locale = models.CharField(max_length=10)
    slug = models.SlugField(max_length=120, allow_unicode=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="articles")
    state = models.CharField(max_length=12, choices=ArticleState, default=ArticleState.DRAFT)
    visibility = models.CharField(max_length=8, choices=Visibility, default=Visibility.PUBLIC)
    live_revision = models.ForeignKey("Revision", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Of a translation: the text of the original that the live text says the same as.
    made_from = models.ForeignKey("Revision", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # Grows by one with every change that customers or the search index can see.
    version = models.PositiveIntegerField(default=0)
    # Of an archived article: where its readers are led; neither: nowhere.
    leads_to = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    leads_to_category = models.ForeignKey(Category, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # Where an imported article came from; empty for articles written here.
    source = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    # When an editor last said that the text is still right.
    reviewed_at = models.DateTimeField(null=True, blank=True)
    # Who looks after it, and the day (of the shop) by which they look at it again; kb/upkeep.py.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    review_by = models.DateField(null=True, blank=True, db_index=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["locale", "slug"], name="article_slug_unique_in_locale"),
            models.UniqueConstraint(fields=["translation_group", "locale"], name="one_article_per_group_and_locale"),
            models.UniqueConstraint(
                fields=["source", "external_id", "locale"],
                condition=~Q(external_id=""),
                name="imported_article_unique",
            ),
            models.CheckConstraint(
                condition=~Q(state="published") | Q(live_revision__isnull=False),
                name="published_article_has_live_revision",
            ),
            models.CheckConstraint(
                condition=Q(leads_to__isnull=True) | Q(leads_to_category__isnull=True),
                name="archived_article_leads_to_one_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.locale}/{self.slug}"

    def get_absolute_url(self) -> str:
        return reverse("help:article", args=[self.slug])

    def led_to(self) -> Article:
        """Through articles that were archived one after the other, the first that readers can open, or the last of the
        way. One query for each step.
        """
        article = self
        for _hop in range(MOST_HOPS):
            if article.state == ArticleState.PUBLISHED or article.leads_to is None:
                break
            article = article.leads_to
        return article


class Revision(models.Model):
    """One frozen text: what a visitor saw and an experiment measures. The database refuses to alter it, and to remove
    it without its article."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=300, blank=True)
    # Title and summary as they were written, where they hold {{fact:…}}; else empty. The body is always as written.
    title_source = models.CharField(max_length=200, blank=True)
    summary_source = models.CharField(max_length=300, blank=True)
    body = models.TextField(help_text="Markdown")
    html = models.TextField(help_text="the body rendered and made safe when the revision was frozen")
    text = models.TextField(help_text="the body without mark-up, for search")
    headings = models.JSONField(default=list, help_text="[[level, id, text], …] of the body, for the table of contents")
    comment = models.CharField(max_length=300, blank=True)
    is_major = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["article", "number"], name="revision_number_unique_in_article")]

    def __str__(self) -> str:
        return f"{self.title} (revision {self.number})"


def words_of_draft() -> Func:
    """The words of a draft for PostgreSQL's text search, by a function that says what it costs to find them anew: with
    to_tsvector itself the planner would rather read all texts than the index."""
    return Func("title", "summary", "body", function="kb_draft_words", output_field=SearchVectorField())


class Draft(models.Model):
    """The text being edited. `version` grows by one a save, so that two editors cannot overwrite each other unseen."""

    article = models.OneToOneField(Article, on_delete=models.CASCADE, related_name="draft")
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["-updated_at", "article"], name="draft_newest"),
            models.Index(Lower("title"), "article", name="draft_by_title"),
            # The words that an editor looks for in the desk's list.
            GinIndex(words_of_draft(), name="draft_words"),
        ]

    def __str__(self) -> str:
        return f"draft of {self.article_id}"


class Redirect(models.Model):
    """An address that an article once had."""

    locale = models.CharField(max_length=10)
    old_slug = models.SlugField(max_length=120, allow_unicode=True)
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="redirects")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["locale", "old_slug"], name="redirect_unique_in_locale")]

    def __str__(self) -> str:
        return f"{self.locale}/{self.old_slug}"

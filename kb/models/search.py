"""What search must know and has yet to learn."""

from __future__ import annotations

import uuid_utils.compat
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class IndexChange(models.Model):
    """The outbox of the search index: this article changed, look at it again. Written in its own transaction."""

    article_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())
    # The writing transaction. Ids become visible out of order; a reader therefore remembers the oldest transaction
    # that was still open, and next time looks again at every row from there on.
    txid = models.BigIntegerField(
        db_default=models.Func(function="txid_current", output_field=models.BigIntegerField())
    )

    class Meta:
        indexes = [models.Index(fields=["txid"], name="index_change_by_txid")]

    def __str__(self) -> str:
        return f"{self.id}: article {self.article_id}"


class Synonym(models.Model):
    """Words that customers use for words that the articles use. What is searched as `words` is searched as `means` too.

    `is_two_way`: and the other way round. Each side may be a run of words ("money back").
    """

    locale = models.CharField(max_length=10)
    words = models.CharField(max_length=80)
    means = models.CharField(max_length=80)
    is_two_way = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["locale", "words", "means"]
        constraints = [models.UniqueConstraint(fields=["locale", "words", "means"], name="synonym_unique_in_locale")]

    def __str__(self) -> str:
        return f"{self.words} {'↔' if self.is_two_way else '→'} {self.means}"


class PlacementKind(models.TextChoices):
    PIN = "pin", _("Pin on top")
    HIDE = "hide", _("Hide")


class Placement(models.Model):
    """An editor's word on one article for one query: on top of its answers (by `position`, 1 first), or not among them.

    `key` is the query as queries are compared (kb.search.query.key_of), so that "late parcels" and "my parcel is late"
    are one. A placement with an empty key stands for every query; only a hide may have it.
    """

    locale = models.CharField(max_length=10)
    query = models.CharField(max_length=200, blank=True, help_text="as the editor wrote it")
    key = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=4, choices=PlacementKind)
    article = models.ForeignKey("Article", on_delete=models.CASCADE, related_name="placements")
    position = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["locale", "key", "kind", "position"]
        constraints = [
            models.UniqueConstraint(fields=["locale", "key", "article"], name="one_placement_per_query_and_article"),
            models.CheckConstraint(condition=~Q(key="") | Q(kind="hide"), name="placement_without_query_hides"),
        ]

    def __str__(self) -> str:
        return f"{self.query or '*'}: {self.kind} article {self.article_id}"


class SearchKind(models.TextChoices):
    PAGE = "page", _("Search page")
    SUGGEST = "suggest", _("As you type")  # logged only when one of the suggestions is opened
    API = "api", _("API")
    FORM = "form", _("Contact form")


class SearchLog(models.Model):
    """One search: what was asked, what was shown, by which engine. Written after the answer was made."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7)
    at = models.DateTimeField()
    # Empty where the visitor is not counted (no consent, staff, a bot): such a search is in no number of search health.
    visitor = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=8, choices=SearchKind)
    text = models.CharField(max_length=200, help_text="as typed, with addresses and long numbers masked")
    key = models.CharField(max_length=200, help_text="as queries are compared")
    locale = models.CharField(max_length=10)
    categories = ArrayField(models.BigIntegerField(), default=list, blank=True)
    corrected = models.CharField(max_length=200, blank=True)
    is_verbatim = models.BooleanField(default=False, help_text="“search instead for …” was chosen")
    total = models.PositiveIntegerField()
    shown = ArrayField(models.BigIntegerField(), default=list, blank=True, help_text="article ids, best first")
    featured = models.BigIntegerField(null=True, blank=True, help_text="the article whose passage was shown on top")
    other_locale = models.CharField(max_length=10, blank=True, help_text="the language answered in, where not locale")
    engine = models.CharField(max_length=40, help_text="name/version, with +meaning where vectors took part")
    is_fallback = models.BooleanField(default=False, help_text="the chosen engine could not answer; the database did")
    took_ms = models.FloatField()
    error = models.CharField(max_length=200, blank=True)
    # The last search of the same visitor, where it came less than 60 s before and nothing of it was opened.
    reformulates = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # The arm of the test of learnt ranking that the visitor is in: "" where it is off.
    ranking = models.CharField(max_length=8, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="search_log_by_time"),
            models.Index(fields=["visitor", "-at"], name="search_log_by_visitor", condition=~Q(visitor="")),
            models.Index(fields=["locale", "key", "at"], name="search_log_by_key"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.text}"


class SearchClick(models.Model):
    """An article opened from a search's answers, once however often."""

    search = models.ForeignKey(SearchLog, on_delete=models.CASCADE, related_name="clicks")
    article_id = models.BigIntegerField()
    position = models.PositiveSmallIntegerField(help_text="1 for the first answer; 0 for the featured passage")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["search", "article_id"], name="one_click_per_search_and_article")
        ]
        indexes = [models.Index(fields=["article_id", "at"], name="search_clicks_of_article")]

    def __str__(self) -> str:
        return f"{self.search_id}: article {self.article_id} at {self.position}"


class PopularQuery(models.Model):
    """A query that led several visitors to an answer: suggested as one types. Made anew each night."""

    locale = models.CharField(max_length=10)
    key = models.CharField(max_length=200)
    text = models.CharField(max_length=200, help_text="its most frequent spelling")
    visitors = models.PositiveIntegerField(help_text="how many found an answer by it")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["locale", "key"], name="popular_query_unique_in_locale")]

    def __str__(self) -> str:
        return self.text


class SearchSignal(models.Model):
    """What became of the readers whom searches led to an article. Made anew each night, by analytics.

    For one query, or with an empty key for all. `reads` is how many openings count (each weighed by how likely its rank
    is looked at), `confirmed` and `contacted` are shares of them, from 0 to 1.
    """

    locale = models.CharField(max_length=10)
    key = models.CharField(max_length=200, blank=True)
    article_id = models.BigIntegerField()
    openings = models.PositiveIntegerField(help_text="as they were counted, without weights")
    reads = models.FloatField()
    confirmed = models.FloatField()
    contacted = models.FloatField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["locale", "key", "article_id"], name="one_signal_per_query_and_article"),
        ]

    def __str__(self) -> str:
        return f"{self.key or '*'}: article {self.article_id}, {self.openings} openings"


class ArticleVector(models.Model):
    """The meaning of an article's live text as a vector, computed once for all hosts (kb.search.semantic)."""

    article = models.OneToOneField("Article", on_delete=models.CASCADE, primary_key=True, related_name="vector")
    version = models.PositiveIntegerField(help_text="Article.version that it was made from")
    model = models.CharField(max_length=40)
    values = models.BinaryField(help_text="float32, length 1")

    def __str__(self) -> str:
        return f"article {self.article_id} version {self.version}"

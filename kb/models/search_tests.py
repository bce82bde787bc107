"""What editors demand of search, and how it has done since."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class SearchTest(models.Model):
    """This query must have this article among its first `top` answers, in this language.

    One that was taken away keeps its row (`removed_at`), since its history names it.
    """

    locale = models.CharField(max_length=10)
    query = models.CharField(max_length=200, help_text="as customers type it")
    article = models.ForeignKey("Article", on_delete=models.CASCADE, related_name="search_tests")
    top = models.PositiveSmallIntegerField(default=3)
    note = models.CharField(max_length=200, blank=True, help_text="why it matters")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["locale", "query", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["locale", "query", "article"],
                condition=Q(removed_at=None),
                name="one_search_test_per_query_and_article",
            ),
            models.CheckConstraint(condition=Q(top__gte=1, top__lte=10), name="search_test_top_is_on_the_first_page"),
        ]

    def __str__(self) -> str:
        return f"“{self.query}” ({self.locale})"


class RunReason(models.TextChoices):
    """What a run of the tests was for."""

    CHANGE = "change", _("After a change")  # an article, a synonym or a placement is not what it was
    NIGHTLY = "nightly", _("Nightly")
    ASKED = "asked", _("Asked for")  # on the desk, or by manage.py


class SearchTestRun(models.Model):
    """The tests were run once. Append-only."""

    at = models.DateTimeField()
    why = models.CharField(max_length=8, choices=RunReason)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    locale = models.CharField(max_length=10, blank=True, help_text="empty: all languages")
    tests = models.PositiveIntegerField()
    failing = models.PositiveIntegerField()
    engine = models.CharField(max_length=40)
    took_ms = models.FloatField()
    state = models.CharField(max_length=32, help_text="digest of all that the outcome depends on; empty: a part only")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.why}: {self.failing} of {self.tests} failing"


class SearchTestOutcome(models.Model):
    """From this run on the article stood there. Append-only; a run that found a test as it was adds none."""

    run = models.ForeignKey(SearchTestRun, on_delete=models.CASCADE, related_name="outcomes")
    test = models.ForeignKey(SearchTest, on_delete=models.CASCADE, related_name="outcomes")
    # Null: not among the first ten.
    position = models.PositiveSmallIntegerField(null=True, help_text="of the article among the answers, 1 first")
    top = models.PositiveSmallIntegerField(help_text="what the test asked for then")
    is_passed = models.BooleanField()

    class Meta:
        indexes = [models.Index(fields=["test", "-id"], name="search_test_outcomes")]
        constraints = [
            models.UniqueConstraint(fields=["run", "test"], name="one_outcome_per_search_test_and_run"),
        ]

    def __str__(self) -> str:
        return f"test {self.test_id}: {'passed' if self.is_passed else 'failed'} at {self.position}"

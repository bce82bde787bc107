"""What stands around the articles: banners, where visitors come from, and how often any of it changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kb.models.article import Article, Category


class Notice(models.Model):
    """A banner above the help centre's pages in one language (in all, where `locale` is empty), from and until when."""

    locale = models.CharField(max_length=10, blank=True)
    text = models.CharField(max_length=300)
    article = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True, help_text="empty: until somebody ends it")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-starts_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")), name="notice_ends_after_its_start"
            )
        ]

    def __str__(self) -> str:
        return self.text


class Origin(models.Model):
    """A part of the shop, and the category that most of those who come from there need. The longest path counts."""

    path = models.CharField(max_length=200, unique=True, help_text=_("begins with /, as in the shop's address"))
    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="origins")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path


class CategoryRedirect(models.Model):
    """A slug that a category once had."""

    locale = models.CharField(max_length=10)
    old_slug = models.SlugField(max_length=80)
    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="redirects")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["locale", "old_slug"], name="category_redirect_unique")]

    def __str__(self) -> str:
        return f"{self.locale}/{self.old_slug}"


class ContentCount(models.Model):
    """How often what customers read was changed; the sum over all rows counts (kb/live.py).

    Triggers write it, so that no way of changing an article is missed. A row for each of a few groups of connections:
    one row for all would make every edit wait for the end of the others.
    """

    slot = models.PositiveSmallIntegerField(primary_key=True)
    changes = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.slot}: {self.changes}"

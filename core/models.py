"""Rows that no single room owns."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RateWindow(models.Model):
    """How often something was done under one key since the key's window began. See core/ratelimit.py."""

    key = models.CharField(max_length=200, primary_key=True)
    hits = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key}: {self.hits} until {self.ends_at}"


class Scope(models.TextChoices):
    """What a key lets a program do."""

    SEARCH_READ = "search:read", _("Search, with the articles for staff and the reasons behind each answer")


class ApiKey(models.Model):
    """A program's right to use the API. The key itself is shown once and not kept. See core/keys.py."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, help_text="how the key begins, to tell keys apart")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key, hex")
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope))
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to the minute")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(revoked_at=None), name="one_live_api_key_per_name")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

"""Public keys that sources publish, kept where all processes see them."""

from __future__ import annotations

from django.db import models


class PublishedKeys(models.Model):
    """What was last fetched from one address. See notifications/intake/shipengine_keys.py."""

    address = models.CharField(max_length=500, unique=True)
    document = models.TextField(help_text="a JWKS (RFC 7517), as it came")
    fetched_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "published keys"

    def __str__(self) -> str:
        return self.address

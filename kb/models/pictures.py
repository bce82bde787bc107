"""Pictures in articles."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Picture(models.Model):
    """A picture as customers' pages show it: re-encoded, never changed after. See kb/pictures.py.

    Its bytes are in the database, as a logo's are: at most some 100 kB each, written together with the row, in every
    backup, and there for every web server; browsers ask once and keep it for a year. (A customer's attachment is
    another thing: large, private, soon gone; those are files.)
    """

    digest = models.CharField(max_length=32, primary_key=True, help_text="of webp, SHA-256's first 32 hex digits")
    width = models.PositiveSmallIntegerField(help_text="in pixels, of webp")
    height = models.PositiveSmallIntegerField()
    webp = models.BinaryField()
    half = models.BinaryField(help_text="half as wide, for phones; empty where `webp` is narrow itself")
    name = models.CharField(max_length=100, blank=True, help_text="of the file that was uploaded first")
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    unused_since = models.DateTimeField(
        null=True, help_text="when no text was found to show it; null while one does. After 30 days it goes"
    )

    class Meta:
        ordering = ["-uploaded_at", "digest"]

    def __str__(self) -> str:
        return self.name or self.digest[:8]

"""Rows that no single room owns."""

from __future__ import annotations

from django.db import models


class RateWindow(models.Model):
    """How often something was done under one key since the key's window began. See core/ratelimit.py."""

    key = models.CharField(max_length=200, primary_key=True)
    hits = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key}: {self.hits} until {self.ends_at}"

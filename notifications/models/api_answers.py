"""What our API answered to requests that named an Idempotency-Key."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from core.models import ApiKey


class ApiAnswer(models.Model):
    """The same request again gets the same answer. Kept for a week."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200, help_text="the Idempotency-Key, chosen by who asks")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the address and the body")
    status = models.PositiveSmallIntegerField(default=0, help_text="0 while the first request is under way")
    body = models.JSONField(default=dict)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "key"], name="api_answer_once")]
        indexes = [models.Index(fields=["made_at"], name="api_answer_since")]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"

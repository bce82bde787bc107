"""What others post to us, stored raw before we answer 200."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class InboundState(models.TextChoices):
    NEW = "new", "stored, not yet read"
    DONE = "done", "read and taken in"
    IGNORED = "ignored", "read; nothing in it for us"
    QUARANTINED = "quarantined", "could not be read three times; a person must look"


class InboundDelivery(models.Model):
    """One webhook call, as it came."""

    source = models.CharField(max_length=40)
    received_at = models.DateTimeField(db_default=Now())
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=12, choices=InboundState, default=InboundState.NEW)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=models.Q(state="new"), name="inbound_new"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.sha256[:8]}"


class InboundSeen(models.Model):
    """A source's own id of something it told us, so that it counts once."""

    source = models.CharField(max_length=40)
    dedupe_id = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "dedupe_id"], name="inbound_seen_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.dedupe_id}"

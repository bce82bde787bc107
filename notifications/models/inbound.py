"""What others post to us, stored raw before we answer 200; and what is known of those who post."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class InboundState(models.TextChoices):
    NEW = "new", "stored, not yet read"
    DONE = "done", "read and taken in"
    IGNORED = "ignored", "read; nothing in it for us"
    QUARANTINED = "quarantined", "could not be read; a person must look"


class InboundDelivery(models.Model):
    """One webhook call, as it came."""

    source = models.CharField(max_length=40)
    received_at = models.DateTimeField(db_default=Now())
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    signed_by = models.CharField(max_length=12, blank=True, db_default="", help_text="fingerprint of the secret")
    state = models.CharField(max_length=12, choices=InboundState, default=InboundState.NEW)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    is_counted = models.BooleanField(db_default=False, help_text="in SourceHour")

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(state="new"), name="inbound_new"),
            models.Index(fields=["source", "id"], condition=Q(state="quarantined"), name="inbound_quarantined"),
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


class SourceHour(models.Model):
    """What one source sent us in one hour."""

    source = models.CharField(max_length=40)
    hour = models.DateTimeField()
    received = models.PositiveIntegerField(default=0, help_text="new ones, stored")
    first_at = models.DateTimeField(null=True, help_text="the first of them")
    last_at = models.DateTimeField(null=True)
    forged = models.PositiveIntegerField(default=0, help_text="refused: not signed with a secret of ours")
    too_large = models.PositiveIntegerField(default=0, help_text="refused: too large")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "hour"], name="source_hour_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.hour:%Y-%m-%d %H}"


class SourceSecret(models.Model):
    """When a source last signed with one of the secrets, so that an old one can go."""

    source = models.CharField(max_length=40)
    fingerprint = models.CharField(max_length=12)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "fingerprint"], name="source_secret_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.fingerprint}"


class UnknownWord(models.Model):
    """A status of a source that we have no word for. Its scans are kept, without a state."""

    source = models.CharField(max_length=40)
    word = models.CharField(max_length=80)
    times = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "word"], name="unknown_word_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.word}"


class SourceSilence(models.Model):
    """A spell in which a source said nothing for longer than is usual for it."""

    source = models.CharField(max_length=40)
    since = models.DateTimeField(help_text="its last call before")
    noticed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source"], condition=Q(ended_at=None), name="one_open_silence_per_source")
        ]

    def __str__(self) -> str:
        return f"{self.source} since {self.since:%Y-%m-%d %H:%M}"


class ParkedFact(models.Model):
    """A fact about an order or a parcel that is not known yet. It is taken in, and leaves, when that comes."""

    source = models.CharField(max_length=40)
    order_id = models.CharField(max_length=200, blank=True, help_text="waits for this order of its source")
    tracking_no = models.CharField(max_length=200, blank=True, help_text="or for the parcel of this number")
    despatch_id = models.CharField(max_length=200, blank=True, help_text="or for the parcels of this despatch")
    fact = models.JSONField()
    fingerprint = models.CharField(max_length=64, unique=True)
    parked_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["order_id"], condition=~Q(order_id=""), name="parked_by_order"),
            models.Index(fields=["tracking_no"], condition=~Q(tracking_no=""), name="parked_by_number"),
            models.Index(fields=["despatch_id"], condition=~Q(despatch_id=""), name="parked_by_despatch"),
            models.Index(fields=["parked_at"], name="parked_since"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.order_id or self.tracking_no or self.despatch_id}"

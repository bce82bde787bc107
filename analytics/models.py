"""What happened, in one append-only table, and what we made of it."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class EventKind(models.TextChoices):
    HELP = "help", _("opened the help centre")
    SEARCH = "search", _("searched")
    READ = "read", _("read an article")
    VOTE = "vote", _("voted")
    FORM = "form", _("opened the contact form")
    SUGGESTED = "suggested", _("was shown suggestions")
    ANSWERED = "answered", _("said a suggestion was the answer")
    CONTACT = "contact", _("contacted us")
    ORDER = "order", _("looked at an order")


class Event(models.Model):
    """One fact about one visitor. Append-only; ids arrive out of order, so readers sort by `at`."""

    kind = models.CharField(max_length=10, choices=EventKind)
    at = models.DateTimeField()
    visitor = models.UUIDField(null=True)
    person = models.CharField(max_length=32, blank=True)
    is_returning = models.BooleanField(default=False, help_text="the browser brought its id back")
    article_id = models.BigIntegerField(null=True)
    revision_id = models.BigIntegerField(null=True)
    variant_id = models.BigIntegerField(null=True)
    topic = models.CharField(max_length=50, blank=True)
    data = models.JSONField(default=dict)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["visitor", "at"], name="event_by_visitor"),
            models.Index(fields=["article_id", "at"], condition=models.Q(kind="read"), name="event_reads"),
            BrinIndex(fields=["at"], name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"


class Identity(models.Model):
    """A visitor id and a person belong together, and how we know."""

    visitor = models.UUIDField()
    person = models.CharField(max_length=32, db_index=True)
    how = models.CharField(max_length=10, help_text="link, lookup or form")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["visitor", "person"], name="identity_once")]

    def __str__(self) -> str:
        return f"{self.visitor} is {self.person[:8]}"


class Outcome(models.TextChoices):
    """How a journey ended: the first that fits, in this order (docs/metrics.md)."""

    CONTACTED = "contacted", _("contacted us about the same topic")
    CONTACTED_OTHER = "contacted_other", _("contacted us about something else")
    DENIED = "denied", _("said it did not help")
    CONFIRMED = "confirmed", _("said it helped")
    SILENT = "silent", _("read, and we heard no more")
    EMPTY = "empty", _("found nothing to read")
    UNLINKABLE = "unlinkable", _("we could not know")


class Journey(models.Model):
    """One visitor's help-seeking until 30 idle minutes: the unit of outcome. Rebuilt from events at any time."""

    visitor = models.UUIDField()
    started_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField()
    topic = models.CharField(max_length=50, blank=True)
    reads = models.JSONField(default=list, help_text="article ids in the order they were read, each once")
    last_article_id = models.BigIntegerField(null=True, db_index=True)
    last_revision_id = models.BigIntegerField(null=True)
    searches = models.PositiveSmallIntegerField(default=0)
    is_linkable = models.BooleanField(default=False)
    is_mature = models.BooleanField(default=False)
    is_contradicted = models.BooleanField(default=False, help_text="said yes, and contacted us all the same")
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True, help_text="empty until mature")
    contact_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["visitor", "started_at"], name="journey_once")]
        indexes = [models.Index(fields=["outcome", "last_article_id"], name="journey_by_outcome")]

    def __str__(self) -> str:
        return f"{self.visitor} {self.started_at:%Y-%m-%d %H:%M} {self.outcome}"

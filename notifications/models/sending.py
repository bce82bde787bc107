"""What sending counts and what holds it: messages of a person's day, a provider's tokens, what ops have paused."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class PersonDay(models.Model):
    """How many messages a person was, or is about to be, sent on one of their days. The CHECK is the frequency cap."""

    person = models.CharField(max_length=32)
    day = models.DateField(help_text="where the person is")
    count = models.PositiveSmallIntegerField()
    most = models.PositiveSmallIntegerField(help_text="the cap when the day's first message went out")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "day"], name="person_day_once"),
            models.CheckConstraint(condition=Q(count__lte=F("most")), name="person_day_within_cap"),
        ]

    def __str__(self) -> str:
        return f"{self.person[:8]} {self.day}: {self.count} of {self.most}"


class ProviderBucket(models.Model):
    """The tokens of one mail provider, one a mail: a bucket for each lane, and one that takes what they spill."""

    provider = models.CharField(max_length=20, primary_key=True)
    urgent = models.FloatField()
    normal = models.FloatField()
    campaign = models.FloatField()
    spare = models.FloatField()
    pace = models.FloatField(default=1.0, help_text="share of the full rate; halved by each 429, then grows again")
    filled_at = models.DateTimeField(db_default=Now(), help_text="by the database's clock")

    def __str__(self) -> str:
        return f"{self.provider} at {self.pace:.0%}"


class SendingPause(models.Model):
    """Ops hold messages: all of them, a lane's or a rule's. While this row is there no hand-over of them begins."""

    scope = models.CharField(max_length=60, primary_key=True, help_text="all, lane:<lane> or rule:<key>")
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["scope"]

    def __str__(self) -> str:
        return self.scope

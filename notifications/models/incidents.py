"""One trouble that concerns many orders, and what is said of it, once, to everybody whom it hit."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class IncidentState(models.TextChoices):
    DRAFT = "draft", _("Being prepared")  # filter and texts may change; nobody is written to
    RUNNING = "running", _("Under way")  # the audience is frozen; messages are planned, batch by batch
    PLANNED = "planned", _("All planned")  # every order of the audience has its message, or the reason why not
    CLOSED = "closed", _("Over")  # what still waited is not sent: it would not be true any more


UNDER_WAY = (IncidentState.RUNNING, IncidentState.PLANNED)


class Incident(models.Model):
    """A trouble from `began_at` to `ended_at`. Its audience are its episodes, made when it was confirmed."""

    name = models.CharField(max_length=120, help_text="for colleagues")
    wish = models.JSONField(default=dict, help_text="whom it hits: a Wish of notifications/audience.py")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    next_update_at = models.DateTimeField(null=True, blank=True, help_text="by when we write again, as the mail says")
    told_overdue_at = models.DateTimeField(null=True, help_text="when ops were told that this moment has passed")
    holdout_share = models.FloatField(default=0.0, help_text="share of people kept without the message, at random")
    state = models.CharField(max_length=8, choices=IncidentState, default=IncidentState.DRAFT)
    rule = models.OneToOneField(
        "Rule", on_delete=models.PROTECT, null=True, related_name="incident", help_text="its messages go by it"
    )
    audience = models.PositiveIntegerField(default=0, help_text="orders, when it was confirmed")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(holdout_share__gte=0, holdout_share__lte=1), name="incident_holdout_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(rule__isnull=False), name="incident_begun_has_a_rule"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class IncidentText(models.Model):
    """What an incident's mail says in one language: words and variables of mails, put into the mail `incident`."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="texts")
    locale = models.CharField(max_length=10)
    subject = models.CharField(max_length=200)
    body = models.TextField(max_length=5000, help_text="paragraphs, an empty line between them")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "locale"], name="incident_text_once")]

    def __str__(self) -> str:
        return f"{self.incident_id} ({self.locale})"

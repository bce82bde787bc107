"""What could have kept a contact from coming, looked up contact by contact; and the runs that do it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Cause(models.TextChoices):
    """Where help failed a contact: the first that fits, in this order."""

    UNCODED = "uncoded", _("nobody knows what it was about")
    NO_ARTICLE = "no_article", _("no article is about it")
    READ = "read", _("they read one, and wrote all the same")
    NOT_FOUND = "not_found", _("one exists, but their own words do not find it")
    NOT_READ = "not_read", _("one can be found, and they did not read it")
    UNKNOWN = "unknown", _("one can be found; whether they read it, we cannot know")


class AutopsyFinding(models.Model):
    """One contact that was looked into, with the reason that it was coded with then."""

    contact = models.OneToOneField("contacts.Contact", on_delete=models.CASCADE, related_name="+")
    received_at = models.DateTimeField(help_text="the contact's")
    reason = models.CharField(max_length=50, blank=True, help_text="empty: uncoded")
    topic = models.CharField(max_length=50, blank=True)
    cause = models.CharField(max_length=10, choices=Cause)
    article_id = models.IntegerField(null=True, help_text="that was read, or that their words find")
    lot = models.BigIntegerField(help_text="the hash that it was drawn by: the lowest of a topic's contacts come first")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["received_at"], name="autopsy_by_time")]

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.cause}"


class AutopsyState(models.TextChoices):
    WAITING = "waiting", _("waiting for a worker")
    RUNNING = "running", _("under way")
    DONE = "done", _("done")
    FAILED = "failed", _("broken off")


class Autopsy(models.Model):
    """One run over a drawn sample of the contacts of some days. Open ones: at most one."""

    first = models.DateField()
    last = models.DateField()
    topic = models.CharField(max_length=50, blank=True, help_text="empty: each")
    state = models.CharField(max_length=8, choices=AutopsyState, default=AutopsyState.WAITING)
    done = models.PositiveIntegerField(default=0, help_text="contacts")
    total = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            # A constant that all open ones share.
            models.UniqueConstraint(
                models.Value(1), condition=Q(state__in=["waiting", "running"]), name="one_open_autopsy"
            )
        ]

    def __str__(self) -> str:
        return f"autopsy {self.pk}: {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in (AutopsyState.WAITING, AutopsyState.RUNNING)

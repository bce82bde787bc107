"""The sender check: what mailbox providers can see of our From address, as it was found last."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class CheckState(models.TextChoices):
    WAITING = "waiting", "waiting for a worker"
    RUNNING = "running", "being asked"
    DONE = "done", "done"
    FAILED = "failed", "broken off"


class SenderCheck(models.Model):
    """One asking of DNS about the From address. Open ones: at most one."""

    state = models.CharField(max_length=8, choices=CheckState, default=CheckState.WAITING)
    done = models.PositiveSmallIntegerField(default=0, help_text="of notifications.sender.checking.STEPS")
    report = models.JSONField(null=True, help_text="notifications.sender.findings.Report")
    error = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            # A constant that all open ones share.
            models.UniqueConstraint(
                models.Value(1), condition=Q(state__in=["waiting", "running"]), name="one_open_sender_check"
            )
        ]

    def __str__(self) -> str:
        return f"sender check {self.pk}: {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in (CheckState.WAITING, CheckState.RUNNING)

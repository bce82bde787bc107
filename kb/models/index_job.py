"""Work on the search index that somebody asked for on the desk."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class IndexJobKind(models.TextChoices):
    REBUILD = "rebuild", _("Rebuild")  # a new index from the database
    VERIFY = "verify", _("Check")  # compare the index with the database
    TESTS = "tests", _("Search tests")  # run them all


class IndexJobState(models.TextChoices):
    WAITING = "waiting", _("Waiting")  # asked for; no worker has it yet
    RUNNING = "running", _("Running")  # a worker is at it, as long as beat_at is recent
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")  # `error` says why


class IndexJob(models.Model):
    """One rebuild or check of the index, or run of the search tests, asked for by a person.

    All moments are the database's.
    """

    kind = models.CharField(max_length=8, choices=IndexJobKind)
    state = models.CharField(max_length=8, choices=IndexJobState, default=IndexJobState.WAITING)
    asked_at = models.DateTimeField(db_default=Now())
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True, help_text="the worker's last sign of life")
    finished_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0, help_text="articles read or tests run so far")
    total = models.PositiveIntegerField(default=0)
    generation = models.PositiveBigIntegerField(default=0, help_text="of the index that a rebuild made")
    # What a check found, by the number of articles.
    missing = models.PositiveIntegerField(default=0)
    stale = models.PositiveIntegerField(default=0)
    ghosts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["kind", "-id"], name="index_job_by_kind")]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=Q(state__in=["waiting", "running"]), name="one_open_index_job_of_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}: {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in (IndexJobState.WAITING, IndexJobState.RUNNING)

    @property
    def has_drift(self) -> bool:
        return bool(self.missing or self.stale or self.ghosts)

"""A/B tests of articles: which frozen texts compete, and who really saw which."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kb.models.article import Article, Revision


class ExperimentState(models.TextChoices):
    DRAFT = "draft", _("Draft")  # being planned; nobody sees it
    RUNNING = "running", _("Running")  # visitors are assigned and exposed
    PAUSED = "paused", _("Paused")  # everybody sees the control; may go on
    STOPPED = (
        "stopped",
        _("Stopped"),
    )  # ended before its data were in: by a person, by archiving, by a fact that changed
    FINISHED = "finished", _("Finished")  # the data are in
    COMPLETED = "completed", _("Completed")  # the decision is made


class Experiment(models.Model):
    """One test on one article. Its arms are its variants; the control is the revision that was live at the start."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="experiments")
    name = models.CharField(max_length=120)
    salt = models.UUIDField(default=uuid.uuid4, unique=True)
    state = models.CharField(max_length=12, choices=ExperimentState, default=ExperimentState.DRAFT)
    allocation = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="share of visitors in the test",
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["article"],
                condition=Q(state__in=["running", "paused"]),
                name="one_live_experiment_per_article",
            ),
            models.CheckConstraint(condition=Q(allocation__gte=0, allocation__lte=1), name="allocation_is_a_share"),
        ]

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    """An arm of an experiment, pointing at a frozen revision."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="variants")
    key = models.SlugField(max_length=20)
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="variants")
    weight = models.FloatField(default=1.0)
    is_control = models.BooleanField(default=False)

    class Meta:
        ordering = ["key"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "key"], name="variant_key_unique_in_experiment"),
            models.UniqueConstraint(
                fields=["experiment"], condition=Q(is_control=True), name="one_control_per_experiment"
            ),
            models.CheckConstraint(condition=Q(weight__gt=0), name="variant_weight_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.experiment_id}:{self.key}"


class Exposure(models.Model):
    """The first time one visitor really saw their variant of an experiment. Append-only."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="exposures")
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="exposures")
    visitor = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "visitor"], name="one_exposure_per_visitor_and_experiment")
        ]

    def __str__(self) -> str:
        return f"{self.visitor} saw {self.variant_id}"

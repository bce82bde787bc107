"""A/B tests of articles: which frozen texts compete, and who really saw which."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
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


class Metric(models.TextChoices):
    """What a test is judged by, declared before it starts. Each is a share of the visitors who were exposed."""

    RESOLUTION = "resolution", _("Resolution: no contact about it within the window, and no “No” to the text")
    CONTACT = "contact", _("Contact after reading: a contact about it within the window")
    CONFIRMED = "confirmed", _("Confirmed: a “Yes” to the text, and no contact about it within the window")


class Mode(models.TextChoices):
    """When a test may be judged; the words are those of analytics.stats.power.Mode."""

    OPEN = "open", _("Open-ended: look whenever you like, stop when it is clear")
    DEADLINE = "deadline", _("Deadline: a fixed end, sees more in a small test")


class Decision(models.TextChoices):
    """What became of a finished test."""

    PUBLISH = "publish", _("Publish the winner")
    KEEP = "keep", _("Keep the live text")
    DISCARD = "discard", _("Discard: its numbers are not to be trusted")


class Experiment(models.Model):
    """One test on one article. Its arms are its variants; the control is the revision that was live at the start.

    From `metric` to `plan` everything is frozen when the test starts: a verdict holds only for what was declared.
    """

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
    created_at = models.DateTimeField(db_default=Now())
    hypothesis = models.TextField(blank=True, max_length=1000)
    metric = models.CharField(max_length=12, choices=Metric, default=Metric.RESOLUTION)
    worthwhile = models.FloatField(default=0.05, help_text="smallest effect worth having, as a share (0.05 = 5 points)")
    window_days = models.PositiveSmallIntegerField(default=7)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.OPEN)
    planned_units = models.PositiveIntegerField(null=True, help_text="mature visitors of all arms together")
    due_at = models.DateTimeField(null=True, help_text="of a deadline: exposures up to then count")
    earns = models.BooleanField(default=False, help_text="weights follow what was seen, day by day (Thompson)")
    plan = models.JSONField(default=dict, help_text="the figures it was planned with: readers a day, base, days")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    why_ended = models.CharField(max_length=300, blank=True)
    # Empty where its deadline ended it.
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    decision = models.CharField(max_length=8, choices=Decision, blank=True)
    decided_why = models.CharField(max_length=300, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    published = models.ForeignKey(
        "Variant", on_delete=models.PROTECT, null=True, related_name="+", help_text="the winner, where it was published"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["article"],
                condition=Q(state__in=["running", "paused"]),
                name="one_live_experiment_per_article",
            ),
            models.CheckConstraint(condition=Q(allocation__gte=0, allocation__lte=1), name="allocation_is_a_share"),
            models.CheckConstraint(condition=Q(worthwhile__gt=0, worthwhile__lt=1), name="worthwhile_is_a_share"),
            models.CheckConstraint(condition=Q(window_days__gte=1), name="window_has_a_day"),
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


class Epoch(models.Model):
    """A stretch of a test with one allocation and one set of weights; the newest holds. Verdicts are stratified by it,
    since a base that drifts while the allocation rises looks like an effect. Append-only.
    """

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="epochs")
    number = models.PositiveSmallIntegerField()
    since = models.DateTimeField()
    allocation = models.FloatField()
    weights = models.JSONField(help_text="{variant key: weight}")
    # Empty for the first, which the start made, and where the shares follow what is seen.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    why = models.CharField(max_length=300, blank=True, db_default="")

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "number"], name="epoch_number_unique_in_experiment"),
            models.CheckConstraint(
                condition=Q(allocation__gte=0, allocation__lte=1), name="epoch_allocation_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.experiment_id} epoch {self.number}"


class Exposure(models.Model):
    """The first time one visitor really saw their variant of an experiment. Append-only."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="exposures")
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="exposures")
    visitor = models.UUIDField()
    at = models.DateTimeField()
    epoch = models.PositiveSmallIntegerField(default=1, help_text="the number of the epoch in which it happened")
    is_returning = models.BooleanField(default=False, help_text="the browser brought its id back")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "visitor"], name="one_exposure_per_visitor_and_experiment")
        ]

    def __str__(self) -> str:
        return f"{self.visitor} saw {self.variant_id}"

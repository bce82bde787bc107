"""What is learnt of the past to foretell delays."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from notifications.models.commerce import Shipment


class LaneGap(models.Model):
    """The time within which 95 % of the next scans come, on a lane or a parent of one (empty fields: any).

    Written anew by notifications/gaps.py.
    """

    carrier = models.CharField(max_length=60, blank=True)
    country = models.CharField(max_length=2, blank=True)
    origin = models.CharField(max_length=40, blank=True)
    destination = models.CharField(max_length=40, blank=True)
    hours = models.FloatField()
    gaps = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["carrier", "country", "origin", "destination"], name="lane_gap_once")
        ]

    def __str__(self) -> str:
        return f"{self.carrier or 'all'} {self.origin}-{self.destination}: {self.hours:.0f} h"


class DelayModel(models.Model):
    """One training: what it learnt, how it did on later orders, and whether it is used. Append-only but `is_on`."""

    trained_at = models.DateTimeField()
    is_on = models.BooleanField(default=False)
    verdict = models.CharField(max_length=300, help_text="why it is on or off, in plain words")
    report = models.JSONField(default=dict, help_text="notifications/prediction/training.py: the figures of the page")
    # An .npz of plain arrays, read with allow_pickle=False; empty where there was too little to learn from.
    trees = models.BinaryField()

    class Meta:
        ordering = ["-trained_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["is_on"], condition=Q(is_on=True), name="one_delay_model_on")]

    def __str__(self) -> str:
        return f"{self.trained_at:%Y-%m-%d} {'on' if self.is_on else 'off'}"


class Forecast(models.Model):
    """What the model says of an open parcel, as of a morning: its chance to be late, and when it comes."""

    shipment = models.OneToOneField(Shipment, on_delete=models.CASCADE, related_name="forecast")
    made_on = models.DateField(help_text="the morning, where the shop is")
    late_chance = models.FloatField()
    late_since = models.DateTimeField(null=True, help_text="since when the chance has been above the model's bound")
    # Days after made_on: the middle, and the ends of the ranges that hold 50, 80 and 95 in 100.
    days = models.JSONField(default=list, help_text="low95, low80, low50, middle, high50, high80, high95")

    def __str__(self) -> str:
        return f"shipment {self.shipment_id}: {self.late_chance:.2f}"


class NetworkDay(models.Model):
    """How the whole network stood on a morning: for the desk's page, and to see a wave begin and end."""

    day = models.DateField(unique=True)
    surge = models.FloatField(help_text="orders of the last days against the weeks before")
    backlog = models.FloatField(help_text="days it would take to hand over what waits")
    pace = models.FloatField(help_text="deliveries of the last week against what the weeks before let expect")
    late_rate = models.FloatField()
    is_wave = models.BooleanField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day} {'wave' if self.is_wave else 'calm'}"


class DriftKind(models.TextChoices):
    """What has drifted."""

    CALIBRATION = "calibration", "what the model says of lateness"
    LATE_RATE = "late_rate", "how many parcels come late"


class Drift(models.Model):
    """A spell in which the model's chances, or the share of late parcels, were not what they had been."""

    kind = models.CharField(max_length=12, choices=DriftKind)
    since = models.DateTimeField(help_text="when it was noticed")
    what = models.CharField(max_length=300, help_text="the figures, as of when it was last looked at")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-since", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(ended_at=None), name="one_open_drift_of_a_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} since {self.since:%Y-%m-%d}"

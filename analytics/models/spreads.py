"""How much less a share of journeys says than as many strangers would: the journeys of one person are alike."""

from __future__ import annotations

from django.db import models


class Spread(models.Model):
    """The design effect of one kind of share, as it was measured last (analytics/spreads.py)."""

    measure = models.CharField(max_length=12, help_text="coverage, contact, or contact of one article")
    window = models.SmallIntegerField(help_text="days; 0 where it does not matter")
    factor = models.FloatField(help_text="so many journeys say as much as one of somebody who came once; 1 or more")
    journeys = models.IntegerField(help_text="that it was measured on")
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["measure", "window"], name="spread_once")]

    def __str__(self) -> str:
        return f"{self.measure} ({self.window}): {self.factor:.2f}"

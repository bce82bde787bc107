"""How far histories were played (manage.py replay)."""

from __future__ import annotations

from django.db import models


class Playback(models.Model):
    """A history of one source that is played from one moment on: where to go on after an interruption."""

    source = models.CharField(max_length=40)
    start = models.DateTimeField()
    reached = models.DateTimeField(help_text="every step up to this moment is done; story time")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "start"], name="playback_once_from_a_moment")]

    def __str__(self) -> str:
        return f"{self.source} from {self.start:%Y-%m-%d} to {self.reached:%Y-%m-%d %H:%M}"

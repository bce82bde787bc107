"""Files of orders and of carriers' scans: how each source's are read, and every import of one."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class SheetMapping(models.Model):
    """What the columns of one source's files are, so that the next file needs no word."""

    source = models.CharField(max_length=40)
    kind = models.CharField(max_length=8, help_text="a Kind of notifications/intake/sheets/columns.py")
    columns = models.JSONField(help_text="column's name → field's name, or - for none")
    dates = models.CharField(max_length=3, blank=True, help_text="a DateOrder of intake/sheets/moments.py")
    time_zone = models.CharField(max_length=60)
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "kind"], name="sheet_mapping_unique")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.source}"


class SheetFile(models.Model):
    """A file that somebody uploaded, in parts: every worker of every host reads it from here."""

    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class SheetFilePart(models.Model):
    """A piece of a file, in order."""

    file = models.ForeignKey(SheetFile, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="sheet_file_part_unique")]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"


class SheetState(models.TextChoices):
    DRAFT = "draft", _("Not started")  # uploaded; somebody looks at how it will be read
    WAITING = "waiting", _("Waiting")  # asked for; no worker has it yet
    RUNNING = "running", _("Under way")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")  # `error` says why; what was taken in before stays


class SheetRun(models.Model):
    """One import of a file: how it is read, how far it is, what came of it. All moments are the database's."""

    kind = models.CharField(max_length=8, help_text="a Kind of notifications/intake/sheets/columns.py")
    source = models.CharField(max_length=40)
    # None where a command reads it from a disk.
    file = models.ForeignKey(SheetFile, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs")
    name = models.CharField(max_length=200, help_text="of the file")
    digest = models.CharField(
        max_length=64, blank=True, help_text="of the file and how it is read: cut off, the same goes on"
    )
    columns = models.JSONField(default=dict, help_text="column's name → field's name, or - for none")
    header = models.JSONField(default=list, help_text="the columns' names as they stand in the file")
    dates = models.CharField(max_length=3, blank=True)
    time_zone = models.CharField(max_length=60)
    is_dry = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=SheetState, default=SheetState.DRAFT)
    asked_at = models.DateTimeField(db_default=Now())
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True, help_text="the last batch that was stored")
    finished_at = models.DateTimeField(null=True, blank=True)
    next_row = models.PositiveIntegerField(default=2, help_text="where reading goes on; the header is row 1")
    last_row = models.PositiveIntegerField(default=0)
    orders = models.PositiveIntegerField(default=0, help_text="new ones")
    customers = models.PositiveIntegerField(default=0)
    parcels = models.PositiveIntegerField(default=0, help_text="further ones of an order")
    scans = models.PositiveIntegerField(default=0)
    cancellations = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0, help_text="orders or scans that were here already")
    refused = models.PositiveIntegerField(default=0, help_text="rows left out")
    unknown_words = models.JSONField(default=dict, help_text="status words that we do not know → how often")
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["digest"], name="sheet_run_digest")]

    def __str__(self) -> str:
        return f"import {self.pk}: {self.name}"

    @property
    def is_open(self) -> bool:
        return self.state in (SheetState.WAITING, SheetState.RUNNING)

    @property
    def total(self) -> int:
        """Rows of the file."""
        return max(0, self.last_row - 1)

    @property
    def done(self) -> int:
        """Rows that are behind us."""
        return min(self.total, max(0, self.next_row - 2))


class SheetRefusal(models.Model):
    """A row that was left out, with its cells, so that it can be mended and imported again."""

    run = models.ForeignKey(SheetRun, on_delete=models.CASCADE, related_name="refusals")
    row = models.PositiveIntegerField()
    field = models.CharField(max_length=200, blank=True, help_text="the column's name")
    problem = models.CharField(max_length=500)
    remedy = models.CharField(max_length=300)
    cells = models.JSONField(default=list)

    class Meta:
        ordering = ["row", "pk"]
        constraints = [models.UniqueConstraint(fields=["run", "row"], name="sheet_refusal_once")]

    def __str__(self) -> str:
        return f"row {self.row}: {self.problem}"

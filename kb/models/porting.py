"""What came from other places: what a file last said of an article, addresses that other help centres had, and runs of
the import.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from kb.models.article import Article, Category


class ImportMark(models.Model):
    """What a file last said of an article, so that an import knows what changed there, and what changed here."""

    article = models.OneToOneField(Article, on_delete=models.CASCADE, primary_key=True, related_name="import_mark")
    file_hash = models.CharField(max_length=64, help_text="of all that the file said")
    text_hash = models.CharField(max_length=64, help_text="of title, summary and body as they were stored")
    imported_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"import of {self.article_id}"


class OldAddress(models.Model):
    """A path of an earlier help centre, and the article or shelf that its visitors are led to.

    It points at what is there now, never at another old address: there are no chains and no loops.
    """

    path = models.CharField(max_length=500, unique=True, help_text="as kb.old_addresses.key writes it")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, null=True, blank=True, related_name="old_addresses")
    category = models.ForeignKey(
        Category, on_delete=models.CASCADE, null=True, blank=True, related_name="old_addresses"
    )
    locale = models.CharField(max_length=10)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(article__isnull=True) ^ Q(category__isnull=True), name="old_address_leads_to_one"
            )
        ]

    def __str__(self) -> str:
        return self.path


class ImportFile(models.Model):
    """A file that somebody uploaded to import, in parts: every worker of every host reads it from here."""

    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class ImportFilePart(models.Model):
    """A piece of a file, in order."""

    file = models.ForeignKey(ImportFile, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="import_file_part_unique")]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"


class ImportState(models.TextChoices):
    WAITING = "waiting", _("Waiting")  # asked for; no worker has it yet
    RUNNING = "running", _("Running")  # somebody is at it, as long as beat_at is recent
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")  # `error` says why; what was taken in before stays


class ImportRun(models.Model):
    """One import, or the dry run of one: what was asked, how far it is, what came of it.

    All moments are the database's.
    """

    state = models.CharField(max_length=8, choices=ImportState, default=ImportState.WAITING)
    # None where a command read it from a disk.
    file = models.ForeignKey(ImportFile, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs")
    name = models.CharField(max_length=200, help_text="of the file or folder")
    format = models.CharField(max_length=12, help_text="as asked for, until it is found out")
    source = models.CharField(max_length=40)
    locale = models.CharField(max_length=10, help_text="of rows that name none")
    locale_map = models.JSONField(default=dict, help_text="the file's word for a language → ours")
    as_drafts = models.BooleanField(default=False, help_text="nothing is published, whatever the file says")
    overwrites = models.BooleanField(default=False, help_text="what was changed on the desk since")
    is_dry = models.BooleanField(default=True)
    asked_at = models.DateTimeField(db_default=Now())
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True, help_text="the last sign of life of who is at it")
    finished_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0, help_text="rows looked at")
    total = models.PositiveIntegerField(default=0, help_text="rows, about")
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    conflicts = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    note = models.CharField(max_length=500, blank=True)
    search_tests = models.JSONField(default=dict, help_text="of a dry run: import_foresight.told")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"import {self.pk}: {self.name}"

    @property
    def is_open(self) -> bool:
        return self.state in (ImportState.WAITING, ImportState.RUNNING)


class ImportOutcome(models.TextChoices):
    NEW = "new", _("New")
    CHANGED = "changed", _("Changed")
    UNCHANGED = "unchanged", _("Unchanged")
    CONFLICT = "conflict", _("Conflict")  # changed on the desk since; left as it is
    REFUSED = "refused", _("Refused")


class ImportRow(models.Model):
    """What came of one row of a file. Written in the transaction of what it tells.

    `findings` are [[field, what, what to do], …]: why it was refused, or what an editor should look at.
    """

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(help_text="counted over all files of the run, from 1")
    outcome = models.CharField(max_length=10, choices=ImportOutcome)
    file = models.CharField(max_length=300)
    row = models.PositiveIntegerField(default=0, help_text="0 where the file as a whole is meant")
    external_id = models.CharField(max_length=200, blank=True)
    locale = models.CharField(max_length=40, blank=True)
    title = models.CharField(max_length=200, blank=True)
    findings = models.JSONField(default=list)
    article = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="import_row_unique_in_run")]

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.outcome}"

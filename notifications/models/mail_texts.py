"""What our mails say: each text in each language as versions that never change, and the one that is being written."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class MailVersion(models.Model):
    """One text of a mail in one language, frozen (a trigger refuses changes). The highest number is the one in use."""

    template = models.SlugField(max_length=40, db_index=False, help_text="a name of notifications/mail_kinds.py")
    locale = models.CharField(max_length=10)
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=300)
    text = models.TextField()
    mjml = models.TextField(help_text="as written, with its includes unopened")
    html = models.TextField(help_text="the MJML compiled, once: a Django template")
    digest = models.CharField(max_length=64, help_text="of subject, text and compiled HTML")
    is_shipped = models.BooleanField(help_text="the product's own, from templates/emails/")
    note = models.CharField(max_length=200, blank=True, help_text="why it was made, as its maker said")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["template", "locale", "number"], name="mail_version_number_once"),
            models.UniqueConstraint(
                fields=["template", "locale", "digest"], condition=Q(is_shipped=True), name="mail_version_shipped_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} ({self.locale}) version {self.number}"


class MailDraft(models.Model):
    """The text of a mail that somebody is working on; customers get it once it is published as a version."""

    template = models.SlugField(max_length=40, db_index=False)
    locale = models.CharField(max_length=10)
    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    mjml = models.TextField(blank=True)
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "locale"], name="mail_draft_once")]

    def __str__(self) -> str:
        return f"{self.template} ({self.locale}) draft"

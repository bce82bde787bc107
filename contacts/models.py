"""Every contact, wherever it came from, and what it was about."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kb.models import Article


class ReasonCode(models.Model):
    """Why people contact us: a tree. The top of each branch is a topic, the word that articles' categories use too."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    phrases = models.JSONField(default=list, blank=True, help_text="phrases that speak for this reason, lower case")

    def __str__(self) -> str:
        return self.code


class ContactSource(models.TextChoices):
    FORM = "form", _("Contact form")
    EMAIL = "email", _("E-mail")
    CHAT = "chat", _("Chat")
    PHONE = "phone", _("Phone")
    IMPORT = "import", _("Import")


class Contact(models.Model):
    """A person asked us something."""

    reference = models.CharField(max_length=12, unique=True, help_text="what the customer quotes, like C-4F7K2M")
    source = models.CharField(max_length=10, choices=ContactSource)
    external_id = models.CharField(max_length=200, blank=True)
    visitor = models.UUIDField(null=True, db_index=True)
    # Both are empty where the channel knows no address (a phone call).
    person = models.CharField(
        max_length=32, blank=True, db_index=True, help_text="core.people.person_key of the address"
    )
    email = models.EmailField(blank=True)
    name = models.CharField(max_length=120, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    message = models.TextField()
    order_number = models.CharField(max_length=60, blank=True)
    locale = models.CharField(max_length=10)
    # The article that did not help, where the customer came from one.
    after_article = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, related_name="+")
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~Q(external_id=""),
                name="contact_unique_in_source",
            )
        ]

    def __str__(self) -> str:
        return self.reference


class Coder(models.TextChoices):
    RULE = "rule", _("rule")
    PERSON = "person", _("person")


class Coding(models.Model):
    """Somebody or something said what a contact was about. Append-only: the newest counts; none means 'uncoded'."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="codings")
    reason = models.ForeignKey(ReasonCode, on_delete=models.PROTECT, related_name="codings")
    coder = models.CharField(max_length=10, choices=Coder)
    confidence = models.FloatField(help_text="0 to 1")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["contact", "-id"], name="newest_coding_of_contact")]
        constraints = [
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="coding_confidence_is_a_share"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.reason_id}"


class FormVisit(models.Model):
    """The contact form was opened once: what it suggested, how it ended. Its id makes a double submit one contact."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    visitor = models.UUIDField(null=True)
    after_article = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, related_name="+")
    opened_at = models.DateTimeField()
    shown = models.JSONField(default=list, help_text="ids of the articles suggested, in the order of first showing")
    opened = models.JSONField(default=list, help_text="ids of the suggested articles that were opened")
    answered_by = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    contact = models.OneToOneField(Contact, on_delete=models.SET_NULL, null=True, related_name="form_visit")

    def __str__(self) -> str:
        return str(self.id)

"""Every contact, wherever it came from, and what it was about."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
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
        indexes = [
            # An order's page asks for the contacts about it, however its number was written.
            models.Index(Upper("order_number"), name="contact_order_number"),
            # From when to when each source brought contacts, which nearly every page of numbers asks.
            models.Index(fields=["source", "received_at"], name="contact_by_source"),
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


class SuggestionRate(models.Model):
    """From `set_at` on, this share of visitors gets a contact form without suggestions. Append-only: newest counts."""

    off_share = models.FloatField(help_text="0 to 1")
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    set_at = models.DateTimeField()
    why = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(off_share__gte=0, off_share__lte=1), name="suggestions_off_is_a_share")
        ]

    def __str__(self) -> str:
        return f"{self.off_share:.1%} off"


class Arm(models.TextChoices):
    """Whether the form suggests articles, and whether the visit is in the measurement of what that does."""

    ON = "on", _("With suggestions")
    OFF = "off", _("Without, drawn at random")
    NOT_ELIGIBLE = "not_eligible", _("Without, for a reason")
    NOT_COUNTED = "not_counted", _("With suggestions, not counted")


class ArmReason(models.TextChoices):
    """Why a visit is in neither of the two arms that are compared."""

    SAID_NO = "said_no", _("had said no to an article")
    WROTE_BEFORE = "wrote_before", _("had written to us")
    BOT = "bot", _("a program")
    PREFETCH = "prefetch", _("fetched ahead by the browser")
    NO_CONSENT = "no_consent", _("asked not to be followed")
    STAFF = "staff", _("a member of staff")


class FormVisit(models.Model):
    """The contact form was opened once: what it suggested, how it ended. Its id makes a double submit one contact."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    visitor = models.UUIDField(null=True)
    # How it was decided, for ever as it was on that day; all empty for visits from before there were arms.
    arm = models.CharField(max_length=12, choices=Arm, blank=True)
    arm_reason = models.CharField(max_length=12, choices=ArmReason, blank=True)
    off_share = models.FloatField(null=True, help_text="the share without suggestions that was in force")
    salt = models.CharField(max_length=40, blank=True, help_text="of core.bucketing")
    after_article = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, related_name="+")
    opened_at = models.DateTimeField()
    shown = models.JSONField(default=list, help_text="ids of the articles suggested, in the order of first showing")
    opened = models.JSONField(default=list, help_text="ids of the suggested articles that were opened")
    answered_by = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    contact = models.OneToOneField(Contact, on_delete=models.SET_NULL, null=True, related_name="form_visit")

    class Meta:
        indexes = [models.Index(fields=["opened_at", "arm"], name="form_visit_opened")]

    def __str__(self) -> str:
        return str(self.id)


class Attachment(models.Model):
    """A file that came with a contact, or waits with an open form. The bytes are in settings.ATTACHMENTS_DIR."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    visit = models.ForeignKey(FormVisit, on_delete=models.SET_NULL, null=True, related_name="attachments")
    # Empty while the form is not sent.
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, null=True, related_name="attachments")
    name = models.CharField(max_length=120, help_text="the customer's name for it, made safe")
    content_type = models.CharField(max_length=40, help_text="by its content")
    size = models.PositiveIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField()

    class Meta:
        ordering = ["uploaded_at", "id"]
        indexes = [models.Index(fields=["uploaded_at"], condition=Q(contact=None), name="attachment_not_sent")]

    def __str__(self) -> str:
        return self.name


class ConfirmationState(models.TextChoices):
    WAITING = "waiting", _("Waiting to be sent")
    SENDING = "sending", _("Handed over, or lost on the way: never sent again")
    SENT = "sent", _("Sent")
    SKIPPED = "skipped", _("Not sent, on purpose")
    FAILED = "failed", _("Could not be sent")


class Confirmation(models.Model):
    """The mail that tells a customer that their message is in, with its reference. Sent at most once."""

    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="confirmation")
    state = models.CharField(max_length=8, choices=ConfirmationState, default=ConfirmationState.WAITING)
    state_reason = models.CharField(max_length=200, blank=True)
    requested_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(state="waiting"), name="confirmation_waiting")]

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.state}"


class ContactDraft(models.Model):
    """Somebody began an article from a contact's question, without what says who asked. Append-only."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="drafts")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.contact_id}: article {self.article_id}"

"""Rows that no single room owns."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class RateWindow(models.Model):
    """How often something was done under one key since the key's window began. See core/ratelimit.py."""

    key = models.CharField(max_length=200, primary_key=True)
    hits = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key}: {self.hits} until {self.ends_at}"


class Scope(models.TextChoices):
    """What a key lets a program do."""

    SEARCH_READ = "search:read", _("Search, with the articles for staff and the reasons behind each answer")
    ORDERS_WRITE = "orders:write", _("Send orders, shipments and tracking events")
    ORDERS_READ = "orders:read", _("Read orders, their parcels and their troubles")
    RESULTS_READ = "results:read", _("Read every report of numbers, and A/B tests with what they have shown")


class ApiKey(models.Model):
    """A program's right to use the API. The key itself is shown once and not kept. See core/keys.py."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, help_text="how the key begins, to tell keys apart")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key, hex")
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope))
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to the minute")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(revoked_at=None), name="one_live_api_key_per_name")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class BrandImage(models.Model):
    """A shop's logo as our pages show it: re-encoded, at most twice as large as shown. See core/brand_images.py."""

    digest = models.CharField(
        max_length=64, primary_key=True, help_text="SHA-256 of png, hex: the same file, the same row"
    )
    width = models.PositiveSmallIntegerField(help_text="in pixels, of webp and png")
    height = models.PositiveSmallIntegerField()
    darkest = models.FloatField(help_text="relative luminance (WCAG) under which a fifth of the ink lies, 0 to 1")
    lightest = models.FloatField(help_text="relative luminance over which a fifth of the ink lies, 0 to 1")
    has_own_ground = models.BooleanField(help_text="nothing of it is transparent")
    webp = models.BinaryField()
    png = models.BinaryField(help_text="for e-mails, since mail programs do not show WebP")
    icon = models.BinaryField(help_text="PNG, 64 pixels square; empty where the logo is too wide to be an icon")
    touch_icon = models.BinaryField(help_text="PNG, 180 pixels square, on white; empty as `icon` is")
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.digest[:8]} ({self.width} x {self.height})"


class Brand(models.Model):
    """One saved state of the shop's name and look; never changed after. The newest counts. See core/brand.py.

    An empty text means the default, so that a row with nothing in it is the way back to the settings.
    """

    after = models.BigIntegerField(
        unique=True, help_text="the row that this one replaced, 0 for the first: one line, no forks"
    )
    name = models.CharField(max_length=60, blank=True)
    mail_sender = models.CharField(max_length=60, blank=True)
    accent = models.CharField(max_length=7, blank=True, help_text="#rrggbb")
    hero = models.CharField(max_length=7, blank=True, help_text="#rrggbb")
    logo = models.ForeignKey(BrandImage, on_delete=models.PROTECT, null=True, related_name="+")
    logo_dark = models.ForeignKey(BrandImage, on_delete=models.PROTECT, null=True, related_name="+")
    support_email = models.CharField(max_length=254, blank=True)
    support_hours = models.CharField(max_length=120, blank=True)
    links = models.JSONField(default=list, help_text='of the footer: [{"label": ..., "url": ...}], at most 6')
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.pk}: {self.name or 'the default'}"


class AuditEntry(models.Model):
    """One thing that somebody did on the desk; never changed after. See core/audit.py."""

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=150, blank=True, help_text="as it was then; empty: the product itself")
    action = models.CharField(max_length=60, help_text="thing.done, e.g. article.published")
    target_type = models.CharField(max_length=60, blank=True, help_text="app.model of what it was done to")
    target_id = models.CharField(max_length=64, blank=True)
    label = models.CharField(max_length=200, blank=True, help_text="what a person calls the target")
    detail = models.JSONField(default=dict, help_text="what else explains it; no secrets, no customers' data")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(fields=["target_type", "target_id", "-at"], name="audit_of_target"),
            models.Index(fields=["by_name", "-at", "-id"], name="audit_of_person"),
            models.Index(fields=["action", "-at", "-id"], name="audit_of_action"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.by_name or 'Preempt'}: {self.action} {self.label}".rstrip()


class Erasure(models.Model):
    """A person is, or was, forgotten at their wish. See core/erasure.py.

    Whom it is about stands in `subject` until all is done; then only the hash stays, so that an old order or contact
    that comes in again is taken in without the person.
    """

    person = models.CharField(max_length=32, db_index=True, help_text="core.people.person_key of the address")
    at = models.DateTimeField(help_text="story time: what they ordered or wrote until then stays forgotten")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=150, blank=True, help_text="as it was then; empty: a command")
    subject = models.JSONField(default=dict, help_text="the address and what else leads to them; empty once it is done")
    done = models.JSONField(default=dict, help_text="the receipt: part → kind → how many rows")
    waits_for = models.CharField(max_length=200, blank=True, help_text="why it cannot go on yet")
    beat_at = models.DateTimeField(db_default=Now(), help_text="the last step; the database's clock")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(finished_at=None), name="one_open_erasure_of_a_person"
            )
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"


class DeskSession(models.Model):
    """One sign-in of somebody on the desk, and when it was last used. See config/accounts/sessions.py.

    I/O time: the session that it stands for ends by the real clock, too.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="desk_sessions")
    session_key = models.CharField(max_length=40, unique=True, help_text="of django_session, which may be gone")
    browser = models.CharField(max_length=200, blank=True, help_text="as it calls itself")
    began_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now(), help_text="to the minute")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="signed out, or ended by somebody")

    class Meta:
        indexes = [models.Index(fields=["user", "-seen_at"], name="desk_session_seen")]

    def __str__(self) -> str:
        return f"{self.user_id} since {self.began_at:%Y-%m-%d %H:%M}"


class Invitation(models.Model):
    """A link by which one person makes an account on the desk. See config/accounts/invitations.py."""

    email = models.EmailField(blank=True, help_text="where the link was sent; becomes the account's address")
    roles = ArrayField(models.CharField(max_length=20), help_text="of core.roles.ALL; what the account will have")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-made_at", "-pk"]

    def __str__(self) -> str:
        return f"invitation {self.pk} ({self.email or 'by link'})"


class PasswordLink(models.Model):
    """An administrator's link by which one person sets a new password. See config/accounts/password_links.py."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="password_links")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="by somebody, or since a newer one was made")
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(used_at=None, withdrawn_at=None), name="one_password_link_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"password link of {self.user_id}"

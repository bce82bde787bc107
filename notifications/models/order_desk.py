"""What the order desk keeps besides the facts: why nobody was written to, and what staff note about an order."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.commerce import Episode, Order
from notifications.models.outreach import Rule


class SkipReason(models.TextChoices):
    """Why an episode gets no message. All of them are known before the arm is drawn, so both arms lose the same."""

    NO_RULE = "no_rule", _("no active rule is about this kind of trouble")
    NO_ADDRESS = "no_address", _("the source gave no e-mail address")
    NO_NEWS = "no_news", _("the trouble was too old to be news to the customer")


class Skip(models.Model):
    """An episode of which a rule (empty: every rule) made no message. Append-only; told once per episode and rule."""

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="skips")
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, null=True, db_index=False, related_name="skips")
    reason = models.CharField(max_length=24, choices=SkipReason)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["episode", "rule"], nulls_distinct=False, name="skip_once_per_rule")
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="skip_newest"),
            models.Index(fields=["rule", "-at", "-id"], name="skip_newest_of_rule"),
            models.Index(fields=["reason", "-at", "-id"], name="skip_newest_for_reason"),
        ]

    def __str__(self) -> str:
        return f"episode {self.episode_id}: {self.reason}"


class OrderNote(models.Model):
    """What a member of staff wrote down about an order, for colleagues. Append-only; no customer reads it."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(max_length=4000)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"order {self.order_id}, {self.at:%Y-%m-%d %H:%M}"

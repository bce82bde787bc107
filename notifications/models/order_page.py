"""What an order's page stands on besides the facts: who may open it, what we promised to say, how long parcels take."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.models.commerce import Order


class LinkRevocation(models.Model):
    """All links to an order's page (or, where `order` is empty, all links of a person) made before this stopped.

    Append-only. A link carries how many of these there were when it was signed (notifications/links.py).
    """

    person = models.CharField(max_length=32, blank=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, null=True, related_name="link_revocations")
    at = models.DateTimeField()
    is_by_customer = models.BooleanField(help_text="by a button behind the link itself")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(order__isnull=False) | ~Q(person=""), name="link_revocation_is_about_something"
            )
        ]
        indexes = [
            models.Index(fields=["person"], condition=Q(order__isnull=True), name="link_revocation_of_person"),
        ]

    def __str__(self) -> str:
        return f"order {self.order_id}" if self.order_id else f"person {self.person[:8]}"


class UpdateEnd(models.TextChoices):
    """How a promised update ended."""

    MESSAGE = "message", _("a message of ours reached the mail provider")
    PAGE = "page", _("the order's page tells something new")
    STAFF = "staff", _("somebody said that the customer has heard from us")
    REPLACED = "replaced", _("another moment was promised instead")


class NextUpdate(models.Model):
    """By when we said that a customer would hear from us about an order. Open until it is kept or replaced.

    Kept in time, kept late or broken follows from `due_at`, `closed_at` and `end` (notifications/obligations.py).
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="next_updates")
    due_at = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True, help_text="what the customer reads beside it")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True, help_text="when it was kept, or another day was named instead")
    end = models.CharField(max_length=10, choices=UpdateEnd, blank=True, help_text="empty while it is open")
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    warned_at = models.DateTimeField(null=True, help_text="when ops were told that it is about to be broken")
    told_broken_at = models.DateTimeField(null=True, help_text="when ops were told that it is broken")

    class Meta:
        ordering = ["-made_at", "-pk"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(closed_at__isnull=True), name="next_update_open_due"),
            models.Index(fields=["-due_at"], name="next_update_due"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(closed_at__isnull=True), name="one_open_next_update_per_order"
            )
        ]

    def __str__(self) -> str:
        return f"order {self.order_id} by {self.due_at:%Y-%m-%d %H:%M}"


class Leg(models.TextChoices):
    """What is counted of the parcels of the last weeks: the two stretches of their way, and the weekday of arrival."""

    PACKING = "packing", "from the order to the hand-over"
    TRANSIT = "transit", "from the hand-over to the customer"
    ARRIVAL = "arrival", "by day of the week, 1 is Monday"


class LegDay(models.Model):
    """How many parcels were `days` old on a leg in the last weeks, and how many of them ended it on that day.

    Written anew by notifications/transit.py. `carrier` is empty for all carriers together. Of arrivals, `days` is the
    day of the week, `ended` counts those that came on it and `waiting` all that came.
    """

    leg = models.CharField(max_length=10, choices=Leg)
    carrier = models.CharField(max_length=60, blank=True)
    days = models.PositiveSmallIntegerField()
    waiting = models.PositiveIntegerField(help_text="parcels that reached this age, ended or not")
    ended = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["leg", "carrier", "days"], name="leg_day_once")]

    def __str__(self) -> str:
        return f"{self.leg} {self.carrier or 'all'} day {self.days}: {self.ended} of {self.waiting}"

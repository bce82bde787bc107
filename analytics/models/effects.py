"""What causes are counted in, and what contacts and messages cost."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.models import ContactSource

SUGGESTIONS = 0  # in the place of a rule


class EffectDay(models.Model):
    """Of one shop's day: the people of one arm who came into it then, and how many of them contacted us in the window.

    Made of rows (analytics/effect_days.py) once the windows of all of them are over; thrown away with them at any time.
    """

    day = models.DateField()
    window = models.PositiveSmallIntegerField(help_text="days")
    rule_id = models.IntegerField(help_text="of notifications.Rule; 0: the suggestions of the contact form")
    share = models.FloatField(help_text="kept without at random, as it was in force; 0 to 1")
    arm = models.CharField(max_length=10, help_text="notify or held_out; of suggestions on or off")
    units = models.IntegerField(help_text="people in it for the first time; of suggestions visitors")
    contacted = models.IntegerField(help_text="of units: a contact of whatever reason within the window")
    sent = models.IntegerField(help_text="messages handed over, to people of whatever time; of suggestions forms sent")
    answered = models.IntegerField(
        default=0, help_text="of units: said that a suggestion was the answer, or opened one"
    )
    shown = models.IntegerField(default=0, help_text="of units: saw a suggestion")
    withdrawn = models.IntegerField(
        default=0, help_text="of those shown: left the form, said no to nothing and did not contact us in the window"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["window", "day", "rule_id", "share", "arm"], name="effect_day_once")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.rule_id} {self.arm}: {self.contacted} of {self.units}"


class EffectMark(models.Model):
    """Up to which day (inclusive) the days of one window are counted."""

    window = models.PositiveSmallIntegerField(unique=True)
    through = models.DateField()

    def __str__(self) -> str:
        return f"{self.window} days: up to {self.through}"


class CostKind(models.TextChoices):
    """What costs money."""

    CONTACT = "contact", _("A contact")
    MESSAGE = "message", _("A message sent")


class CostSetting(models.Model):
    """From `since` on, one contact (or message) costs so much. Append-only: of one day the newest row counts.

    The currency of the newest row of all is the shop's; rows in another one are kept and not counted.
    """

    kind = models.CharField(max_length=8, choices=CostKind)
    channel = models.CharField(max_length=10, choices=ContactSource, blank=True, help_text="empty: every other channel")
    amount = models.DecimalField(max_digits=10, decimal_places=4, validators=[MinValueValidator(0)])
    currency = models.CharField(max_length=3, help_text="ISO 4217 code")
    since = models.DateField(help_text="a day of the shop")
    why = models.CharField(max_length=200)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="cost_is_no_gain")]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel}: {self.amount} {self.currency} from {self.since}"

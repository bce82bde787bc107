"""What the send ledger keeps besides messages, attempts and events: the steps that leave no other trace."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from notifications.models.outreach import Message, MessageState


class MessageStep(models.Model):
    """A message was put back among those that wait, or ended unsent, or became unclear. Append-only.

    Written by a trigger of the database with each such move, whoever makes it. What was handed over is in SendAttempt,
    what the provider said of it in DeliveryEvent.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField(db_default=Now(), help_text="by the database's clock")
    from_state = models.CharField(max_length=12, choices=MessageState)
    to_state = models.CharField(max_length=12, choices=MessageState)
    reason = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(null=True, help_text="when it may be tried again, where that was decided")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.from_state} to {self.to_state}"

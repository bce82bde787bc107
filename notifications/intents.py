"""What a worker holds on its way through a hand-over: the claim, then the intent; and how it can end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import QuerySet

from notifications.models import Message
from notifications.providers.base import Mail


class Outcome(StrEnum):
    """What became of one claimed message."""

    ACCEPTED = "accepted"
    RETRY = "retry"  # not sent; ready again, later
    PAUSED = "paused"  # not sent; the provider takes nothing for now
    REJECTED = "rejected"
    LOST = "lost"  # unknown
    SUPPRESSED = "suppressed"
    STALE = "stale"
    CAPPED = "capped"
    POSTPONED = "postponed"  # ready again: it is night where the person is, or ops hold it
    CANCELLED = "cancelled"
    FAILED = "failed"  # could not be made into a mail
    TAKEN_BACK = "taken_back"  # it was no longer ours


@dataclass(frozen=True)
class Claim:
    """A message that is this worker's until the lease runs out or somebody claims it with a higher epoch."""

    message_id: uuid.UUID
    epoch: int
    person: str


@dataclass(frozen=True)
class Intent:
    """The committed decision to hand this mail over, once."""

    claim: Claim
    attempt: int
    tries: int  # attempts that count, this one included
    mail: Mail
    began: float  # time.monotonic() before the transaction


def mine(one: Claim) -> QuerySet[Message]:
    """The claimed message, as long as it is this worker's."""
    return Message.objects.filter(pk=one.message_id, lease_epoch=one.epoch)

"""What can become of a person, an episode and a rule, and why. Each message and each skip has exactly one outcome."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import BooleanField, Case, CharField, Exists, ExpressionWrapper, OuterRef, Q, Value, When

from notifications import gates, holding, selectors, settling
from notifications.models import MessageState, SendAttempt, SendOutcome, SkipReason, SuppressionReason

S = MessageState


class Outcome(models.TextChoices):
    """The ledger's words for it, in the order in which they are shown."""

    DELIVERED = "delivered", "Delivered"
    ACCEPTED = "accepted", "Taken by the mail provider"
    BOUNCED = "bounced", "Bounced"
    DROPPED = "dropped", "Dropped by the provider"
    WAITING = "waiting", "Waiting"
    QUIET = "quiet", "Quiet hours"
    HELD_OUT = "held_out", "Held out"
    SUPPRESSED = "suppressed", "Suppressed"
    CAPPED = "capped", "Capped"
    STALE = "stale", "Stale"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unclear"
    SKIPPED = "skipped", "Skipped at planning"


MEANINGS: dict[Outcome, str] = {
    Outcome.DELIVERED: "in the customer's mailbox",
    Outcome.ACCEPTED: "the provider has it and has not said more",
    Outcome.BOUNCED: "sent; the mailbox refused it",
    Outcome.DROPPED: "handed over; the provider did not send it on",
    Outcome.WAITING: "to be sent",
    Outcome.QUIET: "to be sent when the night is over where the person is",
    Outcome.HELD_OUT: "kept without it at random, to measure its effect",
    Outcome.SUPPRESSED: "we must not write to this address",
    Outcome.CAPPED: "the person had had enough messages on that day",
    Outcome.STALE: "no longer true, or too late, so not sent",
    Outcome.CANCELLED: "the rule was switched off, or somebody took it back",
    Outcome.FAILED: "could not be sent",
    Outcome.UNKNOWN: "nobody can tell yet whether it was sent",
    Outcome.SKIPPED: "no message was made",
}
SENT = "sent"
SENT_OUTCOMES = (Outcome.DELIVERED, Outcome.ACCEPTED, Outcome.BOUNCED, Outcome.DROPPED)

# Every state of a message is in one row. A message that waits may be QUIET instead; a Skip is SKIPPED.
STATES: dict[Outcome, tuple[MessageState, ...]] = {
    Outcome.DELIVERED: (S.DELIVERED,),
    Outcome.ACCEPTED: (S.ACCEPTED,),
    Outcome.BOUNCED: (S.BOUNCED,),
    Outcome.DROPPED: (S.DROPPED,),
    Outcome.WAITING: (S.READY, S.CLAIMED, S.SENDING),
    Outcome.QUIET: (S.READY,),
    Outcome.HELD_OUT: (S.HELD_OUT,),
    Outcome.SUPPRESSED: (S.SUPPRESSED,),
    Outcome.CAPPED: (S.CAPPED,),
    Outcome.STALE: (S.STALE,),
    Outcome.CANCELLED: (S.CANCELLED,),
    Outcome.FAILED: (S.FAILED,),
    Outcome.UNKNOWN: (S.UNKNOWN,),
}
_BY_STATE = {state: outcome for outcome, states in STATES.items() if outcome != Outcome.QUIET for state in states}


def of_state(state: str, *, is_quiet: bool) -> Outcome:
    """The outcome of a message. Raises KeyError for a state that STATES leaves out."""
    return Outcome.QUIET if is_quiet else _BY_STATE[MessageState(state)]


def quiet(*, now: datetime) -> ExpressionWrapper[Any]:
    """Whether a message waits for the morning at `now`, for the database."""
    is_quiet = Q(state=S.READY, state_reason=gates.QUIET, not_before__gt=now)
    return ExpressionWrapper(is_quiet, output_field=BooleanField())


@dataclass(frozen=True)
class Reason:
    """One reason of an outcome. `key` stands in addresses: the outcome's word, a dot, and one of its own."""

    outcome: Outcome
    code: str
    text: str

    @property
    def key(self) -> str:
        return f"{self.outcome}.{self.code}"


OTHER = "other"


def reasons() -> list[Reason]:
    """Every reason that there is a word for. A message with another has its outcome's OTHER."""
    return [
        Reason(Outcome.WAITING, "held", "ops hold it"),
        Reason(Outcome.WAITING, "again", "tried before, and to be tried again"),
        Reason(Outcome.WAITING, OTHER, "its turn comes next"),
        *(Reason(Outcome.SUPPRESSED, code, str(label)) for code, label in SuppressionReason.choices),
        Reason(Outcome.SUPPRESSED, OTHER, "for another reason"),
        *(Reason(Outcome.STALE, _slug(reason), str(text)) for reason, text in selectors.STALE.items()),
        Reason(Outcome.STALE, OTHER, "for another reason"),
        Reason(Outcome.CANCELLED, "rule_off", gates.RULE_OFF),
        Reason(Outcome.CANCELLED, "taken_back", "a colleague took it back"),
        Reason(Outcome.CANCELLED, OTHER, "for another reason"),
        Reason(Outcome.FAILED, "given_up", settling.GIVEN_UP),
        Reason(Outcome.FAILED, "refused", "the provider refused it"),
        Reason(Outcome.FAILED, OTHER, "it could not be made into a mail"),
        *(Reason(Outcome.SKIPPED, code, str(label)) for code, label in SkipReason.choices),
    ]


def code_of_message(held: Collection[str]) -> Case:
    """A message's Reason.code, for the database: empty where its outcome says all, OTHER where there is no word."""
    says_all = [S.DELIVERED, S.ACCEPTED, S.BOUNCED, S.DROPPED, S.HELD_OUT, S.CAPPED, S.UNKNOWN]
    refused = SendAttempt.objects.filter(message=OuterRef("pk"), outcome=SendOutcome.REJECTED)
    return Case(
        When(Q(state__in=says_all), then=Value("")),
        *_waiting(held),
        *(When(Q(state=S.SUPPRESSED, state_reason=code), then=Value(code)) for code in SuppressionReason.values),
        *(When(Q(state=S.STALE, state_reason=reason), then=Value(_slug(reason))) for reason in selectors.STALE),
        When(Q(state=S.CANCELLED, state_reason=gates.RULE_OFF), then=Value("rule_off")),
        When(Q(state=S.CANCELLED, state_reason__startswith=holding.TAKEN_BACK % ""), then=Value("taken_back")),
        When(Q(state=S.FAILED, state_reason=settling.GIVEN_UP), then=Value("given_up")),
        When(Q(state=S.FAILED) & Exists(refused), then=Value("refused")),
        default=Value(OTHER),
        output_field=CharField(),
    )


def _waiting(held: Collection[str]) -> Iterable[When]:
    waits = Q(state__in=[S.READY, S.CLAIMED, S.SENDING])
    if (is_held := holding.holds(held)) is not None:
        yield When(waits & is_held, then=Value("held"))
    yield When(waits & Q(attempts__gt=0), then=Value("again"))


def _slug(reason: str) -> str:
    """A reason as it is stored, fit for an address."""
    return str(reason).replace(" ", "_")

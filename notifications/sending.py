"""One message out: claim, intent, guard, request, outcome.

Nothing here trusts the worker to live on: what it holds runs out by the database's clock, and settling.py takes over.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now

from core import clock
from notifications import answers, buckets, composing, gates, holding, last_look, pausing, states, suppression
from notifications.intents import Claim, Intent, Outcome, mine
from notifications.models import Message, MessageState, SendAttempt
from notifications.providers.base import BatchProvider, DeliveryError, Provider
from notifications.sender import mailboxes
from notifications.states import Event

logger = logging.getLogger("preempt.sending")


class Dry(Exception):
    """The provider's tokens are used up. `wait`: seconds until there is one for this lane."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"no tokens for {wait:.3f} s")
        self.wait = wait


def claim(lane: str, *, limit: int, provider: Provider) -> list[Claim]:
    """Take up to `limit` ready messages of a lane, oldest first. None while the provider or the lane is paused.

    Raises Dry where there would be some, but the provider has been handed as many as it may be.
    """
    held = holding.held()
    if held & {holding.ALL, holding.lane_scope(lane)} or pausing.is_paused(provider.name):
        return []
    due = Message.objects.filter(
        Q(retry_after=None) | Q(retry_after__lte=Now()),
        lane=lane,
        state=MessageState.READY,
        # Story time, by the database's clock: a worker whose own clock is wrong sends nothing early or late.
        not_before__lte=Now() + clock.shift(),
    )
    if rules := [scope.partition(":")[2] for scope in held if scope.startswith("rule:")]:
        due = due.exclude(rule__key__in=rules)
    rate = settings.MAIL_RATE_PER_SECOND
    with transaction.atomic():
        ids = list(
            due.order_by("not_before", "pk")
            .select_for_update(skip_locked=True, of=("self",))
            .values_list("pk", flat=True)[:limit]
        )
        if not ids:
            return []
        if rate:
            # After the messages' rows, so that who waits for tokens keeps nobody from looking.
            tap = buckets.Tap(provider.name, rate=rate)
            if not (may := buckets.allowed(tap.bucket, lane)):
                raise Dry(buckets.wait_for_one(tap.bucket, lane, rate=rate))
            ids = ids[:may]
            tap.spend(lane, len(ids))
        states.move(
            Message.objects.filter(pk__in=ids),
            Event.CLAIM,
            lease_until=Now() + timedelta(seconds=settings.SEND_LEASE_SECONDS),
            lease_epoch=F("lease_epoch") + 1,
        )
        claimed = Message.objects.filter(pk__in=ids).order_by("not_before", "pk")
        return [Claim(*row) for row in claimed.values_list("pk", "lease_epoch", "person")]


def give_back(claims: Sequence[Claim]) -> None:
    """Make claimed messages ready again at once: this worker will not send them."""
    for one in claims:
        states.move(mine(one), Event.GIVE_BACK, lease_until=None)


def send(one: Claim, *, provider: Provider) -> Outcome:
    """Send one claimed message, at most once, and record what became of it."""
    intent = intend(one, provider=provider)
    if isinstance(intent, Outcome):
        return intent
    if _has_slept(intent):
        return answers.slept(intent)
    try:
        accepted = provider.deliver(intent.mail)
    except DeliveryError as error:
        return answers.failed(intent, error, provider=provider)
    return answers.accepted(intent, accepted, provider=provider)


def send_together(claims: Sequence[Claim], *, provider: BatchProvider) -> list[Outcome]:
    """Send claimed messages in as few requests as the provider allows; one outcome each, in no order.

    Each has its own intent and attempt. A request that is refused, or too large, took none of its mails: it is halved
    until the one that the provider does not want stands alone, in the same attempts.
    """
    outcomes: list[Outcome] = []
    intents: dict[str, Intent] = {}
    for one in claims:
        try:
            intent = intend(one, provider=provider)
        except Exception:
            # A fault of ours with one message: its lease runs out. The others have been decided and must go on.
            logger.exception("no intent", extra={"message_id": str(one.message_id)})
            intent = Outcome.FAILED
        if isinstance(intent, Outcome):
            outcomes.append(intent)
        else:
            intents[intent.mail.message_id] = intent
    groups = provider.together([intent.mail for intent in intents.values()])
    while groups:
        mails = groups.pop()
        group = [intents[mail.message_id] for mail in mails]
        if any(_has_slept(intent) for intent in group):
            outcomes += [answers.slept(intent) for intent in group]
            continue
        try:
            accepted = provider.deliver_many(mails)
        except DeliveryError as error:
            if error.permanent and len(group) > 1:
                half = len(mails) // 2
                groups += [mails[half:], mails[:half]]
                continue
            outcomes += answers.failed_together(group, error, provider=provider)
        else:
            outcomes += [answers.accepted(intent, accepted, provider=provider) for intent in group]
    return outcomes


def _has_slept(intent: Intent) -> bool:
    """Whether this process was stopped or swapped out: then its lease may not last for a request any more."""
    return time.monotonic() - intent.began > settings.SEND_LEASE_SECONDS


def intend(one: Claim, *, provider: Provider) -> Intent | Outcome:
    """Check once more that this may be sent and commit the decision, or say why not."""
    began, shift = time.monotonic(), clock.shift()
    with transaction.atomic():
        # Story time by the database's clock, here too: a worker's own may be wrong.
        now = shift + holding.lock(is_shared=True)
        # Before the message's row; see suppression.lock_person.
        suppression.lock_person(one.person, is_shared=True)
        message = (
            mine(one)
            .filter(state=MessageState.CLAIMED)
            .select_for_update(of=("self",))
            .select_related("rule", "customer", "episode__shipment__order")
            .first()
        )
        if message is None:
            return Outcome.TAKEN_BACK
        if (verdict := last_look.verdict(message, now=now)) is not None:
            return _hold_back(message, one, verdict)
        attempt = 1 + (message.send_attempts.aggregate(last=Max("n"))["last"] or 0)
        try:
            mail = composing.compose(message, attempt=attempt)
        except composing.CannotCompose as error:
            logger.error("cannot compose", extra={"message_id": str(one.message_id), "why": str(error)})
            states.move(mine(one), Event.FAIL, state_reason=str(error)[:200], lease_until=None)
            return Outcome.FAILED
        if not pausing.admit(provider.name):
            states.move(mine(one), Event.GIVE_BACK, lease_until=None, counted_on=message.counted_on)
            return Outcome.PAUSED
        SendAttempt.objects.create(message=message, n=attempt, provider=provider.name)
        # The lease covers the guard's patience and then the longest request.
        lease = timedelta(seconds=settings.SEND_LEASE_SECONDS + provider.capabilities.timeout_seconds)
        states.move(
            mine(one),
            Event.INTEND,
            lease_until=Now() + lease,
            attempts=F("attempts") + 1,
            counted_on=message.counted_on,
            provider=provider.name,
            state_reason="",
            mailbox=mailboxes.group_of(mail.to_address),
            **composing.kept(message),
        )
        return Intent(one, attempt, message.attempts + 1, mail, began)


_OUTCOME_OF = {
    Event.SUPPRESS: Outcome.SUPPRESSED,
    Event.CANCEL: Outcome.CANCELLED,
    Event.OUTDATE: Outcome.STALE,
    Event.CAP: Outcome.CAPPED,
}


def _hold_back(message: Message, one: Claim, verdict: gates.Stop | gates.Wait) -> Outcome:
    if isinstance(verdict, gates.Stop):
        states.move(mine(one), verdict.event, state_reason=verdict.reason, lease_until=None)
        return _OUTCOME_OF[verdict.event]
    not_before = message.not_before if verdict.until is None else verdict.until
    states.move(mine(one), Event.POSTPONE, state_reason=verdict.reason, lease_until=None, not_before=not_before)
    return Outcome.POSTPONED

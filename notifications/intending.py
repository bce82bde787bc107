"""The last moment before a hand-over: check once more that messages may be sent and commit the decision, for many in
one transaction. Nothing may be handed over before intend_all() has returned it.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, DateField, F, JSONField, QuerySet, prefetch_related_objects
from django.db.models.functions import Cast, Now

from core import clock
from notifications import attempts, composing, gates, holding, last_look, pausing, states, suppression
from notifications.intents import Claim, Intent, Outcome
from notifications.mail_crowd import Crowd
from notifications.models import MailVersion, Message, MessageState, Rule
from notifications.providers.base import Mail, Provider
from notifications.sender import mailboxes
from notifications.states import Event

logger = logging.getLogger("preempt.sending")

Decision = Intent | Outcome

# What no mail says and nothing is decided by: a third of the columns, of which each costs as much as a fact.
_UNREAD = (
    *("dedupe_key", "arm", "state_reason", "eligible_at", "not_before", "sent_at", "lease_until", "retry_after"),
    *("provider", "provider_msg_id", "mailbox", "created_at", "customer__as_of", "customer__external_id"),
    *(f"episode__shipment__{name}" for name in ("despatch_id", "numbered_as_of", "check_at")),
    *(f"episode__shipment__order__{name}" for name in ("as_of", "promised_as_of", "lookup_key", "external_id")),
)


def intend(one: Claim, *, provider: Provider) -> Decision:
    """The intent of one message, or why there is none."""
    return _together([one], provider)[one.message_id]


def intend_all(claims: Sequence[Claim], *, provider: Provider) -> dict[uuid.UUID, Decision]:
    """intend() for many messages in one transaction.

    Where anything of ours breaks, none of it is kept and each is taken alone: the one that broke it keeps its claim
    until its lease runs out (Outcome.FAILED), and the others go on.
    """
    try:
        decided = _together(claims, provider)
    except Exception:
        decided = {}
        if len(claims) > 1:
            logger.exception("no intents together; each is tried alone", extra={"messages": len(claims)})
    for one in claims:
        if one.message_id not in decided:
            decided[one.message_id] = _alone(one, provider)
    return decided


def _alone(one: Claim, provider: Provider) -> Decision:
    try:
        return intend(one, provider=provider)
    except Exception:
        # A fault of ours with one message must not stop the others. Its lease runs out, and then it is settled:
        # tried again, since nothing was sent, until it expires.
        logger.exception("no intent", extra={"message_id": str(one.message_id)})
        return Outcome.FAILED


def _together(claims: Sequence[Claim], provider: Provider) -> dict[uuid.UUID, Decision]:
    """What was decided, committed. Of several, those whose row somebody else holds are left out."""
    began, shift = time.monotonic(), clock.shift()
    with transaction.atomic():
        # Story time by the database's clock, here too: a worker's own may be wrong.
        now = shift + holding.lock(is_shared=True)
        # Before the messages' rows; see suppression.lock_person.
        suppression.lock_people({one.person for one in claims})
        messages, decided = _locked(claims)
        crowd = Crowd([message.episode.shipment for message in messages])
        verdicts = last_look.verdicts(messages, crowd, now=now)
        decided |= _hold_back((message, verdicts[message.pk]) for message in messages)
        left = [message for message in messages if verdicts[message.pk] is None]
        mails = _compose(left, crowd)
        decided |= {message.pk: Outcome.FAILED for message in left if message.pk not in mails}
        longest = provider.capabilities.timeout_seconds
        admitted = pausing.admit(provider.name, len(mails), longest=longest) if mails else 0
        going = [message for message in left if message.pk in mails]
        decided |= _give_back(going[admitted:])
        _record(going[:admitted], mails, provider)
        epochs = {one.message_id: one for one in claims}
        for message in going[:admitted]:
            mail = mails[message.pk]
            decided[message.pk] = Intent(epochs[message.pk], mail.attempt, message.attempts + 1, mail, began)
    return decided


def _locked(claims: Sequence[Claim]) -> tuple[list[Message], dict[uuid.UUID, Decision]]:
    """The messages that are still these claims', with all that the decision needs, in the order of the claims.

    Of several, a row that somebody holds is not waited for: who waits while holding others could be waited for in turn.
    """
    epochs = {one.message_id: one.epoch for one in claims}
    rows = Message.objects.filter(pk__any_of=epochs, state=MessageState.CLAIMED)
    held = rows.select_for_update(of=("self",), skip_locked=len(claims) > 1)
    found = {
        message.pk: message
        for message in held.select_related("customer", "episode__shipment__order").defer(*_UNREAD)
        if message.lease_epoch == epochs[message.pk]
    }
    rules = Rule.objects.in_bulk({message.rule_id for message in found.values()})  # one for many
    tried = {message.mail_version_id for message in found.values() if message.mail_version_id}
    versions = MailVersion.objects.in_bulk(tried) if tried else {}
    for message in found.values():
        message.rule = rules[message.rule_id]
        if message.mail_version_id:
            message.mail_version = versions[message.mail_version_id]
        message.episode.shipment.order.customer = message.customer
    if hit := [message.episode for message in found.values() if message.episode.incident_id]:
        prefetch_related_objects(hit, "incident__texts")  # one text for all whom an incident hit
    gone = {} if len(claims) > 1 else {one.message_id: Outcome.TAKEN_BACK for one in claims if not found}
    return [found[one.message_id] for one in claims if one.message_id in found], dict(gone)


def _compose(messages: Sequence[Message], crowd: Crowd) -> dict[uuid.UUID, Mail]:
    """The mails, each with the number of its attempt. A message that cannot be made into one has failed."""
    last = attempts.last_of([message.pk for message in messages])
    mails: dict[uuid.UUID, Mail] = {}
    with composing.many(messages):
        for message in messages:
            try:
                mails[message.pk] = composing.compose(message, attempt=1 + last[message.pk], crowd=crowd)
            except composing.CannotCompose as error:
                logger.error("cannot compose", extra={"message_id": str(message.pk), "why": str(error)})
                states.move(_rows([message]), Event.FAIL, state_reason=str(error)[:200], lease_until=None)
    return mails


def _give_back(messages: Sequence[Message]) -> dict[uuid.UUID, Decision]:
    """The provider takes nothing at present. They count for the cap already."""
    if messages:
        states.move(_rows(messages), Event.GIVE_BACK, lease_until=None, counted_on=_counted_on(messages))
    return {message.pk: Outcome.PAUSED for message in messages}


def _record(messages: Sequence[Message], mails: dict[uuid.UUID, Mail], provider: Provider) -> None:
    if not messages:
        return
    attempts.begin([(message.pk, mails[message.pk].attempt) for message in messages], provider=provider.name)
    # The lease covers the guard's patience and then the longest request.
    lease = timedelta(seconds=settings.SEND_LEASE_SECONDS + provider.capabilities.timeout_seconds)
    versions = {message.pk: str(message.mail_version_id) for message in messages}
    mailbox = {message.pk: mailboxes.group_of(mails[message.pk].to_address) for message in messages}
    states.move(
        _rows(messages),
        Event.INTEND,
        lease_until=Now() + lease,
        attempts=F("attempts") + 1,
        counted_on=_counted_on(messages),
        provider=provider.name,
        state_reason="",
        mailbox=states.each(mailbox),
        mail_version=Cast(states.each(versions), BigIntegerField()),
        asserted=_asserted(messages),
    )


def _counted_on(messages: Sequence[Message]) -> Cast:
    days = {message.pk: message.counted_on.isoformat() if message.counted_on else None for message in messages}
    return Cast(states.each(days), DateField())


def _asserted(messages: Sequence[Message]) -> Cast:
    """With the day that the mail names, where it names one."""
    return Cast(states.each({message.pk: json.dumps(message.asserted) for message in messages}), JSONField())


def _rows(messages: Iterable[Message]) -> QuerySet[Message]:
    """Locked by _locked(), so that they are this worker's until the transaction ends."""
    return Message.objects.filter(pk__any_of=[message.pk for message in messages])


_OUTCOME_OF = {
    Event.SUPPRESS: Outcome.SUPPRESSED,
    Event.CANCEL: Outcome.CANCELLED,
    Event.OUTDATE: Outcome.STALE,
    Event.CAP: Outcome.CAPPED,
}


def _hold_back(judged: Iterable[tuple[Message, last_look.Verdict]]) -> dict[uuid.UUID, Decision]:
    """Write down what was decided on those that do not go, all that have the same reason at once."""
    alike: dict[gates.Stop | gates.Wait, list[Message]] = defaultdict(list)
    for message, verdict in judged:
        if verdict is not None:
            alike[verdict].append(message)
    decided: dict[uuid.UUID, Decision] = {}
    for verdict, messages in alike.items():
        outcome = _stop(verdict, messages) if isinstance(verdict, gates.Stop) else _wait(verdict, messages)
        decided |= dict.fromkeys((message.pk for message in messages), outcome)
    return decided


def _stop(verdict: gates.Stop, messages: Sequence[Message]) -> Outcome:
    states.move(_rows(messages), verdict.event, state_reason=verdict.reason, lease_until=None)
    return _OUTCOME_OF[verdict.event]


def _wait(verdict: gates.Wait, messages: Sequence[Message]) -> Outcome:
    until = {} if verdict.until is None else {"not_before": verdict.until}
    states.move(_rows(messages), Event.POSTPONE, state_reason=verdict.reason, lease_until=None, **until)
    return Outcome.POSTPONED

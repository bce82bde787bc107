"""One message out: claim, intent, guard, request, outcome.

Nothing here trusts the worker to live on: what it holds runs out by the database's clock, and settling.py takes over.
"""

from __future__ import annotations

import functools
import logging
import os
import time
import uuid
from collections.abc import Collection, Sequence, Set
from concurrent import futures
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from core import clock
from notifications import answers, buckets, holding, intending, pausing, states
from notifications.intents import Claim, Intent, Outcome
from notifications.models import Message, MessageState, Rule
from notifications.providers.base import Accepted, BatchProvider, DeliveryError, Fate, Mail, Provider
from notifications.states import Event

logger = logging.getLogger("preempt.sending")

FINISH_WITHIN = 0.01  # seconds that the first answer of a group waits for others
MOST_THREADS = 32


class Dry(Exception):
    """The provider's tokens are used up. `wait`: seconds until there is one for this lane."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"no tokens for {wait:.3f} s")
        self.wait = wait


def claim(lane: str, *, limit: int, provider: Provider, held: Set[str] | None = None) -> list[Claim]:
    """Take up to `limit` ready messages of a lane, oldest first. None while the provider or the lane is paused.

    Raises Dry where there would be some, but the provider has been handed as many as it may be. `held`: what ops hold,
    by who has just asked for that, and whether the provider is paused. (The intents ask again, and theirs counts.)
    """
    if held is None:
        held = holding.held()
        if pausing.is_paused(provider.name):
            return []
    if held & {holding.ALL, holding.lane_scope(lane)}:
        return []
    rate = settings.MAIL_RATE_PER_SECOND
    with transaction.atomic():
        ids = _due(lane, held_rules=holding.rules_in(held), limit=limit)
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
            Message.objects.filter(pk__any_of=ids),
            Event.CLAIM,
            lease_until=Now() + timedelta(seconds=settings.SEND_LEASE_SECONDS),
            lease_epoch=F("lease_epoch") + 1,
        )
        claimed = Message.objects.filter(pk__any_of=ids).order_by("not_before", "pk")
        return [Claim(*row) for row in claimed.values_list("pk", "lease_epoch", "person")]


def _due(lane: str, *, held_rules: Collection[str], limit: int) -> list[uuid.UUID]:
    """Ready messages of a lane that nobody else is taking, oldest first; their rows are locked.

    Where a rule is held, the others are asked one after the other, that with the oldest message first: what is held
    may be a million messages, and an index can step over them only so.
    """
    due = Message.objects.filter(
        Q(retry_after=None) | Q(retry_after__lte=Now()),
        lane=lane,
        state=MessageState.READY,
        # Story time, by the database's clock: a worker whose own clock is wrong sends nothing early or late.
        not_before__lte=Now() + clock.shift(),
    ).order_by("not_before", "pk")
    if not held_rules:
        return _lock_free(due, limit)
    oldest = {}
    for rule in Rule.objects.exclude(key__in=held_rules).values_list("pk", flat=True):
        if (first := due.filter(rule=rule).values_list("not_before", flat=True).first()) is not None:
            oldest[rule] = first
    ids: list[uuid.UUID] = []
    for rule in sorted(oldest, key=oldest.__getitem__):
        ids += _lock_free(due.filter(rule=rule), limit - len(ids))
        if len(ids) == limit:
            break
    return ids


def _lock_free(due: QuerySet[Message], limit: int) -> list[uuid.UUID]:
    return list(due.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)[:limit])


def give_back(claims: Sequence[Claim]) -> None:
    """Make claimed messages ready again at once: this worker will not send them."""
    epochs = {one.message_id: one.epoch for one in claims}
    with transaction.atomic():
        # Who holds one of them takes it back, or its lease runs out.
        rows = Message.objects.filter(pk__any_of=epochs).select_for_update(skip_locked=True, of=("self",))
        ours = [pk for pk, epoch in rows.values_list("pk", "lease_epoch") if epoch == epochs[pk]]
        states.move(Message.objects.filter(pk__any_of=ours), Event.GIVE_BACK, lease_until=None)


def send(one: Claim, *, provider: Provider) -> Outcome:
    """Send one claimed message, at most once, and record what became of it."""
    decision = intending.intend(one, provider=provider)
    if isinstance(decision, Outcome):
        return decision
    return _finish([(decision, _post(decision, provider))], provider)[0]


def send_each(claims: Sequence[Claim], *, provider: Provider) -> list[Outcome]:
    """Send claimed messages in a request each, all under way at once; one outcome each, in no order.

    What a kill -9 leaves unknown is at most these. They are intended together; the answers are written down as they
    come, those of FINISH_WITHIN seconds together.
    """
    decisions = intending.intend_all(claims, provider=provider)
    outcomes = [one for one in decisions.values() if isinstance(one, Outcome)]
    intents = [one for one in decisions.values() if not isinstance(one, Outcome)]
    if len(intents) == 1:
        return outcomes + _finish([(intents[0], _post(intents[0], provider))], provider)
    waiting = {_threads().submit(_post, intent, provider): intent for intent in intents}
    while waiting:
        futures.wait(waiting, return_when=futures.FIRST_COMPLETED)
        done, _ = futures.wait(waiting, timeout=FINISH_WITHIN)
        outcomes += _finish([(waiting.pop(one), one.result()) for one in done], provider)
    return outcomes


Answer = Accepted | DeliveryError | None


def _post(intent: Intent, provider: Provider) -> Answer:
    """The one request. None where this process has slept, and there was none. Touches no database: threads call it."""
    if _has_slept(intent):
        return None
    try:
        return provider.deliver(intent.mail)
    except DeliveryError as error:
        return error
    except Exception as error:
        # A fault of ours amid the request: whether the provider has the mail, nobody can tell.
        logger.exception("the request broke", extra={"message_id": str(intent.claim.message_id)})
        return DeliveryError(f"{type(error).__name__} amid the request", fate=Fate.UNKNOWN)


def _finish(answered: Sequence[tuple[Intent, Answer]], provider: Provider) -> list[Outcome]:
    """Write down what became of these; one outcome each, in no order."""
    accepted = [(intent, answer) for intent, answer in answered if isinstance(answer, Accepted)]
    outcomes = answers.accepted(accepted, provider=provider)
    for intent, answer in answered:
        if answer is None:
            outcomes.append(answers.slept(intent))
        elif isinstance(answer, DeliveryError):
            outcomes.append(answers.failed(intent, answer, provider=provider))
    return outcomes


@functools.cache
def _threads_of(pid: int) -> futures.ThreadPoolExecutor:
    return futures.ThreadPoolExecutor(max_workers=MOST_THREADS, thread_name_prefix="sending")


def _threads() -> futures.ThreadPoolExecutor:
    return _threads_of(os.getpid())  # a forked worker has none of its parent's threads


def send_together(claims: Sequence[Claim], *, provider: BatchProvider, most: int) -> list[Outcome]:
    """Send claimed messages in requests of at most `most`; one outcome each, in no order.

    Each has its own intent and attempt. A request that is refused, or too large, took none of its mails: it is halved
    until the one that the provider does not want stands alone, in the same attempts.
    """
    decisions = intending.intend_all(claims, provider=provider)
    outcomes = [one for one in decisions.values() if isinstance(one, Outcome)]
    intents = {one.mail.message_id: one for one in decisions.values() if not isinstance(one, Outcome)}
    groups = [
        group[at : at + most]
        for group in provider.together([intent.mail for intent in intents.values()])
        for at in range(0, len(group), most)
    ]
    while groups:
        # Of several texts there are several requests; what is halved goes out in the next round.
        asked = [[intents[mail.message_id] for mail in mails] for mails in groups]
        if len(groups) == 1:
            answered = [_post_many(asked[0], groups[0], provider)]
        else:
            answered = list(_threads().map(_post_many, asked, groups, [provider] * len(groups)))
        halves: list[list[Mail]] = []
        done: list[tuple[Intent, Answer]] = []
        for group, mails, answer in zip(asked, groups, answered, strict=True):
            if isinstance(answer, DeliveryError) and answer.permanent and len(mails) > 1:
                halves += [mails[: len(mails) // 2], mails[len(mails) // 2 :]]
            elif isinstance(answer, DeliveryError):
                outcomes += answers.failed_together(group, answer, provider=provider)
            else:
                done += [(intent, answer) for intent in group]
        outcomes += _finish(done, provider)
        groups = halves
    return outcomes


def _post_many(group: Sequence[Intent], mails: list[Mail], provider: BatchProvider) -> Answer:
    """As _post(), one request for all of them."""
    if any(_has_slept(intent) for intent in group):
        return None
    try:
        return provider.deliver_many(mails)
    except DeliveryError as error:
        return error
    except Exception as error:
        logger.exception("the request broke", extra={"messages": len(mails)})
        return DeliveryError(f"{type(error).__name__} amid the request", fate=Fate.UNKNOWN)


def _has_slept(intent: Intent) -> bool:
    """Whether this process was stopped or swapped out: then its lease may not last for a request any more."""
    return time.monotonic() - intent.began > settings.SEND_LEASE_SECONDS

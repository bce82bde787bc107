"""The life of an incident: prepared, confirmed with a frozen audience, planned in batches, over.

The audience are episodes, one an order, made in the transaction that confirms. What is planned and what not is told by
them alone: an episode without a message and without a reason waits for its turn. A worker that dies in the middle of a
batch leaves the batch undone, and whoever comes next does it; the dedupe key of a message names incident and person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Min

from core import audit, clock, erasure
from core.commits import after_commit
from notifications import audience, doorbell, holding, incident_texts, planning
from notifications.audience import Wish
from notifications.models import (
    UNDER_WAY,
    Arm,
    Episode,
    EpisodeKind,
    Incident,
    IncidentState,
    Lane,
    Message,
    MessageState,
    Rule,
    Skip,
    SkipReason,
)

BATCH = 500  # orders in one transaction
TEMPLATE = "incident"  # the mail into which the words are put
OVER = "the incident is over"


class NotReady(Exception):
    """It cannot be confirmed. The text says what is missing."""


class Frozen(Exception):
    """It was confirmed: whom it goes to cannot change any more."""


def prepare(
    *, name: str, wish: Wish, began_at: datetime, by: User, next_update_at: datetime | None = None, holdout: float = 0.0
) -> Incident:
    """A new one, for nobody yet."""
    with transaction.atomic():
        made = Incident.objects.create(
            name=name, wish=wish.told(), began_at=began_at, next_update_at=next_update_at, holdout_share=holdout,
            made_at=clock.now(), made_by=by,
        )  # fmt: skip
        audit.record(by, "incident.prepared", made, wish=wish.told())
    return made


def choose(incident: Incident, wish: Wish, *, by: User, holdout: float) -> None:
    """Another audience. Raises Frozen where it was confirmed."""
    with transaction.atomic():
        drafts = Incident.objects.filter(pk=incident.pk, state=IncidentState.DRAFT)
        if not drafts.update(wish=wish.told(), holdout_share=holdout):
            raise Frozen("The audience was frozen when the incident was confirmed.")
        audit.record(by, "incident.audience_chosen", incident, wish=wish.told(), holdout=holdout)


def promise(incident: Incident, at: datetime | None, *, by: User, now: datetime) -> None:
    """Another moment by which we write again; mails that go out from now on name it. Raises NotReady for one that has
    passed, or for an incident that is over."""
    if at is not None and at <= now:
        raise NotReady("That moment has passed. Name one that is ahead.")
    with transaction.atomic():
        open_ones = Incident.objects.filter(pk=incident.pk).exclude(state=IncidentState.CLOSED)
        if not open_ones.update(next_update_at=at, told_overdue_at=None):
            raise NotReady("The incident is over: nothing is owed any more.")
        before = incident.next_update_at.isoformat() if incident.next_update_at else None
        audit.record(
            by, "incident.update_promised", incident, before=before, next_update_at=at.isoformat() if at else None
        )


def discard(incident: Incident, *, by: User) -> None:
    """Throw away one that nobody was written to about. Raises Frozen where it was confirmed."""
    with transaction.atomic():
        audit.record(by, "incident.discarded", incident)
        gone, _of = Incident.objects.filter(pk=incident.pk, state=IncidentState.DRAFT).delete()
        if not gone:
            raise Frozen("It was confirmed, so it stays on record. Say that it is over instead.")


def confirm(
    incident: Incident, *, by: User, now: datetime, expected: int | None = None, enqueue: Callable[[int], object]
) -> int:
    """Freeze the audience and begin. `expected` is the number that was shown: with another one nothing begins.

    Raises NotReady. Returns how many orders it is; 0 where somebody else was quicker.
    """
    with transaction.atomic():
        # Nobody is erased between the look at the audience and its freezing.
        erasure.lock_shared()
        row = Incident.objects.select_for_update().get(pk=incident.pk)
        if row.state != IncidentState.DRAFT:
            return 0
        wish = Wish.of(row)
        if not wish.is_narrow:
            raise NotReady("Choose whom it hits: at least a carrier, a country, a day, a state or a trouble.")
        if problems := incident_texts.missing(row):
            raise NotReady(problems)
        row.rule = Rule.objects.create(
            key=f"incident-{row.pk}", name=f"Incident: {row.name}"[:120], kind=EpisodeKind.INCIDENT, template=TEMPLATE,
            lane=Lane.CAMPAIGN, holdout_share=row.holdout_share,
        )  # fmt: skip
        row.audience = _freeze(row, wish, now=now)
        if not row.audience:
            raise NotReady("Nobody is hit: no order fits the filter.")
        if expected is not None and expected != row.audience:
            raise NotReady(f"The audience has changed: it is {row.audience} orders now. Look at it and confirm again.")
        row.state, row.confirmed_at, row.confirmed_by = IncidentState.RUNNING, now, by
        row.save(update_fields=["rule", "audience", "state", "confirmed_at", "confirmed_by"])
        audit.record(by, "incident.confirmed", row, orders=row.audience)
        after_commit(partial(enqueue, row.pk))
    return row.audience


def _freeze(incident: Incident, wish: Wish, *, now: datetime) -> int:
    count = 0
    rows = audience.parcels(wish).select_related("order").iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        Episode.objects.bulk_create(
            Episode(
                shipment=one, kind=EpisodeKind.INCIDENT, incident=incident, opened_at=now,
                promised_by=one.order.promised_deliver_by or one.order.promised_ship_by or one.order.placed_at,
            )
            for one in batch
        )  # fmt: skip
        count += len(batch)
    return count


def plan(pk: int, *, now: datetime) -> int:
    """Plan what is left of a confirmed incident, batch by batch. Returns how many orders that were."""
    planned = 0
    while batch := _plan_batch(pk, now=now):
        planned += batch
    return planned


def _plan_batch(pk: int, *, now: datetime) -> int:
    with transaction.atomic():
        erasure.lock_shared()
        # One worker at a time; closing waits for the batch, and the next one finds it closed.
        incident = Incident.objects.select_for_update(of=("self",)).select_related("rule").get(pk=pk)
        if incident.state != IncidentState.RUNNING:
            return 0
        waiting = Episode.objects.filter(incident=incident, messages=None, skips=None)
        episodes = list(waiting.select_related("shipment__order__customer").order_by("pk")[:BATCH])
        if not episodes:
            Incident.objects.filter(pk=pk).update(state=IncidentState.PLANNED)
            return 0
        messages, skips = _divide(incident, episodes, now=now)
        Message.objects.bulk_create(messages)
        Skip.objects.bulk_create(skips)
        if any(message.state == MessageState.READY for message in messages):
            doorbell.ring(Lane.CAMPAIGN)
    return len(episodes)


def _divide(incident: Incident, episodes: Sequence[Episode], *, now: datetime) -> tuple[list[Message], list[Skip]]:
    keys = {one.pk: _dedupe_key(incident, one.shipment.order.customer.person) for one in episodes}
    told = set(Message.objects.filter(dedupe_key__in=set(keys.values())).values_list("dedupe_key", flat=True))
    messages, skips = [], []
    for episode in episodes:
        person, key = episode.shipment.order.customer.person, keys[episode.pk]
        if not person or key in told:
            reason = SkipReason.TOLD_ALREADY if person else SkipReason.NO_ADDRESS
            skips.append(Skip(episode=episode, rule=incident.rule, reason=reason, at=now))
            continue
        told.add(key)
        messages.append(_message(incident, episode, key=key, now=now))
    return messages, skips


def _message(incident: Incident, episode: Episode, *, key: str, now: datetime) -> Message:
    assert incident.rule is not None  # noqa: S101  the row's CHECK
    customer = episode.shipment.order.customer
    is_held_out = audience.is_held_out(incident, customer.person)
    return Message(
        dedupe_key=key, rule=incident.rule, episode=episode, customer=customer, person=customer.person,
        arm=Arm.HELD_OUT if is_held_out else Arm.NOTIFY, lane=Lane.CAMPAIGN,
        state=MessageState.HELD_OUT if is_held_out else MessageState.READY, locale=customer.locale,
        asserted={"kind": EpisodeKind.INCIDENT.value, "state": incident.wish.get("state", "")},
        eligible_at=now, not_before=now, expires_at=now + planning.GOOD_FOR,
    )  # fmt: skip


def _dedupe_key(incident: Incident, person: str) -> str:
    """One message a person, however many of their orders are hit."""
    return hashlib.sha256(f"incident|{incident.pk}|{person}|{planning.CHANNEL}".encode()).hexdigest()


def close(incident: Incident, *, by: User, now: datetime) -> int:
    """It is over: what still waits is not sent. Returns how many messages were taken back."""
    with transaction.atomic():
        row = Incident.objects.select_for_update(of=("self",)).select_related("rule").get(pk=incident.pk)
        if row.state not in UNDER_WAY or row.rule is None:
            return 0
        row.state, row.ended_at = IncidentState.CLOSED, now
        row.save(update_fields=["state", "ended_at"])
        Rule.objects.filter(pk=row.rule.pk).update(is_active=False)
        Episode.objects.filter(incident=row, closed_at=None).update(closed_at=now, close_reason=OVER)
        taken_back = holding.cancel_rule(row.rule, by=by)
        audit.record(by, "incident.closed", row, taken_back=taken_back)
    return taken_back


@dataclass(frozen=True)
class Progress:
    """Where each order of the audience stands: the numbers add up to it."""

    audience: int
    waits: int  # not planned yet
    skipped: tuple[tuple[str, int], ...]  # by SkipReason
    messages: tuple[tuple[str, int], ...]  # by MessageState
    not_before: datetime | None  # when the first of those that wait may go out, where that is ahead

    @property
    def planned(self) -> int:
        return self.audience - self.waits


def progress(incident: Incident) -> Progress:
    """How far it is."""
    skipped = Skip.objects.filter(episode__incident=incident).values_list("reason").annotate(n=Count("pk"))
    messages = Message.objects.filter(episode__incident=incident).values_list("state").annotate(n=Count("pk"))
    told = sorted(skipped.order_by()), sorted(messages.order_by())
    waits = incident.audience - sum(n for rows in told for _, n in rows)
    ready = Message.objects.filter(episode__incident=incident, state=MessageState.READY)
    first = ready.aggregate(first=Min("not_before"))["first"]
    ahead = first if first and first > clock.now() else None
    return Progress(incident.audience, waits, tuple(told[0]), tuple(told[1]), ahead)


def unplanned() -> list[int]:
    """Those that nobody may be at: the broker lost the task, or a worker died."""
    return list(Incident.objects.filter(state=IncidentState.RUNNING).order_by("pk").values_list("pk", flat=True))

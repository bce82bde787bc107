"""Opens and closes episodes, and plans their messages, for the parcels whose moment has come."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from notifications import delays, doorbell, planning, tracking
from notifications.delays import Delay, DelayKind
from notifications.models import Episode, Message, MessageState, Rule, Shipment

logger = logging.getLogger("preempt.episodes")
BATCH = 200  # shipments in one transaction


@dataclass
class Swept:
    """What one sweep did."""

    looked_at: int = 0
    opened: int = 0
    closed: int = 0
    planned: int = 0  # messages to be sent
    held_out: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # by SkipReason

    def __iadd__(self, other: Swept) -> Swept:
        for name in ("looked_at", "opened", "closed", "planned", "held_out"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.skipped += other.skipped
        return self


def sweep(*, now: datetime) -> Swept:
    """Look at every shipment whose check_at has come, batch by batch. Several sweeps may run at once."""
    swept = Swept()
    while (batch := _sweep_batch(now=now)).looked_at:
        swept += batch
    if swept.opened or swept.closed:
        logger.info(
            "swept",
            extra={
                "opened": swept.opened,
                "closed": swept.closed,
                "planned": swept.planned,
                "held_out": swept.held_out,
                "skipped": dict(swept.skipped),
            },
        )
    return swept


@transaction.atomic
def _sweep_batch(*, now: datetime) -> Swept:
    shipments = list(
        Shipment.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("order__customer")
        .filter(check_at__lte=now)
        .order_by("check_at", "pk")[:BATCH]
    )
    swept = Swept(looked_at=len(shipments))
    if not shipments:
        return swept
    known: dict[int, list[Episode]] = defaultdict(list)
    for episode in Episode.objects.filter(shipment__in=shipments):
        known[episode.shipment_id].append(episode)
    new: list[tuple[Episode, Delay]] = []
    for shipment in shipments:
        facts = tracking.facts_of(shipment)
        swept.closed += _close(known[shipment.pk], facts, now=now)
        seen = {(episode.kind, episode.promised_by) for episode in known[shipment.pk]}
        for delay in delays.find_delays(facts, now=now):
            if (delay.kind, delay.promised_by) not in seen:
                episode = Episode(shipment=shipment, kind=delay.kind, promised_by=delay.promised_by, opened_at=now)
                new.append((episode, delay))
        shipment.check_at = delays.next_check(facts, now=now)
    _plan(_open(new), swept, now=now)
    Shipment.objects.bulk_update(shipments, ["check_at"])
    return swept


def _close(episodes: Sequence[Episode], facts: delays.ParcelFacts, *, now: datetime) -> int:
    closed = 0
    for episode in episodes:
        if episode.closed_at is not None:
            continue
        why = delays.why_closed(facts, DelayKind(episode.kind), episode.promised_by, now=now)
        if why is not None:
            episode.closed_at, episode.close_reason = now, why
            episode.save(update_fields=["closed_at", "close_reason"])
            closed += 1
    return closed


def _open(new: Sequence[tuple[Episode, Delay]]) -> list[tuple[Episode, Delay]]:
    """Store new episodes. The shipment's lock keeps others out; the constraints stand behind it."""
    Episode.objects.bulk_create([episode for episode, _ in new])
    return list(new)


def _plan(opened: Sequence[tuple[Episode, Delay]], swept: Swept, *, now: datetime) -> None:
    """Plan the messages of new episodes, in the transaction that opens them (the transactional outbox)."""
    swept.opened = len(opened)
    rules: dict[str, list[Rule]] = defaultdict(list)
    if opened:
        for rule in Rule.objects.filter(is_active=True).order_by("pk"):
            rules[rule.kind].append(rule)
    messages: list[Message] = []
    for episode, delay in opened:
        about: list[Rule | None] = [*rules[episode.kind]] or [None]
        for one in about:
            planned = planning.plan(episode, delay, one, now=now)
            if isinstance(planned, planning.Skip):
                swept.skipped[planned.reason] += 1
                logger.debug("skipped", extra={"episode": episode.pk, "reason": planned.reason})
            else:
                messages.append(planned)
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    for message in messages:
        swept.held_out += message.state == MessageState.HELD_OUT
        swept.planned += message.state == MessageState.READY
    for lane in {message.lane for message in messages if message.state == MessageState.READY}:
        doorbell.ring(lane)

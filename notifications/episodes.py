"""Opens and closes episodes, and plans their messages, for the parcels whose moment has come."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from core import erasure
from notifications import delays, doorbell, followups, milestones, occasions, planning, watching
from notifications.delays import Delay, DelayKind
from notifications.intake import writing
from notifications.models import Episode, Message, MessageState, Rule, Shipment, Skip
from notifications.occasions import Occasion

logger = logging.getLogger("preempt.episodes")
BATCH = 1000  # shipments in one transaction
# Troubles that may go on after a pause, as the same episode.
_COME_AND_GO = (*delays.SAME_WITHIN, DelayKind.EXPECTED_LATE)


@dataclass
class Swept:
    """What one sweep did."""

    looked_at: int = 0
    opened: int = 0
    reopened: int = 0  # the same trouble again before long: no second message
    closed: int = 0
    planned: int = 0  # messages to be sent
    held_out: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # by SkipReason

    def __iadd__(self, other: Swept) -> Swept:
        for name in ("looked_at", "opened", "reopened", "closed", "planned", "held_out"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.skipped += other.skipped
        return self


def sweep(*, now: datetime) -> Swept:
    """Look at every shipment whose check_at has come, batch by batch. Several sweeps may run at once."""
    swept = Swept()
    while (batch := _sweep_batch(now=now)).looked_at:
        swept += batch
    if swept.opened or swept.reopened or swept.closed:
        logger.info(
            "swept",
            extra={
                "opened": swept.opened,
                "reopened": swept.reopened,
                "closed": swept.closed,
                "planned": swept.planned,
                "held_out": swept.held_out,
                "skipped": dict(swept.skipped),
            },
        )
    return swept


@transaction.atomic
def _sweep_batch(*, now: datetime) -> Swept:
    erasure.lock_shared()
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
    for episode in Episode.objects.filter(shipment__in=shipments, incident=None):
        known[episode.shipment_id].append(episode)
    new: list[tuple[Episode, Delay | Occasion]] = []
    changed: list[Episode] = []
    every = watching.facts_of_many(shipments)
    for shipment in shipments:
        facts = every[shipment.pk]
        troubles = [episode for episode in known[shipment.pk] if episode.kind in occasions.TROUBLES]
        closed = _close(troubles, facts, now=now)
        swept.closed += len(closed)
        changed += closed
        for delay in delays.find_delays(facts, now=now):
            same = _same(troubles, delay)
            if same is None:
                episode = Episode(shipment=shipment, kind=delay.kind, promised_by=delay.promised_by, opened_at=now)
                new.append((episode, delay))
            elif same.closed_at is not None and delay.kind in _COME_AND_GO:
                same.closed_at, same.close_reason = None, ""
                swept.reopened += 1
                changed.append(same)
        shipment.check_at = delays.next_check(facts, now=now)
    writing.update(changed, ["closed_at", "close_reason"])
    new += _moments(shipments, known, every, now=now)
    _plan(_open(new), swept, now=now)
    writing.update(shipments, ["check_at"])
    return swept


def _moments(
    shipments: Sequence[Shipment],
    known: Mapping[int, Sequence[Episode]],
    facts: Mapping[int, delays.ParcelFacts],
    *,
    now: datetime,
) -> list[tuple[Episode, Occasion]]:
    """What else there is to write about, over as it begins. Sets check_at sooner where one is only to come."""
    wanted = occasions.wanted()
    followed = followups.find(shipments, known, facts, wanted=wanted, now=now)
    for shipment in shipments:
        if (look_at := followed.look_at.get(shipment.pk)) is not None:
            shipment.check_at = min(look_at, shipment.check_at or look_at)
    found = [*milestones.find(shipments, known, wanted=wanted), *followed.occasions]
    return [
        (Episode(shipment=shipment, kind=one.kind, promised_by=one.promised_by, opened_at=now, closed_at=now), one)
        for shipment, one in found
    ]


def _close(episodes: Sequence[Episode], facts: delays.ParcelFacts, *, now: datetime) -> list[Episode]:
    """The episodes that are over, marked so and not saved."""
    closed = []
    for episode in episodes:
        if episode.closed_at is not None:
            continue
        why = delays.why_closed(facts, DelayKind(episode.kind), episode.promised_by, now=now)
        if why is not None:
            episode.closed_at, episode.close_reason = now, why
            closed.append(episode)
    return closed


def _same(episodes: Sequence[Episode], delay: Delay) -> Episode | None:
    """The episode that is about this very trouble, the open or the latest of them."""
    found = [
        episode
        for episode in episodes
        if delays.is_same(DelayKind(episode.kind), episode.promised_by, episode.closed_at, delay)
    ]
    return max(found, key=lambda episode: (episode.closed_at is None, episode.opened_at), default=None)


def _open(new: Sequence[tuple[Episode, Delay | Occasion]]) -> list[tuple[Episode, Delay | Occasion]]:
    """Store new episodes. The shipment's lock keeps others out; the constraints stand behind it."""
    Episode.objects.bulk_create([episode for episode, _ in new])
    return list(new)


def _plan(opened: Sequence[tuple[Episode, Delay | Occasion]], swept: Swept, *, now: datetime) -> None:
    """Plan the messages of new episodes, in the transaction that opens them (the transactional outbox)."""
    swept.opened = len(opened)
    rules: dict[str, list[Rule]] = defaultdict(list)
    if opened:
        for rule in Rule.objects.filter(is_active=True).order_by("pk"):
            rules[rule.kind].append(rule)
    messages: list[Message] = []
    skips: list[Skip] = []
    for episode, delay in opened:
        about: list[Rule | None] = [*rules[episode.kind]] or [None]
        for one in about:
            planned = planning.plan(episode, delay, one, now=now)
            if isinstance(planned, planning.Skip):
                swept.skipped[planned.reason] += 1
                skips.append(Skip(episode=episode, rule=one, reason=planned.reason, at=now))
            else:
                messages.append(planned)
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    Skip.objects.bulk_create(skips, ignore_conflicts=True)
    for message in messages:
        swept.held_out += message.state == MessageState.HELD_OUT
        swept.planned += message.state == MessageState.READY
    for lane in {message.lane for message in messages if message.state == MessageState.READY}:
        doorbell.ring(lane)

"""Empties the lanes: claims small batches and sends them. Needs no broker; Celery only says when."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from notifications import doorbell, order_links, pausing, sending
from notifications.models import Lane
from notifications.providers import provider_for_settings
from notifications.providers.base import Provider
from notifications.sending import Claim, Outcome

logger = logging.getLogger("preempt.sending")

LANES = (Lane.URGENT, Lane.NORMAL, Lane.CAMPAIGN)  # the most urgent first
BATCH = 20
# Well under the broker's visibility time-out (120 s): a task that runs longer would be handed to a second worker.
BUDGET = 60.0  # seconds


@dataclass
class Drained:
    """What one drain did, by Outcome, and whether it stopped with work left that could go on at once."""

    outcomes: Counter[str] = field(default_factory=Counter)
    is_more: bool = False

    @property
    def handled(self) -> int:
        return self.outcomes.total()


def drain(lanes: Sequence[str], *, budget: float = BUDGET) -> Drained:
    """Send what is ready in these lanes, the first lane always first, for at most about `budget` seconds.

    The lanes are looked at anew for each batch, so that one urgent message waits for at most one batch of others.
    """
    drained = Drained()
    provider = provider_for_settings()
    ends = time.monotonic() + budget
    while claims := _claim(lanes, provider):
        for place, one in enumerate(claims, start=1):
            outcome = _send(one, provider)
            drained.outcomes[outcome] += 1
            is_late = time.monotonic() > ends
            if is_late or _is_in_trouble(outcome, provider):
                sending.give_back(claims[place:])
                drained.is_more = is_late
                return drained
    return drained


def drain_and_ring(lanes: Sequence[str] = LANES) -> Drained:
    """drain(), and another ring of the doorbell when there was more than one turn's work."""
    drained = drain(lanes)
    order_links.send_waiting()
    if drained.is_more:
        for lane in lanes:
            doorbell.ring(lane)
    return drained


def _claim(lanes: Sequence[str], provider: Provider) -> list[Claim]:
    for lane in lanes:
        if claims := sending.claim(lane, limit=BATCH, provider=provider):
            return claims
    return []


def _send(one: Claim, provider: Provider) -> Outcome:
    try:
        return sending.send(one, provider=provider)
    except Exception:
        # A fault of ours with one message must not stop the others. Its lease runs out, and then it is settled:
        # tried again if nothing was sent, until it expires.
        logger.exception("sending failed", extra={"message_id": str(one.message_id)})
        return Outcome.FAILED


def _is_in_trouble(last: Outcome, provider: Provider) -> bool:
    return last in (Outcome.PAUSED, Outcome.RETRY, Outcome.LOST) and pausing.is_paused(provider.name)

"""Empties the lanes: claims small batches and sends them. Needs no broker; Celery only says when."""

from __future__ import annotations

import contextlib
import gc
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from notifications import doorbell, holding, order_links, pausing, providers, sending
from notifications.intents import Claim, Outcome
from notifications.models import Lane
from notifications.providers.base import BatchProvider, Provider

logger = logging.getLogger("preempt.sending")

LANES = (Lane.URGENT, Lane.NORMAL, Lane.CAMPAIGN)  # the most urgent first
BATCH = 64
NEW_OBJECTS = 50_000  # between two of Python's collections
# Recipients of one request, of a campaign only. Providers take more, but an answer that is lost leaves all unknown.
TOGETHER = 100
REQUESTS = 3  # of a campaign, under way at the same time, their intents committed together
_TROUBLE = frozenset({Outcome.PAUSED, Outcome.RETRY, Outcome.LOST})
TURN = 0.5  # seconds, after which the urgent lane is looked at again
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

    The lanes are looked at anew for each batch, and a batch is broken off after TURN seconds, so that one urgent
    message does not wait for others. Whatever lane was rung for, the urgent one is looked at first: no worker is too
    busy with a campaign for it.
    """
    with _rare_collections():
        return _drain(lanes, budget)


def _drain(lanes: Sequence[str], budget: float) -> Drained:
    drained = Drained()
    lanes = [Lane.URGENT, *(lane for lane in lanes if lane != Lane.URGENT)]
    ends = time.monotonic() + budget
    waves: dict[str, Wave] = {}
    while (provider := _open_provider()) is not None:
        requests = waves.setdefault(f"{provider.name} together", Wave(REQUESTS))
        try:
            lane, claims = _claim(lanes, provider, requests=requests.size)
        except sending.Dry as dry:
            drained.is_more = time.monotonic() > ends
            if drained.is_more:
                break
            time.sleep(min(dry.wait, TURN))
            continue
        if not claims:
            break
        if lane == Lane.CAMPAIGN and isinstance(provider, BatchProvider):
            outcomes = _send_together(claims, provider)
            drained.outcomes.update(outcomes)
            requests.learn(outcomes)
            drained.is_more = time.monotonic() > ends
        else:
            wave = waves.setdefault(provider.name, Wave(provider.capabilities.most_at_once))
            _send_all(claims, provider, drained, ends=ends, wave=wave)
        if drained.is_more:
            break
    return drained


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Python looks for lost circles of objects after each few hundred new ones. A mail is made of hundreds and has none
    of them: looked for that often they cost a seventh of all time.
    """
    before = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _send_all(claims: Sequence[Claim], provider: Provider, drained: Drained, *, ends: float, wave: Wave) -> None:
    """Send these in waves of requests of their own; what is left when the time is up or the provider in trouble is
    ready again at once.
    """
    turn_ends = time.monotonic() + TURN
    left = list(claims)
    while left:
        now, left = left[: wave.size], left[wave.size :]
        outcomes = _send(now, provider)
        drained.outcomes.update(outcomes)
        wave.learn(outcomes)
        drained.is_more = time.monotonic() > ends
        if drained.is_more or time.monotonic() > turn_ends or _is_in_trouble(outcomes, provider):
            sending.give_back(left)
            return


@dataclass
class Wave:
    """How many requests go out at once: one at first and after each trouble, then twice as many each time.

    A provider that fails, or a worker that dies in its first moments, has then few mails of ours in doubt.
    """

    most: int
    size: int = 1

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        is_calm = not _TROUBLE.intersection(outcomes)
        self.size = min(self.most, self.size * 2) if is_calm else 1


def _open_provider() -> Provider | None:
    """The first provider that takes mail at present; None where every one is paused."""
    return next((one for one in providers.chain() if not pausing.is_paused(one.name)), None)


def drain_and_ring(lanes: Sequence[str] = LANES) -> Drained:
    """drain(), and another ring of the doorbell when there was more than one turn's work."""
    drained = drain(lanes)
    order_links.send_waiting()
    if drained.is_more:
        for lane in lanes:
            doorbell.ring(lane)
    return drained


def _claim(lanes: Sequence[str], provider: Provider, *, requests: int) -> tuple[str, list[Claim]]:
    """The next claims of the first lane that has some, and which it is: of a campaign's as many as go in `requests`.

    `provider` has just been found open. Raises sending.Dry where tokens are missing.
    """
    dry: sending.Dry | None = None
    held = holding.held()
    for lane in lanes:
        is_together = lane == Lane.CAMPAIGN and isinstance(provider, BatchProvider)
        limit = _most_together(provider) * requests if is_together else BATCH
        try:
            if claims := sending.claim(lane, limit=limit, provider=provider, held=held):
                return lane, claims
        except sending.Dry as now_dry:
            dry = now_dry if dry is None or now_dry.wait < dry.wait else dry
    if dry is not None:
        raise dry
    return "", []


def _most_together(provider: Provider) -> int:
    return min(TOGETHER, provider.capabilities.most_together)


def _send(claims: Sequence[Claim], provider: Provider) -> list[Outcome]:
    try:
        return sending.send_each(claims, provider=provider)
    except Exception:
        # A fault of ours must not stop the others. The leases of those that were not finished run out, and then each
        # is settled.
        logger.exception("sending failed", extra={"messages": len(claims)})
        return [Outcome.FAILED]


def _send_together(claims: Sequence[Claim], provider: BatchProvider) -> list[Outcome]:
    try:
        return sending.send_together(claims, provider=provider, most=_most_together(provider))
    except Exception:
        logger.exception("sending together failed", extra={"messages": len(claims)})
        return [Outcome.FAILED]


def _is_in_trouble(outcomes: Sequence[Outcome], provider: Provider) -> bool:
    return bool(_TROUBLE.intersection(outcomes)) and pausing.is_paused(provider.name)

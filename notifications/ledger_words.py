"""The ledger in words: why a row has its outcome, and what happened to a message, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from notifications import gates, holding, selectors
from notifications.ledger import Row
from notifications.ledger_outcomes import MEANINGS, Outcome
from notifications.models import (
    Arm,
    DeliveryEvent,
    Message,
    MessageState,
    MessageStep,
    SendAttempt,
    SendingPause,
    SendOutcome,
    Skip,
)

_GOOD, _BAD = "is-good", "is-bad"


def pauses() -> dict[str, str]:
    """What ops hold at present, and why."""
    return dict(SendingPause.objects.values_list("scope", "reason"))


def why(row: Row, held: Mapping[str, str], *, now: datetime) -> str:
    """Why a row has its outcome, or what the outcome means where that is all there is to say. `held`: pauses()."""
    if isinstance(row.thing, Skip):
        return str(row.thing.get_reason_display())
    message = row.thing
    match row.outcome:
        case Outcome.QUIET:
            return f"it is night where the person is; it goes at {_at(message.not_before)}"
        case Outcome.WAITING:
            return _why_waiting(message, held, now=now)
        case Outcome.CAPPED:
            return message.state_reason or gates.ENOUGH
        case Outcome.UNKNOWN:
            return f"{message.state_reason}; we wait for the provider's word"
    return selectors.reason_of(message) or MEANINGS[row.outcome]


def _why_waiting(message: Message, held: Mapping[str, str], *, now: datetime) -> str:
    if message.state == MessageState.CLAIMED:
        return "a worker has taken it; nothing is sent yet"
    if message.state == MessageState.SENDING:
        return "it is being handed to the mail provider"
    for scope in holding.scopes_of(message):
        if scope in held:
            return f"ops hold it: {held[scope]}"
    if message.retry_after is not None and message.attempts:
        return f"tried {_times(message.attempts)}, again from {_at(message.retry_after)}: {message.state_reason}"
    if message.not_before > now:
        return f"not before {_at(message.not_before)}"
    return "its turn comes next"


@dataclass(frozen=True)
class Step:
    """One thing that happened. `tone` is a class of the list of events, or empty."""

    at: datetime
    text: str
    detail: str = ""
    tone: str = ""


def history(message: Message) -> list[Step]:
    """All that happened to a message, in order: planned, put back, handed over, answered, reported, ended.

    Needs its rule and episode at hand. What a worker took and put back shows as it was put back.
    """
    told: list[tuple[datetime, int, Step]] = [
        *((step.at, 2, _moved(step)) for step in message.steps.all()),
        *(one for attempt in message.send_attempts.all() for one in _tried(attempt)),
        *((event.recorded_at, 3, _reported(event)) for event in message.delivery_events.all()),
    ]
    return [_planned(message), *(step for _when, _place, step in sorted(told, key=lambda one: one[:2])), *_now(message)]


def _planned(message: Message) -> Step:
    about = message.episode.get_kind_display()
    if message.arm == Arm.HELD_OUT:
        return Step(message.eligible_at, "Planned, and held out", f"{about}; {selectors.reason_of(message)}")
    return Step(message.eligible_at, "Planned", f"{about}; lane: {message.get_lane_display()}")


def _moved(step: MessageStep) -> Step:
    state, reason = MessageState(step.to_state), step.reason
    if state != MessageState.READY:
        tone = _BAD if state in (MessageState.FAILED, MessageState.UNKNOWN) else ""
        return Step(step.at, str(state.label), selectors.in_words(state, reason), tone)
    until = f"until {_at(step.until)}" if step.until else ""
    match step.from_state:
        case MessageState.CLAIMED if reason in (gates.QUIET, gates.HELD):
            return Step(step.at, f"Taken by a worker and held back {until}".strip(), reason)
        case MessageState.CLAIMED:
            return Step(step.at, "Taken by a worker and given back", "nothing was sent")
        case MessageState.UNKNOWN:
            return Step(step.at, "To be sent again", reason)
    return Step(step.at, f"To be tried again{f', not {until}'.replace('until', 'before') if until else ''}", reason)


def _tried(attempt: SendAttempt) -> Iterable[tuple[datetime, int, Step]]:
    yield attempt.started_at, 0, Step(attempt.started_at, f"Attempt {attempt.n}: handed to {attempt.provider}")
    if attempt.finished_at is None:
        return
    tone = {SendOutcome.ACCEPTED: _GOOD, SendOutcome.NOT_SENT: ""}.get(SendOutcome(attempt.outcome), _BAD)
    text = f"Attempt {attempt.n}: {attempt.get_outcome_display()}"
    yield attempt.finished_at, 1, Step(attempt.finished_at, text, attempt.error or attempt.provider_msg_id, tone)


def _reported(event: DeliveryEvent) -> Step:
    tone = _BAD if event.kind in ("bounced", "dropped", "complained") else _GOOD if event.kind == "delivered" else ""
    return Step(event.at, f"{event.provider} reports: {event.kind}", event.reason, tone)


def _now(message: Message) -> Iterable[Step]:
    """What goes on at this moment and has left no row yet."""
    if message.state == MessageState.CLAIMED and message.lease_until:
        taken_at = message.lease_until - timedelta(seconds=settings.SEND_LEASE_SECONDS)
        yield Step(taken_at, "Taken by a worker", "nothing is sent yet")


def _at(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%-d %b %Y, %H:%M}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"

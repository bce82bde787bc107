"""Ops hold messages, let them go again, and take them back. Nothing that is held is lost or sent twice."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from core import audit
from notifications import doorbell, locks, states
from notifications.models import Lane, Message, MessageState, Rule, SendingPause

ALL = "all"
_LOCK = "sending"
TAKEN_BACK = "taken back by %s"


def lane_scope(lane: str) -> str:
    """What a pause of a lane is filed under."""
    return f"lane:{lane}"


def rule_scope(key: str) -> str:
    """What a pause of a rule is filed under."""
    return f"rule:{key}"


def scopes_of(message: Message) -> tuple[str, str, str]:
    """The pauses that hold a message."""
    return ALL, lane_scope(message.lane), rule_scope(message.rule.key)


def pause(scope: str, *, reason: str, by: User | None, at: datetime) -> bool:
    """Hold what `scope` names. When this has returned no hand-over of it begins; those under way end as they do.

    False where it is held already. Raises ValueError for a scope that there is not, or without a reason.
    """
    if not _is_known(scope):
        raise ValueError(f"there is nothing to hold that is called {scope!r}")
    if not reason.strip():
        raise ValueError("say why: whoever finds the pause tomorrow must know")
    with transaction.atomic():
        # Waits for the intents that are being committed now, and those that come see the row.
        lock(is_shared=False)
        _, is_new = SendingPause.objects.get_or_create(
            scope=scope, defaults={"reason": reason.strip()[:200], "by": by, "at": at}
        )
        if is_new:
            audit.record(by, "sending.paused", None, label=scope, reason=reason.strip()[:200])
    return is_new


def resume(scope: str, *, by: User | None) -> bool:
    """Let go what was held; it goes out as if nothing had been, if it is still true. False where nothing was."""
    with transaction.atomic():
        deleted, _ = SendingPause.objects.filter(scope=scope).delete()
        if deleted:
            audit.record(by, "sending.resumed", None, label=scope)
            for lane in Lane.values:
                doorbell.ring(lane)
    return bool(deleted)


def cancel(message: Message, *, by: User) -> bool:
    """Take back a message that waits. False where it is too late: it is with the provider, or may be."""
    return bool(_cancel(Message.objects.filter(pk=message.pk), by=by, target=message, label=str(message.pk)))


def cancel_rule(rule: Rule, *, by: User) -> int:
    """Take back all that waits of a rule. Returns how many."""
    return _cancel(Message.objects.filter(rule=rule), by=by, target=rule, label=rule.key)


def _cancel(messages: QuerySet[Message], *, by: User, target: Message | Rule, label: str) -> int:
    with transaction.atomic():
        moved = states.move(
            messages, states.Event.CANCEL, state_reason=(TAKEN_BACK % by.get_username())[:200], lease_until=None
        )
        if moved:
            audit.record(by, "message.cancelled", target, label=label, count=moved)
    return moved


def held() -> set[str]:
    """The scopes that are held at present."""
    return set(SendingPause.objects.values_list("scope", flat=True))


def is_held(message: Message, scopes: Collection[str]) -> bool:
    """Whether one of these pauses holds the message."""
    return any(scope in scopes for scope in scopes_of(message))


def holds(scopes: Collection[str]) -> Q | None:
    """The same for the database: which messages these pauses hold; None where none of them is one."""
    if ALL in scopes:
        return Q(pk__isnull=False)
    lanes = [lane for lane in Lane.values if lane_scope(lane) in scopes]
    keys = [scope.partition(":")[2] for scope in scopes if scope.startswith("rule:")]
    rules = list(Rule.objects.filter(key__in=keys).values_list("pk", flat=True)) if keys else []
    return Q(lane__in=lanes) | Q(rule__in=rules) if lanes or rules else None


def lock(*, is_shared: bool) -> datetime:
    """Until the transaction ends: shared by intents, alone for who begins a pause. Returns the database's time."""
    return locks.take(_LOCK, is_shared=is_shared)


def waiting() -> dict[str, int]:
    """How many messages wait in each lane."""
    counts = _waiting_by("lane")
    return {lane: counts.get(lane, 0) for lane in Lane.values}


def waiting_by_rule() -> list[tuple[Rule, int]]:
    """The rules of which messages wait, and how many, most first."""
    counts = _waiting_by("rule")
    rules = Rule.objects.in_bulk(list(counts))
    return sorted(((rules[pk], count) for pk, count in counts.items()), key=lambda one: (-one[1], one[0].name))


def _waiting_by(field: str) -> dict[Any, int]:
    ready = Message.objects.filter(state=MessageState.READY)
    return dict(ready.values_list(field).annotate(count=Count("pk")).order_by())


def _is_known(scope: str) -> bool:
    kind, _, name = scope.partition(":")
    if kind == "rule":
        return Rule.objects.filter(key=name).exists()
    return scope == ALL or (kind == "lane" and name in Lane.values)

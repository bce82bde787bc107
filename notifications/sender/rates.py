"""Bounces and complaints of the last 30 days, by mailbox provider, with their denominators."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import sqrt

from django.db.models import Count

from notifications.models import DeliveryEvent, Message, MessageState
from notifications.providers.base import DeliveryKind
from notifications.sender.mailboxes import GROUPS

DAYS = 30
NEAR, OVER = 0.001, 0.003  # of complaints: Gmail and Yahoo want them under 0.1 %, and never at 0.3 %
_FEWEST = 1 / OVER  # of fewer a single complaint would be over
_Z = 1.959964  # 95 %
_DELIVERED = (MessageState.DELIVERED,)
_HANDED_OVER = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.BOUNCED, MessageState.DROPPED)


class Standing(StrEnum):
    UNDER = "under"
    NEAR = "near"  # 0.1 % or more
    OVER = "over"  # 0.3 % or more
    TOO_FEW = "too_few"  # it may be under 0.1 % as well as over 0.3 %, or one complaint alone would be over


@dataclass(frozen=True)
class Rate:
    """`count` of `of`. `low` and `high`: Wilson's interval at 95 %."""

    count: int
    of: int

    @property
    def share(self) -> float:
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        n, p, z = self.of, self.share, _Z
        middle, spread = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        scale = 1 + z * z / n
        return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)

    @property
    def standing(self) -> Standing:
        low, high = self.interval
        if self.of < _FEWEST or (low < NEAR and high > OVER):
            return Standing.TOO_FEW
        if self.share >= OVER:
            return Standing.OVER
        return Standing.NEAR if self.share >= NEAR else Standing.UNDER


@dataclass(frozen=True)
class Row:
    """One mailbox provider. `complaints` is None where it tells senders nothing, and none has come."""

    key: str
    name: str
    bounces: Rate  # of those handed over
    complaints: Rate | None  # of those delivered


def by_mailbox(*, now: datetime) -> list[Row]:
    """The providers that messages of the last 30 days went to, the largest first; then all of them together.

    A message counts by the day on which it became due. Those handed over by an older version of the program, which did
    not note the provider, are one row.
    """
    lately = Message.objects.filter(eligible_at__gte=now - timedelta(days=DAYS), eligible_at__lte=now)
    states: dict[str, Counter[str]] = defaultdict(Counter)
    for key, state, count in (
        lately.filter(state__in=_HANDED_OVER).order_by().values_list("mailbox", "state").annotate(n=Count("pk"))
    ):
        states[key][state] += count
    complained = DeliveryEvent.objects.filter(kind=DeliveryKind.COMPLAINED.value, message__in=lately)
    counted = complained.order_by().values_list("message__mailbox").annotate(n=Count("message", distinct=True))
    complaints = Counter(dict(counted))
    rows = [_row(key, states[key], complaints[key]) for key in states]
    rows.sort(key=lambda row: (-row.bounces.of, row.name))
    if len(rows) > 1:
        rows.append(_together(rows))
    return rows


def _together(rows: list[Row]) -> Row:
    """All of them; complaints only of those who tell, or the silent ones would make the share look small."""
    told = [row.complaints for row in rows if row.complaints is not None]
    bounces = Rate(sum(row.bounces.count for row in rows), sum(row.bounces.of for row in rows))
    complaints = Rate(sum(rate.count for rate in told), sum(rate.of for rate in told)) if told else None
    return Row("all", "All together", bounces, complaints)


def _row(key: str, states: Counter[str], complained: int) -> Row:
    name = GROUPS[key].name if key in GROUPS else "Not noted (sent by an older version)"
    tells = key not in GROUPS or GROUPS[key].tells_complaints
    delivered = sum(states[state] for state in _DELIVERED)
    rate = Rate(min(complained, delivered), delivered) if tells or complained else None
    return Row(key, name, Rate(states[MessageState.BOUNCED], states.total()), rate)

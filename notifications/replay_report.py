"""What a replay tells: each message, sent or not, at its moment; at the end who was told in time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from statistics import median

from notifications import obligations, selectors
from notifications.models import Message, MessageState, NextUpdate, Order, Shipment, ShipmentState, Skip
from notifications.obligations import Standing
from notifications.occasions import TROUBLES

_SENT = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.BOUNCED, MessageState.DROPPED)


@dataclass(frozen=True)
class Line:
    """What came of one trouble under one rule. `at` is when it was decided, story time."""

    at: datetime
    order: str
    kind: str
    outcome: str


@dataclass
class Summary:
    """Of the orders promised by a day in the span: how many were late, and what their customers heard of it.

    Each late order is in exactly one of `told_before` … `untold`; a message that was sent counts before all else.
    """

    orders: int = 0
    late: int = 0
    told_before: int = 0  # a message went out by the promised moment
    told_after: int = 0  # one went out after it
    held_out: int = 0
    not_sent: int = 0  # a message was made, and was not sent: no longer true, an address not to write to …
    skipped: Counter[str] = field(default_factory=Counter)  # no message was made, by reason
    untold: int = 0  # no trouble was seen, or none that a rule is about
    sent: int = 0  # messages about any order of the source
    sent_in_vain: int = 0  # of these, about orders that came by the promised day all the same
    customers: int = 0  # with a late order
    # Of these, told of trouble with one before the first possible contact: nobody can ask where a parcel is that is not
    # late yet, so that is when the first promise of theirs that was broken passed.
    told_first: int = 0
    told_first_hours: float | None = None  # median of how long before that
    promises: Counter[Standing] = field(default_factory=Counter)  # updates promised in the span, by how they stand


def lines(*, source: str, after: datetime, until: datetime) -> list[Line]:
    """What was decided after one moment, up to and including another, in time order."""
    messages = (
        selectors.messages()
        .filter(episode__shipment__order__source=source, eligible_at__gt=after, eligible_at__lte=until)
        .order_by("eligible_at", "pk")
    )
    skips = Skip.objects.filter(episode__shipment__order__source=source, at__gt=after, at__lte=until).select_related(
        "episode__shipment__order"
    )
    found = [
        *(
            Line(one.eligible_at, one.episode.shipment.order.number, one.episode.kind, _outcome(one))
            for one in messages
        ),
        *(
            Line(one.at, one.episode.shipment.order.number, one.episode.kind, f"skipped: {one.get_reason_display()}")
            for one in skips
        ),
    ]
    return sorted(found, key=attrgetter("at", "order", "kind"))


def summary(*, source: str, start: datetime, end: datetime) -> Summary:
    """What is true at `end` of the orders that were promised from `start` to `end`; cancelled ones do not count."""
    rows = Order.objects.filter(
        source=source, cancelled_at=None, promised_deliver_by__gte=start, promised_deliver_by__lt=end
    ).values_list("pk", "promised_deliver_by", "customer", "customer__person")
    promised = {pk: by for pk, by, _, _ in rows if by is not None}
    whose = {pk: person or str(customer) for pk, _, customer, person in rows}
    late = {pk for pk, came in _arrivals(source).items() if pk in promised and came > promised[pk]}
    sent: dict[int, datetime] = {}
    other: dict[int, set[str]] = defaultdict(set)
    found = Summary(orders=len(promised), late=len(late))
    about = Message.objects.filter(episode__shipment__order__source=source, episode__kind__in=TROUBLES)
    for order, state, at in about.values_list("episode__shipment__order", "state", "sent_at"):
        if state in _SENT and at is not None:
            found.sent += 1
            found.sent_in_vain += order in promised and order not in late
            sent[order] = min(at, sent.get(order, at))
        else:
            other[order].add(state)
    skips = dict(
        Skip.objects.filter(episode__shipment__order__in=late, episode__kind__in=TROUBLES).values_list(
            "episode__shipment__order", "reason"
        )
    )
    for order in late:
        if (at := sent.get(order)) is not None:
            found.told_before += at <= promised[order]
            found.told_after += at > promised[order]
        elif MessageState.HELD_OUT in other[order]:
            found.held_out += 1
        elif other[order]:
            found.not_sent += 1
        elif order in skips:
            found.skipped[skips[order]] += 1
        else:
            found.untold += 1
    ahead = _ahead([(whose[order], promised[order], sent.get(order)) for order in late])
    found.customers, found.told_first = len(ahead), sum(hours is not None for hours in ahead.values())
    told = [hours for hours in ahead.values() if hours is not None]
    found.told_first_hours = median(told) if told else None
    updates = NextUpdate.objects.filter(order__source=source, made_at__gte=start, made_at__lt=end)
    found.promises = Counter(obligations.standing(one, now=end) for one in updates)
    return found


def _ahead(orders: Sequence[tuple[str, datetime, datetime | None]]) -> dict[str, float | None]:
    """Of late orders (customer, promised, told): hours from the first message to the first broken promise, by customer;
    None where they heard nothing, or only then.
    """
    broken: dict[str, datetime] = {}
    told: dict[str, datetime] = {}
    for customer, by, at in orders:
        broken[customer] = min(by, broken.get(customer, by))
        if at is not None:
            told[customer] = min(at, told.get(customer, at))
    return {
        one: (by - told[one]).total_seconds() / 3600 if one in told and told[one] < by else None
        for one, by in broken.items()
    }


def _arrivals(source: str) -> dict[int, datetime]:
    """When the last parcel of each order came, as far as is known; one delivered without a date is left out."""
    never = datetime.max.replace(tzinfo=UTC)
    found: dict[int, datetime] = {}
    for order, state, at in Shipment.objects.filter(order__source=source).values_list("order", "state", "delivered_at"):
        if state == ShipmentState.DELIVERED and at is None:
            continue
        came = at if at is not None else never
        found[order] = max(came, found.get(order, came))
    return found


def _outcome(message: Message) -> str:
    if message.state in _SENT:
        return f"sent: {message.rule.name}"
    if message.state == MessageState.HELD_OUT:
        return "held out"
    why = selectors.reason_of(message)
    return f"not sent: {message.get_state_display()}" + (f" ({why})" if why else "")

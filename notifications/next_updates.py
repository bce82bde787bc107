"""By when a customer hears from us about an order: promised by ops, shown on the order's page, kept or owned up to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from core import audit
from notifications.models import NextUpdate, Order, UpdateEnd


@dataclass(frozen=True)
class Said:
    """The newest word of ours about an order, as its page shows it.

    `due_at` is None once the promise was kept; `is_missed` where the moment passed and nobody has said anything.
    """

    note: str
    made_at: datetime
    due_at: datetime | None
    is_missed: bool


def promise(order: Order, *, due_at: datetime, note: str, by: User | None, now: datetime) -> NextUpdate:
    """Say that the customer hears from us by `due_at`; takes the place of an earlier promise.

    Raises ValueError for a moment that is not ahead.
    """
    if due_at <= now:
        raise ValueError(f"{due_at} is not ahead of {now}")
    with transaction.atomic():
        Order.objects.select_for_update().get(pk=order.pk)  # two at once would both be the open one
        order.next_updates.filter(closed_at=None).update(closed_at=now, end=UpdateEnd.REPLACED, closed_by=by)
        audit.record(by, "order.update_promised", order, label=order.number, due_at=due_at.isoformat())
        return NextUpdate.objects.create(order=order, due_at=due_at, note=note, made_at=now, made_by=by)


def keep(order: Order, *, now: datetime, by: User | None = None) -> bool:
    """Take down that the customer has heard from us, as a colleague says. False where nothing was promised."""
    with transaction.atomic():
        open_one = order.next_updates.filter(closed_at=None)
        if not open_one.update(closed_at=now, end=UpdateEnd.STAFF, closed_by=by):
            return False
        audit.record(by, "order.update_kept", order, label=order.number)
    return True


def said_about(order: Order, *, now: datetime) -> Said | None:
    """What the order's page shows; None where nothing was said, or it was kept and had no note."""
    newest = order.next_updates.first()
    if newest is None or (newest.closed_at is not None and not newest.note):
        return None
    is_open = newest.closed_at is None
    return Said(
        note=newest.note,
        made_at=newest.made_at,
        due_at=newest.due_at if is_open else None,
        is_missed=is_open and newest.due_at <= now,
    )

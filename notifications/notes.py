"""Notes of staff about an order: for colleagues, never for customers, never changed."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from core import audit
from notifications.models import Order, OrderNote

LONGEST = 4000  # letters


def add(order: Order, text: str, *, by: User, now: datetime) -> OrderNote:
    """Write down a note. Raises ValueError for one that is empty or longer than LONGEST."""
    if not (text := text.strip()) or len(text) > LONGEST:
        raise ValueError(f"a note has from 1 to {LONGEST} letters, this one has {len(text)}")
    with transaction.atomic():
        audit.record(by, "order.note_added", order, label=order.number)  # not its text: the log is exported
        return OrderNote.objects.create(order=order, text=text, at=now, by=by)

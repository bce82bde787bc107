"""What notifications tells the rooms above it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.dispatch import Signal


@dataclass(frozen=True)
class VisitorIdentified:
    """A visitor showed who they are, by a signed link or an order look-up."""

    at: datetime
    visitor: str
    person: str
    how: str  # link | lookup


@dataclass(frozen=True)
class OrderPageViewed:
    at: datetime
    visitor: str
    is_returning: bool
    person: str
    order_id: int
    locale: str


visitor_identified = Signal()
order_page_viewed = Signal()

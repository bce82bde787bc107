"""Contacts as their owner knows them -> Event rows, where the border missed one or its reason was corrected since."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from analytics import receivers
from analytics.models import Event, EventKind
from analytics.outcomes import Feed
from contacts import selectors

_AT_ONCE = 2000


def bring_in(*, since: datetime, until: datetime) -> int:
    """Add an event for every contact received in this time that has none, or whose topic is no longer the one that its
    newest event says. Returns how many were added."""
    known = dict(
        Event.objects.filter(kind=EventKind.CONTACT, at__gte=since, at__lt=until)
        .order_by("contact_id", "-id")
        .distinct("contact_id")
        .values_list("contact_id", "topic")
    )
    missed = [fact for fact in selectors.received(since=since, until=until) if known.get(fact.id) != fact.topic]
    Event.objects.bulk_create(
        [
            Event(
                kind=EventKind.CONTACT,
                at=fact.at,
                visitor=UUID(fact.visitor) if fact.visitor else None,
                person=fact.person,
                contact_id=fact.id,
                topic=fact.topic,
                data={"reason": fact.reason, "source": fact.source},
            )
            for fact in missed
        ],
        batch_size=_AT_ONCE,
    )
    for fact in missed:
        if fact.id not in known and fact.visitor and fact.person:
            receivers.tie(UUID(fact.visitor), fact.person, at=fact.at, how="contact")
    return len(missed)


def feeds() -> dict[str, Feed]:
    """Every source of contacts besides our own form that has ever brought one; each is in up to its newest contact."""
    return {feed.source: Feed(feed.since, feed.until) for feed in selectors.feeds()}

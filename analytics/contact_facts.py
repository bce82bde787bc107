"""Contacts as their owner knows them -> Event rows, where the border missed one or its reason was corrected since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from analytics import receivers, streams
from analytics.models import Event, EventKind
from analytics.outcomes import Feed
from contacts import reasons, selectors

_AT_ONCE = 2000


# Both as they are now, held against each other in one go: of half a million contacts none comes to us that is right.
_MISSED = """
    WITH known AS (
        SELECT DISTINCT ON (contact_id) contact_id, topic, coalesce(data ->> 'reason', '') AS reason
        FROM analytics_event WHERE kind = 'contact' AND at >= %(since)s AND at < %(until)s
        ORDER BY contact_id, txid DESC, id DESC
    ), given AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(codes)s::text[], %(topics)s::text[]) AS given (id, code, topic)
    ), coded AS (
        SELECT DISTINCT ON (coding.contact_id) coding.contact_id, given.topic, given.code
        FROM contacts_coding AS coding
        JOIN contacts_contact AS contact ON contact.id = coding.contact_id
        JOIN given ON given.id = coding.reason_id
        WHERE contact.received_at >= %(since)s AND contact.received_at < %(until)s
        ORDER BY coding.contact_id, coding.id DESC
    ), facts AS (
        SELECT contact.id, contact.received_at, contact.visitor, contact.person, contact.source,
               coalesce(coded.topic, '') AS topic, coalesce(coded.code, '') AS reason
        FROM contacts_contact AS contact LEFT JOIN coded ON coded.contact_id = contact.id
        WHERE contact.received_at >= %(since)s AND contact.received_at < %(until)s
    )
    SELECT facts.id, facts.received_at, facts.visitor, facts.person, facts.source, facts.topic, facts.reason,
           known.contact_id IS NULL
    FROM facts LEFT JOIN known ON known.contact_id = facts.id
    WHERE known.contact_id IS NULL OR (known.topic, known.reason) IS DISTINCT FROM (facts.topic, facts.reason)
    ORDER BY facts.received_at, facts.id
"""


def bring_in(*, since: datetime, until: datetime) -> int:
    """Add an event for every contact received in this time that has none, or whose topic or reason is no longer what
    its newest event says. Returns how many were added."""
    tree = reasons.stored()
    given = {
        "since": since,
        "until": until,
        "ids": [reason.id for reason in tree],
        "codes": [reason.code for reason in tree],
        "topics": [reason.topic for reason in tree],
    }
    added = 0
    with streams.reading(_MISSED, given) as rows:
        found = iter(rows)
        while missed := list(islice(found, _AT_ONCE)):
            _add(missed)
            added += len(missed)
    return added


def _add(missed: Sequence[streams.Row]) -> None:
    Event.objects.bulk_create(
        [
            Event(
                kind=EventKind.CONTACT,
                at=at,
                visitor=visitor,
                person=person,
                contact_id=pk,
                topic=topic,
                data={"reason": reason, "source": source},
            )
            for pk, at, visitor, person, source, topic, reason, _is_new in missed
        ]
    )
    for _pk, at, visitor, person, _source, _topic, _reason, is_new in missed:
        if is_new and visitor and person:
            receivers.tie(UUID(visitor), person, at=at, how="contact")


def feeds() -> dict[str, Feed]:
    """Every source of contacts besides our own form that has ever brought one; each is in up to its newest contact."""
    return {feed.source: Feed(feed.since, feed.until) for feed in selectors.feeds()}

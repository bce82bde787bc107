"""Contacts as their owner knows them -> Event rows, where the border missed one or its reason was corrected since."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import Max, Min

from analytics.outcomes import Feed
from contacts.models import Contact, ContactSource

_BRING_IN = """
WITH RECURSIVE branch (id, code, topic) AS (
    SELECT id, code, code FROM contacts_reasoncode WHERE parent_id IS NULL
    UNION ALL
    SELECT child.id, child.code, branch.topic FROM contacts_reasoncode child JOIN branch ON child.parent_id = branch.id
),
known AS (
    SELECT DISTINCT ON (contact_id) contact_id, topic
    FROM analytics_event WHERE kind = 'contact' ORDER BY contact_id, id DESC
),
coded AS (
    SELECT contact.*, coalesce(branch.code, '') AS reason, coalesce(branch.topic, '') AS topic
    FROM contacts_contact contact
    LEFT JOIN LATERAL (
        SELECT reason_id FROM contacts_coding WHERE contact_id = contact.id ORDER BY id DESC LIMIT 1
    ) coding ON true
    LEFT JOIN branch ON branch.id = coding.reason_id
    WHERE contact.received_at >= %(since)s
),
missed AS (
    SELECT coded.*, known.contact_id IS NULL AS is_new
    FROM coded LEFT JOIN known ON known.contact_id = coded.id
    WHERE known.contact_id IS NULL OR known.topic <> coded.topic
),
tied AS (
    INSERT INTO analytics_identity (visitor, person, how, at)
    SELECT DISTINCT ON (visitor, person) visitor, person, 'contact', received_at
    FROM missed WHERE is_new AND visitor IS NOT NULL AND person <> '' ORDER BY visitor, person, received_at
    ON CONFLICT (visitor, person) DO UPDATE SET at = EXCLUDED.at, how = EXCLUDED.how, txid = txid_current()
    WHERE analytics_identity.at > EXCLUDED.at
)
INSERT INTO analytics_event (kind, at, visitor, person, is_returning, contact_id, topic, data)
SELECT 'contact', received_at, visitor, person, false, id, topic,
       jsonb_build_object('reason', reason, 'source', source)
FROM missed
"""


def bring_in(*, since: datetime) -> int:
    """Add an event for every contact received at or after `since` that has none, or whose topic is no longer the one
    that its newest event says. Returns how many were added."""
    with connection.cursor() as cursor:
        cursor.execute(_BRING_IN, {"since": since})
        return int(cursor.rowcount)


def feeds() -> dict[str, Feed]:
    """Every source of contacts besides our own form that has ever brought one; each is in up to its newest contact."""
    spans = (
        Contact.objects.exclude(source=ContactSource.FORM)
        .values("source")
        .annotate(since=Min("received_at"), until=Max("received_at"))
    )
    return {span["source"]: Feed(span["since"], span["until"]) for span in spans}

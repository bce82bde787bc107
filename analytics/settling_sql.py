"""The SQL of settling.py: who is looked at, what is known of them, how their journeys are put in place of the old.

Two tables live as long as a run: settling_touched has the visitors to look at and the moment before which nothing of
them matters, so that of each only the weeks since are opened; settling_journey has the journeys of a chunk of them.
"""

from __future__ import annotations

from analytics.journeys import ANSWERED, KINDS, VOTE
from analytics.models import EventKind
from analytics.settling_rows import FACTS, KEY

COLUMNS = ", ".join([*KEY, *FACTS])

TABLES = f"""
    CREATE TEMP TABLE settling_touched (visitor uuid PRIMARY KEY, since timestamptz NOT NULL);
    CREATE TEMP TABLE settling_journey AS SELECT {COLUMNS} FROM analytics_journey WITH NO DATA;
"""  # noqa: S608
NO_TABLES = "DROP TABLE IF EXISTS settling_touched; DROP TABLE IF EXISTS settling_journey;"

_HELP = ", ".join(f"'{kind}'" for kind in KINDS)
_CONTACT = f"'{EventKind.CONTACT}'"
_ORDER = f"'{EventKind.ORDER}'"  # no help event; but it says by what a journey began

# Every help event is in a journey or is a vote that came after it: nothing that was settled lies before the first
# journey. Near the weeks that were thrown away there are events that are in none: there everything is looked at.
TOUCHED = f"""
    INSERT INTO settling_touched
    WITH fresh AS MATERIALIZED (
        SELECT visitor, person, kind, at FROM analytics_event
        WHERE txid >= %(txid)s AND kind IN ({_HELP}, {_CONTACT}, {_ORDER})
    ), named AS (
        SELECT visitor FROM fresh
        UNION
        SELECT visitor FROM analytics_identity WHERE txid >= %(txid)s
        UNION
        SELECT visitor FROM analytics_identity
        WHERE person IN (SELECT person FROM fresh WHERE kind = {_CONTACT} AND person <> '')
        UNION
        SELECT visitor FROM analytics_journey WHERE decide_at <= %(in_until)s
        UNION
        SELECT visitor FROM analytics_journey WHERE started_at > %(back_since)s
    ), known AS (
        SELECT visitor, least(
            (SELECT min(journey.started_at) FROM analytics_journey AS journey WHERE journey.visitor = named.visitor),
            began
        ) AS since
        FROM named LEFT JOIN (
            SELECT visitor, min(at) AS began FROM fresh WHERE kind NOT IN ({_CONTACT}, {_ORDER}) GROUP BY visitor
        ) AS news USING (visitor)
        WHERE visitor IS NOT NULL
    )
    SELECT visitor, CASE WHEN since < %(kept_since)s THEN '-infinity' ELSE since END FROM known WHERE since IS NOT NULL
"""  # noqa: S608

# What is known of visitors, each one's rows together: help events, contacts (each as often as it was told; of the
# newest row counts what it says) and ties.
_KNOWN = """
    SELECT event.visitor, event.kind, event.at, event.is_returning, event.article_id, event.revision_id, event.topic,
           CASE event.kind WHEN '{vote}' THEN (event.data ->> 'is_helpful')::boolean WHEN '{answered}' THEN true END,
           event.variant_id, event.locale, event.contact_id,
           CASE event.kind WHEN {contact} THEN event.data ->> 'reason' END,
           CASE event.kind WHEN {contact} THEN event.data ->> 'source' END, event.txid, event.id
    FROM {events}
    WHERE event.kind IN ({help}, {contact}, {order}) AND event.visitor IS NOT NULL {since_order}
    UNION ALL
    SELECT tie.visitor, event.kind, event.at, false, NULL, NULL, event.topic, NULL, NULL, '', event.contact_id,
           event.data ->> 'reason', event.data ->> 'source', event.txid, event.id
    FROM {ties} {told}
    UNION ALL
    SELECT tie.visitor, '', tie.at, false, NULL, NULL, '', NULL, NULL, '', NULL, NULL, NULL, NULL, NULL
    FROM {ties}
    ORDER BY 1, 3
"""
_WORDS = {"vote": VOTE, "answered": ANSWERED, "contact": _CONTACT, "order": _ORDER, "help": _HELP}
_TOLD = f"event.kind = {_CONTACT} AND event.person <> '' AND event.person = tie.person"
KNOWN_OF_ALL = _KNOWN.format(
    **_WORDS,
    events="analytics_event AS event",
    ties="analytics_identity AS tie",
    told=f"JOIN analytics_event AS event ON {_TOLD}",
    since_order="",
)
# Each visitor is looked up alone (OFFSET 0): the planner would read all events for some ten thousand of them.
KNOWN_OF_TOUCHED = _KNOWN.format(
    **_WORDS,
    events="""settling_touched AS touched CROSS JOIN LATERAL (
        SELECT * FROM analytics_event AS event
        WHERE event.visitor = touched.visitor AND event.at >= touched.since - make_interval(mins => %(idle)s) OFFSET 0
    ) AS event""",
    ties="""settling_touched AS touched CROSS JOIN LATERAL (
        SELECT * FROM analytics_identity AS tie WHERE tie.visitor = touched.visitor OFFSET 0
    ) AS tie""",
    told=f"""CROSS JOIN LATERAL (
        SELECT * FROM analytics_event AS event WHERE {_TOLD} AND event.at >= touched.since OFFSET 0
    ) AS event""",  # noqa: S608
    # Of orders also those just before the first journey.
    since_order=f"AND (event.at >= touched.since OR event.kind = {_ORDER})",
)

# The chunk's journeys in the place of those of its visitors, as far as they differ. Each is looked up by itself
# (OFFSET 0): the planner knows nothing of how few they are, and would read the whole table for each chunk.
_REPLACE = f"""
    WITH changed AS (
        INSERT INTO analytics_journey ({COLUMNS})
        SELECT new.* FROM settling_journey AS new
        LEFT JOIN LATERAL (
            SELECT old.* FROM analytics_journey AS old
            WHERE old.visitor = new.visitor AND old.started_at = new.started_at OFFSET 0
        ) AS old ON true
        WHERE old.id IS NULL
           OR ({", ".join(f"old.{name}" for name in FACTS)})
              IS DISTINCT FROM ({", ".join(f"new.{name}" for name in FACTS)})
        ON CONFLICT (visitor, started_at) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in FACTS)}
        RETURNING started_at
    ), gone AS (
        DELETE FROM analytics_journey AS old
        WHERE old.visitor = ANY(%(visitors)s::uuid[]) AND old.started_at >= %(since)s
          AND NOT EXISTS (
              SELECT FROM settling_journey AS new
              WHERE new.visitor = old.visitor AND new.started_at = old.started_at)
        RETURNING started_at
    ), moved AS (
        SELECT started_at FROM changed UNION ALL SELECT started_at FROM gone
    )
    {{mark}}
"""  # noqa: S608
# Journeys without a help event: those of visitors whom we were asked to forget while the run was at work among them.
_ORPHANS = """
    WITH moved AS (
        DELETE FROM analytics_journey AS old {using}
        WHERE {whose} RETURNING old.started_at
    )
    {mark}
"""
_IS_ORPHAN = f"""
    {{one}}.started_at >= %(since)s AND NOT EXISTS (
        SELECT FROM analytics_event AS event
        WHERE event.visitor = {{one}}.visitor AND event.at >= {{one}}.started_at AND event.kind IN ({_HELP}))
"""
# The days of the changed journeys are due to be counted anew.
_MARK = """
    , marked AS (
        INSERT INTO analytics_rollupdue (kind, day)
        SELECT DISTINCT 'journeys', (started_at AT TIME ZONE %(zone)s)::date FROM moved ORDER BY 2
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM moved
"""
REPLACE = _REPLACE.format(mark=_MARK)
ORPHANS_OF_ALL = _ORPHANS.format(using="", whose=_IS_ORPHAN.format(one="old"), mark=_MARK)
ORPHANS_OF_TOUCHED = _ORPHANS.format(
    using=f"""USING settling_touched AS touched CROSS JOIN LATERAL (
        SELECT id FROM analytics_journey AS own
        WHERE own.visitor = touched.visitor AND {_IS_ORPHAN.format(one="own")} OFFSET 0
    ) AS lost""",  # noqa: S608
    whose="old.id = lost.id",
    mark=_MARK,
)

"""The counts of some days in a row, from the rows: one INSERT for each table of analytics/models/rollups.py.

Each takes %(start)s and %(end)s (moments at which a day of the shop begins; the end is exclusive) and %(zone)s (the
shop's time zone). JOURNEYS and SHARES take %(windows)s, CONTACTS %(reasons)s and %(topics)s (each code and its topic),
SEARCHES %(uuid)s (what a visitor's id looks like; another one is none of ours).
"""

from __future__ import annotations

# A stay is told several times, each with the seconds since; the visitor of the day is heard once.
# A no is said again with its reason: of a visitor's votes on a text the last of the day counts.
READS = """
    INSERT INTO analytics_readday
        (day, article_id, revision_id, variant_id, locale, views, stays, seconds, scrolled, yes, no, readers,
         seconds_squared, seconds_cubed, scrolled_squared, scrolled_cubed)
    SELECT day, article_id, revision_id, variant_id, locale, sum(views), count(*) FILTER (WHERE is_heard),
           sum(seconds), coalesce(sum(scrolled), 0), count(*) FILTER (WHERE said), count(*) FILTER (WHERE NOT said),
           count(*) FILTER (WHERE views > 0), sum(seconds::float ^ 2), sum(seconds::float ^ 3),
           coalesce(sum(scrolled::float ^ 2), 0), coalesce(sum(scrolled::float ^ 3), 0)
    FROM (
        SELECT (at AT TIME ZONE %(zone)s)::date AS day, article_id, coalesce(revision_id, 0) AS revision_id,
               coalesce(variant_id, 0) AS variant_id, locale, visitor,
               count(*) FILTER (WHERE kind = 'read') AS views,
               bool_or(kind = 'stayed') AS is_heard,
               coalesce(sum(seconds) FILTER (WHERE kind = 'stayed'), 0) AS seconds,
               max(scrolled) FILTER (WHERE kind = 'stayed') AS scrolled,
               (array_agg(data ->> 'is_helpful' ORDER BY at DESC, txid DESC, id DESC)
                   FILTER (WHERE kind = 'vote'))[1]::boolean AS said
        FROM analytics_event
        WHERE at >= %(start)s AND at < %(end)s AND kind IN ('read', 'stayed', 'vote') AND article_id IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6
    ) AS of_visitor
    GROUP BY 1, 2, 3, 4, 5
"""

# What a page says of the link comes with a stay, on whose row is what was read; of other pages it says which they were.
LINKS = """
    INSERT INTO analytics_linkday (day, page, views, told, seen)
    SELECT day, page, sum(views), sum(told), sum(seen)
    FROM (
        SELECT (at AT TIME ZONE %(zone)s)::date AS day,
               CASE WHEN kind <> 'stayed' THEN kind WHEN article_id IS NULL THEN data ->> 'on' ELSE 'read' END AS page,
               count(*) FILTER (WHERE kind <> 'stayed') AS views,
               count(link_seen) AS told,
               count(*) FILTER (WHERE link_seen) AS seen
        FROM analytics_event
        WHERE at >= %(start)s AND at < %(end)s
          AND (kind IN ('help', 'search', 'read') OR (kind = 'stayed' AND link_seen IS NOT NULL))
        GROUP BY 1, 2
    ) AS counted
    WHERE page IS NOT NULL
    GROUP BY 1, 2
"""

# Journeys that are alike in everything are one row before they are looked at by each window.
JOURNEYS = """
    INSERT INTO analytics_journeyday
        (day, "window", article_id, revision_id, variant_id, locale, topic, reason, channel, is_linkable,
         is_contradicted, has_searched, entry, vote, outcome, journeys)
    SELECT day, days, article_id, revision_id, variant_id, locale, topic,
           CASE WHEN outcomes ->> days::text LIKE 'contacted%%' THEN contact_reason ELSE '' END,
           CASE WHEN outcomes ->> days::text LIKE 'contacted%%' THEN contact_channel ELSE '' END,
           is_linkable, is_contradicted, has_searched, entry, vote, coalesce(outcomes ->> days::text, ''), sum(alike)
    FROM (
        SELECT (started_at AT TIME ZONE %(zone)s)::date AS day, coalesce(last_article_id, 0) AS article_id,
               coalesce(last_revision_id, 0) AS revision_id, coalesce(last_variant_id, 0) AS variant_id, locale, topic,
               contact_reason, contact_channel, is_linkable, is_contradicted, searches > 0 AS has_searched, entry,
               vote, outcomes, count(*) AS alike
        FROM analytics_journey
        WHERE started_at >= %(start)s AND started_at < %(end)s
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
    ) AS kinds CROSS JOIN unnest(%(windows)s::integer[]) AS days
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
"""

SHARES = """
    INSERT INTO analytics_shareday (day, "window", article_id, journeys, shared, contacted)
    SELECT day, days, article::integer, sum(alike),
           coalesce(sum(alike / jsonb_array_length(reads)) FILTER (WHERE is_linkable AND outcomes ? days::text), 0),
           coalesce(sum(alike / jsonb_array_length(reads)) FILTER (
               WHERE is_linkable AND outcomes ->> days::text = 'contacted'), 0)
    FROM (
        SELECT (started_at AT TIME ZONE %(zone)s)::date AS day, reads, outcomes, is_linkable, count(*)::numeric AS alike
        FROM analytics_journey
        WHERE started_at >= %(start)s AND started_at < %(end)s
        GROUP BY 1, 2, 3, 4
    ) AS kinds
    CROSS JOIN jsonb_array_elements_text(reads) AS article
    CROSS JOIN unnest(%(windows)s::integer[]) AS days
    GROUP BY 1, 2, 3
"""

CONTACTS = """
    INSERT INTO analytics_contactday (day, topic, reason, channel, locale, contacts, known, repeated)
    WITH coded AS (
        SELECT contact.id, contact.received_at, contact.person, contact.source, contact.locale,
               coalesce(named.code, '') AS reason, coalesce(named.topic, '') AS topic
        FROM contacts_contact AS contact
        LEFT JOIN LATERAL (
            SELECT reason.code, given.topic
            FROM contacts_coding AS coding
            JOIN contacts_reasoncode AS reason ON reason.id = coding.reason_id
            JOIN unnest(%(reasons)s::text[], %(topics)s::text[]) AS given (code, topic) ON given.code = reason.code
            WHERE coding.contact_id = contact.id
            ORDER BY coding.id DESC LIMIT 1
        ) AS named ON true
        WHERE contact.received_at >= %(start)s AND contact.received_at < %(end)s::timestamptz + interval '7 days'
    ), paired AS (
        SELECT *, lead(received_at) OVER (PARTITION BY person, reason ORDER BY received_at, id) AS next_at FROM coded
    )
    SELECT (received_at AT TIME ZONE %(zone)s)::date, topic, reason, source, locale, count(*),
           count(*) FILTER (WHERE person <> '' AND reason <> ''),
           count(*) FILTER (WHERE person <> '' AND reason <> '' AND next_at < received_at + interval '7 days')
    FROM paired WHERE received_at < %(end)s
    GROUP BY 1, 2, 3, 4, 5
"""

# One visitor's asking the same thing on one day is one search, however often the answers were looked at again. Where
# nothing was left of what was typed (no word in it, or its visitor is forgotten), each row is one.
SEARCHES = """
    INSERT INTO analytics_searchday
        (day, locale, key, text, searches, without_answer, with_passage, without_click, reformulated,
         in_other_language, contacted)
    WITH contacts AS (
        SELECT visitor, received_at AS at FROM contacts_contact
        WHERE visitor IS NOT NULL AND received_at >= %(start)s
          AND received_at < %(end)s::timestamptz + interval '1 day'
        UNION ALL
        SELECT known.visitor, contact.received_at
        FROM contacts_contact AS contact JOIN analytics_identity AS known USING (person)
        WHERE contact.person <> '' AND contact.received_at >= %(start)s
          AND contact.received_at < %(end)s::timestamptz + interval '1 day'
    ), logged AS MATERIALIZED (
        SELECT search.id, search.at, search.locale, search.key, search.text, search.total,
               CASE WHEN search.visitor ~ %(uuid)s THEN search.visitor::uuid END AS visitor,
               search.featured IS NOT NULL AS has_passage, search.other_locale <> '' AS is_elsewhere,
               EXISTS (SELECT FROM kb_searchclick AS click WHERE click.search_id = search.id) AS is_opened,
               EXISTS (SELECT FROM kb_searchlog AS later
                       WHERE later.reformulates_id = search.id AND later.kind IN ('page', 'suggest')) AS is_put_anew
        FROM kb_searchlog AS search
        WHERE search.at >= %(start)s AND search.at < %(end)s AND search.kind = 'page' AND search.error = ''
          AND search.visitor ~ %(uuid)s
    ), led AS (
        SELECT DISTINCT logged.id FROM logged JOIN contacts
          ON contacts.visitor = logged.visitor
         AND contacts.at >= logged.at AND contacts.at < logged.at + interval '1 day'
    ), asked AS (
        SELECT (at AT TIME ZONE %(zone)s)::date AS day, locale, key,
               (array_agg(text ORDER BY at DESC, id DESC))[1] AS text, max(at) AS at,
               max(total) = 0 AND NOT bool_or(has_passage) AS is_empty, bool_or(has_passage) AS has_passage,
               bool_or(is_opened) AS is_opened, bool_or(is_put_anew) AS is_put_anew,
               bool_or(is_elsewhere) AS is_elsewhere, count(led.id) > 0 AS is_contacted
        FROM logged LEFT JOIN led USING (id)
        GROUP BY 1, locale, key, visitor, CASE WHEN key = '' THEN logged.id END
    )
    SELECT day, locale, key, CASE WHEN key <> '' THEN (array_agg(text ORDER BY at DESC, text))[1] ELSE '' END, count(*),
           count(*) FILTER (WHERE is_empty),
           count(*) FILTER (WHERE has_passage),
           count(*) FILTER (WHERE NOT is_empty AND NOT has_passage AND NOT is_opened),
           count(*) FILTER (WHERE is_put_anew AND NOT is_opened),
           count(*) FILTER (WHERE is_elsewhere AND NOT is_empty),
           count(*) FILTER (WHERE is_contacted)
    FROM asked
    GROUP BY 1, 2, 3
"""

# What only few asked for goes when kb forgets what was typed; the counts stay, together.
RARE_WORDS = """
    WITH gone AS (
        DELETE FROM analytics_searchday WHERE day <= %(until)s AND key <> '' AND searches < %(few)s RETURNING *
    )
    INSERT INTO analytics_searchday
        (day, locale, key, text, searches, without_answer, with_passage, without_click, reformulated,
         in_other_language, contacted)
    SELECT day, locale, '', '', sum(searches), sum(without_answer), sum(with_passage), sum(without_click),
           sum(reformulated), sum(in_other_language), sum(contacted)
    FROM gone GROUP BY day, locale
"""

"""What the design effects of analytics/spreads.py are made of: sums over persons, one SELECT for each kind of share.

Each takes %(since)s and %(now)s; JOURNEYS %(windows)s, SEARCHES %(uuid)s and %(zone)s, RAILS and STAYS %(zone)s,
CONTACTS %(reasons)s and %(topics)s (each code and its topic). Each gives rows of measure, window and the sums over
persons of n, h, h², hn and n², where n is how many a person has and h how many of them are hits. A person is who we
know a visitor to be, else the visitor.
"""

from __future__ import annotations

# Of each person in each group: so many journeys, so many of them hits; then the sums over a group's persons.
JOURNEYS = """
    WITH known AS (
        SELECT visitor, min(person) AS person FROM analytics_identity GROUP BY visitor
    ), told AS (
        SELECT coalesce(known.person, journey.visitor::text) AS who, last_article_id AS article, is_linkable,
               outcomes
        FROM analytics_journey AS journey LEFT JOIN known ON known.visitor = journey.visitor
        WHERE started_at >= %(since)s AND started_at < %(now)s
    ), judged AS (
        SELECT days, who, article, (outcomes ->> days::text = 'contacted')::integer AS hit
        FROM told CROSS JOIN unnest(%(windows)s::integer[]) AS days
        WHERE article IS NOT NULL AND is_linkable AND outcomes ? days::text
    ), persons AS (
        SELECT 'coverage' AS measure, 0 AS days, 0 AS article, count(*) AS n, sum(is_linkable::integer) AS h
        FROM told GROUP BY who
        UNION ALL
        SELECT 'contact', days, 0, count(*), sum(hit) FROM judged GROUP BY days, who
        UNION ALL
        SELECT 'article', days, article, count(*), sum(hit) FROM judged GROUP BY days, article, who
    )
    SELECT measure, days, sum(n)::float, sum(h)::float, sum(h * h)::float, sum(h * n)::float, sum(n * n)::float
    FROM persons GROUP BY measure, days, article
"""

# The same of searches, as analytics/rollup_sql.py counts them (what one visitor asked on one day), and contacts within
# a day.
SEARCHES = """
    WITH known AS (
        SELECT visitor, min(person) AS person FROM analytics_identity GROUP BY visitor
    ), heard AS MATERIALIZED (
        SELECT visitor, received_at AS at FROM contacts_contact WHERE visitor IS NOT NULL AND received_at >= %(since)s
        UNION ALL
        SELECT tie.visitor, contact.received_at
        FROM contacts_contact AS contact JOIN analytics_identity AS tie USING (person)
        WHERE contact.person <> '' AND contact.received_at >= %(since)s
    ), logged AS (
        SELECT id, at, locale, key, visitor::uuid AS visitor FROM kb_searchlog
        WHERE at >= %(since)s AND at < %(now)s - interval '1 day'
          AND kind = 'page' AND error = '' AND visitor ~ %(uuid)s
    ), led AS (
        SELECT DISTINCT logged.id FROM logged JOIN heard USING (visitor)
        WHERE heard.at >= logged.at AND heard.at < logged.at + interval '1 day'
    ), asked AS (
        SELECT visitor, (count(led.id) > 0)::integer AS hit FROM logged LEFT JOIN led USING (id)
        GROUP BY visitor, (at AT TIME ZONE %(zone)s)::date, locale, key, CASE WHEN key = '' THEN logged.id END
    ), persons AS (
        SELECT count(*) AS n, sum(hit) AS h FROM asked LEFT JOIN known USING (visitor)
        GROUP BY coalesce(known.person, asked.visitor::text)
    )
    SELECT 'search', 0, sum(n)::float, sum(h)::float, sum(h * h)::float, sum(h * n)::float, sum(n * n)::float
    FROM persons HAVING count(*) > 0
"""

# Of the contacts of each person about each topic: so many, and the sum of their squares over persons and topics.
CONTACTS = """
    WITH written AS (
        SELECT coalesce(nullif(contact.person, ''), contact.id::text) AS who, coalesce(newest.topic, '') AS topic
        FROM contacts_contact AS contact LEFT JOIN LATERAL (
            SELECT given.topic FROM contacts_coding AS coding
            JOIN contacts_reasoncode AS reason ON reason.id = coding.reason_id
            JOIN unnest(%(reasons)s::text[], %(topics)s::text[]) AS given (code, topic) ON given.code = reason.code
            WHERE coding.contact_id = contact.id ORDER BY coding.id DESC LIMIT 1
        ) AS newest ON true
        WHERE contact.received_at >= %(since)s AND contact.received_at < %(now)s
    ), persons AS (
        SELECT count(*) AS n FROM written GROUP BY who, topic
    )
    SELECT 'count', 0, sum(n)::float, 0::float, 0::float, 0::float, sum(n * n)::float FROM persons HAVING count(*) > 0
"""

# Of the averages of time: stays of one visitor with one text on one day, as rollup_sql.READS counts them; h is the sum
# of a person's, and behind n² stands the sum of the squares of each.
STAYS = """
    WITH known AS (
        SELECT visitor, min(person) AS person FROM analytics_identity GROUP BY visitor
    ), heard AS (
        SELECT article_id AS article, visitor, coalesce(sum(seconds), 0) AS seconds, max(scrolled) AS scrolled
        FROM analytics_event
        WHERE at >= %(since)s AND at < %(now)s AND kind = 'stayed' AND article_id IS NOT NULL
        GROUP BY visitor, (at AT TIME ZONE %(zone)s)::date, article_id, revision_id, variant_id, locale
    ), told AS (
        SELECT 'seconds' AS measure, article, visitor, seconds::float AS amount FROM heard
        UNION ALL
        SELECT 'in_sight', article, visitor, coalesce(scrolled, 0)::float FROM heard
    ), persons AS (
        SELECT measure, article, count(*) AS n, sum(amount) AS h, sum(amount * amount) AS squares
        FROM told LEFT JOIN known USING (visitor)
        GROUP BY measure, article, coalesce(known.person, told.visitor::text)
    )
    SELECT measure, 0, sum(n)::float, sum(h), sum(h * h), sum(h * n), sum(n * n)::float, sum(squares)
    FROM persons GROUP BY measure, article
"""

# Of the guard-rails: pages that told whether the link was in sight, openings of the form, votes as rollup_sql.READS
# counts them.
RAILS = """
    WITH known AS (
        SELECT visitor, min(person) AS person FROM analytics_identity GROUP BY visitor
    ), told AS (
        SELECT 'sight' AS measure, visitor, link_seen::integer AS hit FROM analytics_event
        WHERE at >= %(since)s AND at < %(now)s AND kind IN ('help', 'search', 'stayed') AND link_seen IS NOT NULL
        UNION ALL
        SELECT 'form', visitor, (contact_id IS NOT NULL OR answered_at IS NOT NULL)::integer FROM contacts_formvisit
        WHERE opened_at >= %(since)s AND opened_at < %(now)s AND visitor IS NOT NULL
        UNION ALL
        SELECT 'vote', visitor,
               (NOT (array_agg(data ->> 'is_helpful' ORDER BY at DESC, txid DESC, id DESC))[1]::boolean)::integer
        FROM analytics_event
        WHERE at >= %(since)s AND at < %(now)s AND kind = 'vote' AND article_id IS NOT NULL
        GROUP BY visitor, (at AT TIME ZONE %(zone)s)::date, article_id, revision_id, variant_id, locale
    ), persons AS (
        SELECT measure, count(*) AS n, sum(hit) AS h FROM told LEFT JOIN known USING (visitor)
        GROUP BY measure, coalesce(known.person, told.visitor::text)
    )
    SELECT measure, 0, sum(n)::float, sum(h)::float, sum(h * h)::float, sum(h * n)::float, sum(n * n)::float
    FROM persons GROUP BY measure
"""

ALL = (JOURNEYS, SEARCHES, RAILS, CONTACTS, STAYS)

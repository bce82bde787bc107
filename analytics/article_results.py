"""What became of articles' readers → kb's ArticleResult, for the desk's list of articles.

The same numbers as on the overview (docs/metrics.md), from the counts of days, of the last 90 days and the shop's
window: contact after read of the mature, linkable journeys whose last read was the article. Beside its denominator, and
called what it is: a contact that came after, not one that the article caused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from analytics import shop_days
from core import clock

LOOK_BACK = timedelta(days=90)

# Every published article has a row: "nobody read it" is a result too. The moment of the last reading is looked up, not
# counted: by the index of an article's reads, and of one that is not read any more as it was known.
_COUNT = """
WITH reads AS (
    SELECT article_id, sum(views) AS views FROM analytics_readday
    WHERE day >= %(first)s GROUP BY article_id HAVING sum(views) > 0
), ends AS (
    SELECT article_id,
           sum(journeys) AS readers,
           sum(journeys) FILTER (WHERE outcome = 'confirmed') AS confirmed,
           sum(journeys) FILTER (WHERE is_linkable) AS linkable,
           sum(journeys) FILTER (WHERE is_linkable AND outcome = 'contacted') AS contacts
    FROM analytics_journeyday
    WHERE day >= %(first)s AND "window" = %(window)s AND article_id > 0 AND outcome <> ''
    GROUP BY article_id
)
INSERT INTO kb_articleresult
    (article_id, views, last_read_at, readers, confirmed, linkable, contacts_after_read, since, as_of)
SELECT article.id, coalesce(reads.views, 0),
       coalesce((SELECT max(at) FROM analytics_event WHERE kind = 'read' AND article_id = article.id),
                (SELECT last_read_at FROM kb_articleresult WHERE article_id = article.id)),
       coalesce(ends.readers, 0), coalesce(ends.confirmed, 0), coalesce(ends.linkable, 0),
       coalesce(ends.contacts, 0), %(since)s, %(now)s
FROM kb_article AS article
LEFT JOIN reads ON reads.article_id = article.id
LEFT JOIN ends ON ends.article_id = article.id
WHERE article.state = 'published' OR reads.views > 0
ON CONFLICT (article_id) DO UPDATE SET
    views = excluded.views, last_read_at = excluded.last_read_at, readers = excluded.readers,
    confirmed = excluded.confirmed, linkable = excluded.linkable, contacts_after_read = excluded.contacts_after_read,
    since = excluded.since, as_of = excluded.as_of
"""


@dataclass(frozen=True)
class Counted:
    """What one run wrote."""

    articles: int


def count() -> Counted:
    """Write every article's result anew. Nothing changes by running it twice."""
    now = clock.now()
    first = shop_days.day_of(now) - LOOK_BACK
    given: dict[str, Any] = {
        "first": first,
        "since": shop_days.begin(first),
        "now": now,
        "window": int(settings.OUTCOME_WINDOW_DAYS),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_COUNT, given)
        written = cursor.rowcount
        # Of an article that is neither published nor read any more, no old result stays behind.
        cursor.execute("DELETE FROM kb_articleresult WHERE as_of < %(now)s", given)
    return Counted(written)

"""An article's own readers and how they fared, from rows: what a test of it is planned with.

The definitions are those of a test's verdict (docs/metrics.md), with a first reading in the place of a first exposure:
each visitor counts once, at the first time they read the article in the period, and whether they would be counted is
judged by what was known at that moment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from analytics import contact_facts, outcomes
from kb.models import Article, Metric

DAYS = 28  # whole weeks, so that each weekday counts the same
FEWEST_DAYS = 7  # of an article that is younger; fewer would make one good day the rule
ENOUGH = 30  # mature readings below which a base rate is not taken for one


@dataclass(frozen=True, slots=True)
class Share:
    """How often the metric's success was seen among mature first readings."""

    hits: int
    of: int

    @property
    def base(self) -> float | None:
        """None where too few are mature to call it a rate."""
        return self.hits / self.of if self.of >= ENOUGH else None


@dataclass(frozen=True, slots=True)
class Traffic:
    """First-time readers of one article in `days`, and what became of those whose window is over."""

    days: int
    readers: int  # visitors, each at their first reading in these days
    linkable: int  # of them: we would know of a contact
    weeks: tuple[int, ...]  # readers of each seven days, the newest last
    shares: Mapping[str, Share]

    def counted(self, metric: str) -> int:
        """The readers whom a test by this metric would count: a `confirmed` asks nobody to be linkable."""
        return self.readers if metric == Metric.CONFIRMED else self.linkable

    def per_day(self, metric: str) -> float:
        return self.counted(metric) / self.days

    def share(self, metric: str) -> Share:
        return self.shares[metric]


_FIRSTS = """
WITH firsts AS MATERIALIZED (
    SELECT DISTINCT ON (visitor) visitor, at, topic, revision_id,
           is_returning AND (NOT %(has_feeds)s OR EXISTS (
               SELECT FROM analytics_identity AS tie WHERE tie.visitor = event.visitor AND tie.at <= event.at
           )) AS is_linkable
    FROM analytics_event AS event
    WHERE kind = 'read' AND article_id = %(article)s AND at >= %(since)s AND at < %(until)s AND visitor IS NOT NULL
    ORDER BY visitor, at, txid, id
)
"""

_READERS = """
SELECT floor(extract(epoch FROM %(until)s - at) / 604800)::int AS week, count(*), count(*) FILTER (WHERE is_linkable)
FROM firsts GROUP BY week
"""

# Of the rows about one contact the newest counts. A contact without a topic, or about a text without one, is taken to
# be about it: poor coding never makes a text look better. What is known of each reader is stacked and then grouped, so
# that no bad guess of the planner about the joined parts can make it slow.
_FARED = """
, contacts AS MATERIALIZED (
    SELECT DISTINCT ON (contact_id) at, visitor, person, topic FROM analytics_event
    WHERE kind = 'contact' AND at >= %(since)s AND at < %(due)s
    ORDER BY contact_id, txid DESC, id DESC
), known AS (
    SELECT visitor, is_linkable, NULL::boolean AS has_contact, NULL::boolean AS is_helpful FROM firsts
    UNION ALL
    SELECT firsts.visitor, NULL, true, NULL
    FROM firsts JOIN contacts ON contacts.visitor = firsts.visitor
    WHERE contacts.at >= firsts.at AND contacts.at < firsts.at + %(window)s
      AND (contacts.topic = '' OR firsts.topic = '' OR contacts.topic = firsts.topic)
    UNION ALL
    SELECT firsts.visitor, NULL, true, NULL
    FROM contacts JOIN analytics_identity AS tie ON tie.person = contacts.person
    JOIN firsts ON firsts.visitor = tie.visitor
    WHERE contacts.person <> '' AND contacts.at >= firsts.at AND contacts.at < firsts.at + %(window)s
      AND (contacts.topic = '' OR firsts.topic = '' OR contacts.topic = firsts.topic)
    UNION ALL
    (SELECT DISTINCT ON (firsts.visitor) firsts.visitor, NULL, NULL, (vote.data ->> 'is_helpful')::boolean
    FROM firsts JOIN analytics_event AS vote ON vote.visitor = firsts.visitor
    WHERE vote.kind = 'vote' AND vote.at >= %(since)s AND vote.at < %(due)s
      AND vote.revision_id = firsts.revision_id AND vote.at >= firsts.at AND vote.at < firsts.at + %(window)s
    ORDER BY firsts.visitor, vote.at DESC, vote.txid DESC, vote.id DESC)
), fared AS (
    SELECT bool_or(is_linkable) AS is_linkable, coalesce(bool_or(has_contact), false) AS has_contact,
           bool_or(is_helpful) AS is_helpful
    FROM known GROUP BY visitor
)
SELECT count(*),
       count(*) FILTER (WHERE is_linkable),
       count(*) FILTER (WHERE is_linkable AND NOT has_contact AND is_helpful IS DISTINCT FROM false),
       count(*) FILTER (WHERE is_linkable AND NOT has_contact),
       count(*) FILTER (WHERE is_helpful AND NOT has_contact)
FROM fared
"""

# Whether anybody read it before is one look into the index of a week; only the last weeks' readings are gone through.
_FIRST_READ = """
SELECT EXISTS (
           SELECT FROM analytics_event WHERE kind = 'read' AND article_id = %(article)s AND at < %(since)s
       ),
       (SELECT min(at) FROM analytics_event WHERE kind = 'read' AND article_id = %(article)s AND at >= %(since)s)
"""


def of(article: Article, *, window_days: int, now: datetime) -> Traffic:
    """Its readers of the last 28 days, and how those of the last 28 days whose window is over have fared.

    An article that is younger is divided by its own days, at least seven.
    """
    feeds = contact_facts.feeds().values()
    window = timedelta(days=window_days)
    until = outcomes.watermark(feeds, now=now) - window
    with connection.cursor() as cursor:
        days = _days(cursor, article.pk, now=now)
        cursor.execute(_FIRSTS + _READERS, _given(article, feeds, since=now - timedelta(days=DAYS), until=now))
        weeks = {week: (readers, linkable) for week, readers, linkable in cursor.fetchall()}
        given = _given(article, feeds, since=until - timedelta(days=DAYS), until=until)
        cursor.execute(_FIRSTS + _FARED, given | {"window": window, "due": until + window})
        everybody, linkable, resolved, uncontacted, confirmed = cursor.fetchone()
    return Traffic(
        days=days,
        readers=sum(readers for readers, _linkable in weeks.values()),
        linkable=sum(linkable for _readers, linkable in weeks.values()),
        weeks=tuple(weeks.get(week, (0, 0))[0] for week in reversed(range(DAYS // 7))),
        shares={
            Metric.RESOLUTION.value: Share(resolved, linkable),
            Metric.CONTACT.value: Share(uncontacted, linkable),
            Metric.CONFIRMED.value: Share(confirmed, everybody),
        },
    )


def _given(article: Article, feeds: Any, *, since: datetime, until: datetime) -> dict[str, Any]:
    has_feeds = any(feed.is_connected(since, until) for feed in feeds)
    return {"article": article.pk, "since": since, "until": until, "has_feeds": has_feeds}


def _days(cursor: Any, article_id: int, *, now: datetime) -> int:
    """For how many of the last 28 days it has been read."""
    cursor.execute(_FIRST_READ, {"article": article_id, "since": now - timedelta(days=DAYS)})
    is_older, first = cursor.fetchone()
    if is_older or first is None:
        return DAYS
    days: int = math.ceil((now - first) / timedelta(days=1))
    return min(DAYS, max(FEWEST_DAYS, days))

"""What is known of one article in a period: the side panel of the editor. A fixed number of queries.

Each reads by an index of the article (event_reads_of_article, journey_by_last_article, search_clicks_of_article, votes
by revision), and what could be endless for a much-read one is cut at a number that the page names.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Min, Q

from analytics import verdicts
from analytics.models import SettlingMark
from analytics.periods import Period
from analytics.reports import journeys
from analytics.reports.articles import Arm, Test
from analytics.reports.journeys import Cell, Tally
from analytics.stats.proportions import Rate
from contacts.models import ContactDraft
from kb import experiments
from kb.models import Article, Exposure, Revision, SearchTest, Vote, VoteReason
from kb.search import checking
from kb.search import log as search_log

NEWEST_CLICKS = 5_000  # openings from search that are looked at
NEWEST_SEARCHES = 2_000  # of each query, for its share of openings
_QUERIES = 8
_COMMENTS = 20


@dataclass(frozen=True)
class Query:
    """Searches that led to the article. `opened`: of those on the search page that listed it, how many opened it."""

    locale: str
    text: str
    openings: int
    opened: Rate


@dataclass(frozen=True)
class Searches:
    """`openings` from search, by the most frequent of `different` queries. `is_cut`: the newest NEWEST_CLICKS only."""

    openings: int
    different: int
    queries: tuple[Query, ...]
    is_cut: bool


@dataclass(frozen=True)
class Comment:
    """What a reader wrote with a no; addresses and long numbers masked."""

    at: datetime
    text: str
    reason: str
    revision: int


@dataclass(frozen=True)
class Votes:
    """What readers said of the article's texts in the period. `reasons`: (why not, how often), most first."""

    helpful: Rate
    reasons: tuple[tuple[str, int], ...]
    comments: tuple[Comment, ...]


@dataclass(frozen=True)
class RevisionRow:
    """One text of the article: who read it, and what they said of it."""

    number: int
    is_live: bool
    arm: str  # its key in the running test; empty where it is in none
    views: int
    readers: int
    tally: Tally
    helpful: Rate


@dataclass(frozen=True)
class Edit:
    """A text that was written in the period."""

    number: int
    at: datetime
    is_major: bool
    comment: str
    by: str


@dataclass(frozen=True)
class Maturity:
    """How far the period's journeys can be judged. `next_on`: when the first of the immature ones may be decided;
    `weeks`: about how long until enough linkable ones are, at the pace of these days; None where nothing can be said.
    """

    journeys: int
    mature: int
    next_on: datetime | None
    weeks: int | None
    settled_at: datetime | None


@dataclass(frozen=True)
class Demand:
    """A search test that asks for this article; `standing` None where it was never run."""

    test: SearchTest
    standing: checking.Standing | None


@dataclass(frozen=True)
class Evidence:
    article: Article
    title: str
    period: Period
    views: int
    readers: int
    tally: Tally
    maturity: Maturity
    searches: Searches
    votes: Votes
    revisions: tuple[RevisionRow, ...]
    edits: tuple[Edit, ...]
    days: tuple[tuple[date, int], ...]
    test: Test | None
    demands: tuple[Demand, ...]
    from_contacts: tuple[ContactDraft, ...]


def build(article: Article, period: Period) -> Evidence:
    """`article` with its live_revision and draft loaded."""
    texts = list(
        article.revisions.select_related("created_by").only(
            "number", "is_major", "comment", "created_at", "created_by__username", "article_id"
        )
    )
    views, readers, by_revision = _reads(article.pk, period)
    cells, oldest_open = _cells(article.pk, period)
    tally = Tally(tuple(cell for _revision, cell in cells))
    test = _test(article)
    told, said = votes(article.pk, period, {text.pk: text.number for text in texts})
    edits = tuple(_edit(text) for text in texts if period.start <= text.created_at < period.end)
    demands = list(checking.current(locale=article.locale).filter(article=article))
    standings = checking.standings([demand.pk for demand in demands]) if demands else {}
    return Evidence(
        article=article,
        title=checking.title_of(article),
        period=period,
        views=views,
        readers=readers,
        tally=tally,
        maturity=_maturity(tally, oldest_open, period),
        searches=_searches(article.pk, period),
        votes=told,
        revisions=_rows(article, texts, by_revision, cells, said, test),
        edits=edits,
        days=_days(article.pk, period),
        test=test[0] if test else None,
        demands=tuple(Demand(demand, standings.get(demand.pk)) for demand in demands),
        from_contacts=tuple(ContactDraft.objects.filter(article=article).select_related("contact").order_by("pk")),
    )


_READS = """
SELECT grouping(revision_id), revision_id, count(*), count(DISTINCT visitor)
FROM analytics_event
WHERE kind = 'read' AND article_id = %(article)s AND at >= %(start)s AND at < %(end)s
GROUP BY GROUPING SETS ((), (revision_id))
"""

_DAYS = """
SELECT (at AT TIME ZONE %(zone)s)::date, count(*)
FROM analytics_event
WHERE kind = 'read' AND article_id = %(article)s AND at >= %(start)s AND at < %(end)s
GROUP BY 1
"""


def _reads(article_id: int, period: Period) -> tuple[int, int, dict[int | None, tuple[int, int]]]:
    """Views and readers of all its texts, and of each."""
    views = readers = 0
    by_revision: dict[int | None, tuple[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_READS, {"article": article_id, "start": period.start, "end": period.end})
        for is_total, revision_id, number, visitors in cursor.fetchall():
            if is_total:
                views, readers = number, visitors
            else:
                by_revision[revision_id] = (number, visitors)
    return views, readers, by_revision


def _days(article_id: int, period: Period) -> tuple[tuple[date, int], ...]:
    """Views of every day; of every seven days where the period is longer than nine weeks."""
    with connection.cursor() as cursor:
        cursor.execute(
            _DAYS,
            {"article": article_id, "start": period.start, "end": period.end, "zone": settings.SHOP_TIME_ZONE},
        )
        counted = dict(cursor.fetchall())
    step = 1 if period.days <= 63 else 7
    found = []
    for index in range(0, period.days, step):
        first = period.first + timedelta(days=index)
        found.append((first, sum(counted.get(first + timedelta(days=day), 0) for day in range(step))))
    return tuple(found)


def _cells(article_id: int, period: Period) -> tuple[list[tuple[int | None, Cell]], datetime | None]:
    """The journeys whose last read it was, counted by the text read; and the end of the oldest immature one."""
    rows = (
        journeys.found(period)
        .filter(last_article_id=article_id)
        .values("outcome", "is_linkable", "vote", "is_contradicted", revision=F("last_revision_id"))
        .annotate(journeys=Count("id"), oldest=Min("ended_at"))
    )
    cells, oldest_open = [], None
    for row in rows:
        if not row["outcome"]:
            oldest_open = min(filter(None, [oldest_open, row["oldest"]]))
        cell = Cell(
            article_id=article_id,
            outcome=row["outcome"] or "",
            is_linkable=row["is_linkable"],
            vote=row["vote"],
            is_contradicted=row["is_contradicted"],
            journeys=row["journeys"],
        )
        cells.append((row["revision"], cell))
    return cells, oldest_open


def _maturity(tally: Tally, oldest_open: datetime | None, period: Period) -> Maturity:
    mark = SettlingMark.objects.filter(pk=1).first()
    guarded = tally.contact_after_read
    missing = journeys.LEAST_JOURNEYS - guarded.rate.of
    pace = tally.count(is_linkable=True) / period.days
    return Maturity(
        journeys=tally.count(),
        mature=tally.count(is_mature=True),
        next_on=oldest_open + timedelta(days=period.window) if oldest_open else None,
        weeks=math.ceil(missing / pace / 7) if missing > 0 and pace else None,
        settled_at=mark.settled_at if mark else None,
    )


# Suggestions are logged only where one is opened, so the share is that of searches on the search page.
_SEARCHES = """
WITH clicked AS MATERIALIZED (
    SELECT search_id FROM kb_searchclick
    WHERE article_id = %(article)s AND at >= %(start)s AND at < %(end)s
    ORDER BY at DESC LIMIT %(clicks)s
), led AS MATERIALIZED (
    SELECT search.locale, search.key, count(*) AS openings, mode() WITHIN GROUP (ORDER BY search.text) AS text
    FROM clicked JOIN kb_searchlog AS search ON search.id = clicked.search_id
    GROUP BY search.locale, search.key
), top AS (
    SELECT *, sum(openings) OVER () AS all_openings, count(*) OVER () AS different
    FROM led ORDER BY openings DESC, key LIMIT %(queries)s
)
SELECT top.locale, top.text, top.openings, top.all_openings, top.different, page.opened, page.listed
FROM top CROSS JOIN LATERAL (
    SELECT count(click.id) AS opened, count(*) FILTER (WHERE newest.has_it OR click.id IS NOT NULL) AS listed
    FROM (
        SELECT id, shown @> ARRAY[%(article)s]::bigint[] AS has_it FROM kb_searchlog AS search
        WHERE search.locale = top.locale AND search.key = top.key AND search.at >= %(start)s AND search.at < %(end)s
          AND search.kind = 'page' AND search.visitor <> ''
        ORDER BY search.at DESC LIMIT %(searches)s
    ) AS newest
    LEFT JOIN kb_searchclick AS click ON click.search_id = newest.id AND click.article_id = %(article)s
) AS page
ORDER BY top.openings DESC, top.key
"""


def _searches(article_id: int, period: Period) -> Searches:
    values: dict[str, int | datetime] = {
        "article": article_id,
        "start": period.start,
        "end": period.end,
        "clicks": NEWEST_CLICKS,
        "searches": NEWEST_SEARCHES,
        "queries": _QUERIES,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SEARCHES, values)
        rows = cursor.fetchall()
    queries = tuple(
        Query(locale, text, openings, Rate(opened, listed))
        for locale, text, openings, _all, _different, opened, listed in rows
    )
    openings, different = (int(rows[0][3]), rows[0][4]) if rows else (0, 0)
    return Searches(openings, different, queries, is_cut=openings >= NEWEST_CLICKS)


def votes(article_id: int, period: Period, numbers: dict[int, int]) -> tuple[Votes, dict[int, Rate]]:
    """What was said of all its texts, and of each (by revision id)."""
    cast = Vote.objects.filter(revision__in=list(numbers), at__gte=period.start, at__lt=period.end)
    yes: dict[int, int] = defaultdict(int)
    of: dict[int, int] = defaultdict(int)
    reasons: dict[str, int] = defaultdict(int)
    for revision_id, is_helpful, reason, number in (
        cast.values("revision", "is_helpful", "reason")
        .annotate(number=Count("id"))
        .values_list("revision", "is_helpful", "reason", "number")
    ):
        of[revision_id] += number
        if is_helpful:
            yes[revision_id] += number
        else:
            reasons[reason] += number
    names = dict(VoteReason.choices)
    comments = cast.filter(~Q(comment=""), is_helpful=False).order_by("-at")[:_COMMENTS]
    told = Votes(
        helpful=Rate(sum(yes.values()), sum(of.values())),
        reasons=tuple(
            (str(names.get(code, "")), number) for code, number in sorted(reasons.items(), key=lambda p: -p[1])
        ),
        comments=tuple(
            Comment(
                vote.at, search_log.masked(vote.comment), str(names.get(vote.reason, "")), numbers[vote.revision_id]
            )
            for vote in comments
        ),
    )
    return told, {revision_id: Rate(yes[revision_id], number) for revision_id, number in of.items()}


def _test(article: Article) -> tuple[Test, dict[int, str]] | None:
    """The running or paused test with its exposures, and which revision is which of its arms."""
    live = experiments.live_on(article)
    if live is None:
        return None
    seen = dict(
        Exposure.objects.filter(experiment=live)
        .values("variant")
        .annotate(number=Count("id"))
        .values_list("variant", "number")
    )
    variants = list(live.variants.all())
    arms = tuple(Arm(each.pk, each.key, each.is_control, seen.get(each.pk, 0)) for each in variants)
    looked = verdicts.latest(live)
    test = Test(live.pk, live.name, live.get_state_display(), live.started_at, arms, looked.sentence if looked else "")
    return test, {each.revision_id: each.key for each in variants}


def _rows(
    article: Article,
    texts: Sequence[Revision],
    reads: dict[int | None, tuple[int, int]],
    cells: Sequence[tuple[int | None, Cell]],
    said: dict[int, Rate],
    test: tuple[Test, dict[int, str]] | None,
) -> tuple[RevisionRow, ...]:
    """Every text that was read or voted on in the period, the newest first."""
    of: dict[int | None, list[Cell]] = defaultdict(list)
    for revision_id, cell in cells:
        of[revision_id].append(cell)
    arms = test[1] if test else {}
    return tuple(
        RevisionRow(
            number=text.number,
            is_live=text.pk == article.live_revision_id,
            arm=arms.get(text.pk, ""),
            views=reads.get(text.pk, (0, 0))[0],
            readers=reads.get(text.pk, (0, 0))[1],
            tally=Tally(tuple(of.get(text.pk, ()))),
            helpful=said.get(text.pk, Rate(0, 0)),
        )
        for text in texts
        if text.pk in reads or text.pk in of or text.pk in said
    )


def _edit(text: Revision) -> Edit:
    by = text.created_by.get_username() if text.created_by else ""
    return Edit(text.number, text.created_at, text.is_major, text.comment, by)

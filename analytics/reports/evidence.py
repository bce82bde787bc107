"""What is known of one article in a period: the side panel of the editor. A fixed number of queries.

Reads and journeys are from the counts of days (analytics/rollups.py); searches and votes by an index of the article
(search_clicks_of_article, votes by revision), and what could be endless for a much-read one is cut at a number that the
page names.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Count, Min, Q, Sum

from analytics import verdicts
from analytics.models import JourneyDay, ReadDay, SettlingMark, ShareDay
from analytics.periods import Period
from analytics.reports import article_rows, journeys
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
    key: str
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
    """What readers said of the article's texts in the period. `reasons`: (why not, how often, its code), most
    first."""

    helpful: Rate
    reasons: tuple[tuple[str, int, str], ...]
    comments: tuple[Comment, ...]


@dataclass(frozen=True)
class RevisionRow:
    """One text of the article: how often it was read, and what its readers said and did."""

    id: int
    number: int
    is_live: bool
    arm: str  # its key in the running test; empty where it is in none
    views: int
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
    read_in: int  # journeys
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
    by_revision, days = _reads(article.pk, period)
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
        views=sum(by_revision.values()),
        read_in=_read_in(article.pk, period),
        tally=tally,
        maturity=_maturity(tally, oldest_open, period),
        searches=_searches(article.pk, period),
        votes=told,
        revisions=_rows(article, texts, by_revision, cells, said, test),
        edits=edits,
        days=days,
        test=test[0] if test else None,
        demands=tuple(Demand(demand, standings.get(demand.pk)) for demand in demands),
        from_contacts=tuple(ContactDraft.objects.filter(article=article).select_related("contact").order_by("pk")),
    )


def _reads(article_id: int, period: Period) -> tuple[dict[int, int], tuple[tuple[date, int], ...]]:
    """Views of each text; and of every day, of every seven where the period is longer than nine weeks."""
    step = 1 if period.days <= 63 else 7
    by_revision: dict[int, int] = defaultdict(int)
    of_step = [0] * len(range(0, period.days, step))
    counted = ReadDay.objects.filter(article_id=article_id, day__range=(period.first, period.last))
    for day, revision, views in counted.values_list("day", "revision_id").annotate(n=Sum("views")).order_by():
        by_revision[revision] += views
        of_step[(day - period.first).days // step] += views
    days = tuple((period.first + timedelta(days=step * index), views) for index, views in enumerate(of_step))
    return {pk: views for pk, views in by_revision.items() if views}, days


def _cells(article_id: int, period: Period) -> tuple[list[tuple[int, Cell]], datetime | None]:
    """The journeys whose last read it was, counted by the text read; and the end of an immature one of the first day
    that has one, by which the next can be judged."""
    counted = JourneyDay.objects.filter(
        article_id=article_id, window=period.window, day__range=(period.first, period.last)
    )
    rows = (
        counted.values_list("revision_id", "outcome", "is_linkable", "vote", "is_contradicted")
        .annotate(n=Sum("journeys"), first=Min("day"))
        .order_by()
    )
    cells, open_on = [], None
    for revision, outcome, is_linkable, vote, is_contradicted, number, first in rows:
        if not outcome:
            open_on = min(filter(None, [open_on, first]))
        cells.append((revision, Cell(article_id, outcome, is_linkable, vote, is_contradicted, number)))
    if open_on is None:
        return cells, None
    its_day = replace(period, first=open_on, last=open_on)
    still_open = journeys.found(its_day).filter(last_article_id=article_id, outcome__isnull=True)
    return cells, still_open.aggregate(oldest=Min("ended_at"))["oldest"]


def _read_in(article_id: int, period: Period) -> int:
    """Journeys in which it was read, last or not."""
    counted = ShareDay.objects.filter(
        article_id=article_id, window=period.window, day__range=(period.first, period.last)
    )
    return counted.aggregate(n=Sum("journeys"))["n"] or 0


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
SELECT top.locale, top.key, top.text, top.openings, top.all_openings, top.different, page.opened, page.listed
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
        Query(locale, key, text, openings, Rate(opened, listed))
        for locale, key, text, openings, _all, _different, opened, listed in rows
    )
    openings, different = (int(rows[0][4]), rows[0][5]) if rows else (0, 0)
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
            (str(names.get(code, "")), number, code or article_rows.NO_REASON)
            for code, number in sorted(reasons.items(), key=lambda pair: -pair[1])
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
    reads: dict[int, int],
    cells: Sequence[tuple[int, Cell]],
    said: dict[int, Rate],
    test: tuple[Test, dict[int, str]] | None,
) -> tuple[RevisionRow, ...]:
    """Every text that was read or voted on in the period, the newest first."""
    of: dict[int, list[Cell]] = defaultdict(list)
    for revision_id, cell in cells:
        of[revision_id].append(cell)
    arms = test[1] if test else {}
    return tuple(
        RevisionRow(
            id=text.pk,
            number=text.number,
            is_live=text.pk == article.live_revision_id,
            arm=arms.get(text.pk, ""),
            views=reads.get(text.pk, 0),
            tally=Tally(tuple(of.get(text.pk, ()))),
            helpful=said.get(text.pk, Rate(0, 0)),
        )
        for text in texts
        if text.pk in reads or text.pk in of or text.pk in said
    )


def _edit(text: Revision) -> Edit:
    by = text.created_by.get_username() if text.created_by else ""
    return Edit(text.number, text.created_at, text.is_major, text.comment, by)

"""The results of articles, and what followed their edits, as plain tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Max
from django.utils.translation import gettext_noop

from analytics.markers import PUBLISHED
from analytics.periods import Compare, Period
from analytics.reports import article_edits, article_searches, articles, asking, evidence, journeys
from analytics.reports.alike import Everybody
from analytics.reports.article_searches import Searches
from analytics.reports.articles import Change, Narrowed
from analytics.reports.asking import Words
from analytics.reports.stays import Stay
from analytics.reports.tables import Column, Report, Table, Value
from analytics.stats.proportions import Interval, Rate
from core.models import AuditEntry
from kb.models import Article

MOST_ARTICLES = 100  # with edits in the period, where it is told of all
MOST_OF_ONE = 100  # edits, where it is told of one article

_ARTICLE = (Column("article", "Article"), Column("title", "Title"), Column("locale", "Language"))
_RESULTS = (
    *_ARTICLE,
    Column("topic", "Topic"),
    Column("views", "Views"),
    Column("journeys", "Journeys"),
    Column("last_reads", "Last reads"),
    Column("confirmed", "Confirmed"),
    Column("response", "Said anything"),
    Column("confirmed_at_most", "Confirmed at most"),
    Column("contact_after_read", "Contact after read"),
    Column("shared_contacted", "Contacted, in equal shares"),
    Column("shared_journeys", "Journeys, in equal shares"),
    Column("change", "Change of contact after read, points"),
    Column("change_low", "Change, lower end"),
    Column("change_high", "Change, upper end"),
    Column("votes_no", "Votes for no"),
    Column("test", "What the running test says"),
    Column("told", "Readers who told of their stay, of all, each once a day"),
    Column("seconds", "Seconds in use, on average"),
    Column("seconds_low", "Seconds in use, lower end"),
    Column("seconds_high", "Seconds in use, upper end"),
    Column("in_sight", "Of the text in sight on average, per cent"),
    Column("in_sight_low", "Of the text in sight, lower end"),
    Column("in_sight_high", "Of the text in sight, upper end"),
)
_EDITS = (
    *_ARTICLE,
    Column("at", "Went live"),
    Column("text", "Text"),
    Column("number", "Number"),
    Column("before", "Before"),
    Column("after", "After"),
    Column("withheld", "Why withheld"),
    Column("difference", "Difference, points"),
    Column("difference_low", "Difference, lower end"),
    Column("difference_high", "Difference, upper end"),
    Column("expected", "Expected without any edit, points"),
    Column("beyond", "Beyond that, points"),
    Column("beyond_low", "Beyond that, lower end"),
    Column("beyond_high", "Beyond that, upper end"),
)

_SAID = (Column("said", "Said"), Column("why", "Why not"), Column("readers", "Of all who said anything"))
_SEARCHES = (
    Column("locale", "Language"),
    Column("query", "Query"),
    Column("openings", "Opened"),
    Column("position", "Middle place"),
    Column("on_top", "From the passage on top"),
    Column("voted", "Voted after"),
    Column("contacted", "Contacted after"),
)


def results(period: Period, now: datetime, asked: Mapping[str, str]) -> Sequence[Table]:
    """Every article that was read, the surest to lead to contacts first; of one language, one topic (`topic`) or with
    the words `q` in its title where that is asked for."""
    before = None if period.compare is Compare.NONE else journeys.tally(period.before())
    narrowed = Narrowed(locale=period.segment.locale, topic=asked.get("topic", ""), words=asked.get("q", "")[:100])
    found = articles.rows(period, journeys.tally(period), before=before, sort="-contact", narrowed=narrowed)
    told: list[tuple[Value, ...]] = [
        (
            row.id,
            row.title,
            row.locale,
            row.topic,
            row.views,
            row.journeys,
            row.last_reads,
            row.confirmed.rate,
            row.confirmed.response,
            row.confirmed.ceiling,
            row.contact_after_read,
            None if row.contact_after_read.why_withheld else row.shared.contacted,
            None if row.contact_after_read.why_withheld else row.shared.journeys,
            *_change(row.change),
            row.no,
            row.test.said if row.test else "",
            *_stay(row.stay),
        )
        for row in found
    ]
    note = "What happened after the reading, not because of it. Rates of journeys whose last read was the article."
    return [Table("articles", "Results of articles", _RESULTS, told, note)]


def edits(period: Period, now: datetime, asked: Mapping[str, str]) -> Sequence[Table]:
    """Each change of a live text with its numbers before and after, the newest first: of one article, or of those that
    were changed last."""
    ids = _changed_last(period)
    if asked.get("article"):
        ids = [pk for pk in ids if pk == int(asked["article"])]
    known = Article.objects.select_related("category", "live_revision").in_bulk(ids[:MOST_ARTICLES])
    most = MOST_OF_ONE if asked.get("article") else article_edits.MOST
    rows: list[tuple[datetime, list[tuple[Value, ...]]]] = []
    older, everybody = 0, Everybody(period)
    for article in known.values():
        title = article.live_revision.title if article.live_revision else ""
        found = article_edits.of(article, period, everybody=everybody, most=most)
        older += found.left_out
        for edit in found.shown:
            about: tuple[Value, ...] = (article.pk, title, article.locale, edit.at, edit.number)
            rows.append((edit.at, [(*about, *_measure(measure)) for measure in edit.measures]))
    rows.sort(key=lambda row: row[0], reverse=True)
    told = [row for _at, measures in rows for row in measures]
    note = "No effects: nobody was drawn at random. What is expected without any edit stands beside each difference."
    note += _left_out(len(ids) - len(known), older, most)
    return [Table("edits", "What followed each edit", _EDITS, told, note)]


def _changed_last(period: Period) -> list[int]:
    """The articles whose live text was changed in the period, the one changed last first."""
    entries = AuditEntry.objects.filter(
        target_type="kb.article", action__in=PUBLISHED, at__gte=period.start, at__lt=period.end
    )
    changed = entries.values_list("target_id").annotate(last=Max("at")).order_by("-last", "target_id")
    ids = [int(pk) for pk, _last in changed if pk.isdecimal()]
    known = Article.objects.filter(pk__in=ids)
    if period.segment.locale:
        known = known.filter(locale=period.segment.locale)
    here = set(known.values_list("pk", flat=True))
    return [pk for pk in ids if pk in here]


def _left_out(articles: int, edits: int, most: int) -> str:
    """What is not in the table, in sentences; empty where all is."""
    told = ""
    if articles:
        told += (
            f" Of the {MOST_ARTICLES} articles that were changed last; {articles:,} more were changed in these days."
        )
    if edits:
        told += f" Of an article the newest {most} edits; {edits:,} older edits of these days are left out."
    return told


def one(period: Period, now: datetime, asked: Mapping[str, str]) -> Sequence[Table]:
    """Of one article: what its readers said, and the searches that led to it."""
    pk = int(asked["article"])
    article = Article.objects.filter(pk=pk).first()
    numbers = dict(article.revisions.values_list("pk", "number")) if article else {}
    votes = evidence.votes(pk, period, numbers)[0] if numbers else None
    said: list[tuple[Value, ...]] = []
    if votes and votes.helpful.of:
        said = [("yes", "", votes.helpful)]
        said += [("no", each[0], Rate(each[1], votes.helpful.of)) for each in votes.reasons]
    return [
        Table("said", "What readers said", _SAID, said, "Readers whose last word was given in these days."),
        _searches(article_searches.of(pk, period)),
    ]


def _searches(found: Searches) -> Table:
    note = f"{found.openings:,} openings from search, by {found.different:,} different queries."
    if found.different > len(found.queries):
        note += f" The {len(found.queries)} most frequent are listed."
    if found.is_cut:
        note += f" Only the newest {article_searches.NEWEST:,} are looked at."
    rows = [
        (each.locale, each.text, each.openings, each.position, each.on_top, each.voted, each.contacted)
        for each in found.queries
    ]
    return Table("searches", "Searches that lead here", _SEARCHES, rows, note)


def _change(change: Change | None) -> tuple[Value, ...]:
    return _points(change.points, change.interval.low, change.interval.high) if change else (None, None, None)


def _stay(stay: Stay) -> tuple[Value, ...]:
    return (
        stay.told,
        *_mean(stay.mean_seconds, stay.seconds_interval, times=1),
        *_mean(stay.mean_share, stay.share_interval, times=100),
    )


def _mean(mean: float | None, interval: Interval | None, *, times: int) -> tuple[Value, ...]:
    if mean is None or interval is None:
        return (None, None, None)
    return tuple(round(times * number, 1) for number in (mean, interval.low, interval.high))


def _measure(measure: article_edits.Compared) -> tuple[Value, ...]:
    gap, beyond = measure.difference, measure.beyond
    return (
        measure.key,
        None if measure.why else measure.before,
        None if measure.why else measure.after,
        measure.why,
        *(_points(measure.points, gap.low, gap.high) if gap else (None, None, None)),
        *(
            _points(measure.expected_points, measure.beyond_points, beyond.low, beyond.high)
            if beyond
            else (None, None, None, None)
        ),
    )


def _points(*shares: float | None) -> tuple[float | None, ...]:
    return tuple(None if share is None else round(100 * share, 2) for share in shares)


_OF_LANGUAGE = (asking.WINDOW, asking.COMPARE, asking.LOCALE)
ARTICLES = Report(
    "articles",
    gettext_noop("Results of articles"),
    "article-scorecards",
    results,
    definition="Contact after read",
    words=Words(_OF_LANGUAGE, {"topic": asking.is_text, "q": asking.is_text}),
    holds=gettext_noop("Each article that was read: views, confirmed, contact after read, its change, votes for no."),
)
EDITS = Report(
    "article_edits",
    gettext_noop("What followed each edit"),
    "article-scorecards",
    edits,
    definition="What followed an edit",
    words=Words((asking.WINDOW, asking.LOCALE), {"article": asking.is_id}),
    holds=gettext_noop("Each change of a live text, with its numbers before and after."),
)
ONE = Report(
    "article",
    gettext_noop("One article: what readers said, and the searches that lead to it"),
    "article-scorecards",
    one,
    definition="Searches that lead to an article",
    words=Words((asking.WINDOW,), {"article": asking.is_id}, needs=("article",)),
    holds=gettext_noop("The reasons for no, and the searches that lead to one article."),
)

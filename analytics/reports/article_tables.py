"""The results of articles, and what followed their edits, as plain tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_noop

from analytics.markers import PUBLISHED
from analytics.periods import Compare, Period
from analytics.reports import article_edits, articles, journeys
from analytics.reports.alike import Everybody
from analytics.reports.articles import Change, Narrowed
from analytics.reports.stays import Stay
from analytics.reports.tables import Column, Report, Table, Value
from core.models import AuditEntry
from kb.models import Article

MOST_ARTICLES = 100  # with edits in the period

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
    Column("told", "Readers who told of their stay, of views"),
    Column("seconds", "Seconds in use, on average"),
    Column("in_sight", "Of the text in sight on average, per cent"),
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


def results(period: Period, now: datetime) -> Sequence[Table]:
    """Every article that was read, the surest to lead to contacts first; of one language where one is asked for."""
    before = None if period.compare is Compare.NONE else journeys.tally(period.before())
    narrowed = Narrowed(locale=period.segment.locale)
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


def edits(period: Period, now: datetime) -> Sequence[Table]:
    """Each change of a live text with its numbers before and after; of MOST_ARTICLES articles at most."""
    entries = AuditEntry.objects.filter(
        target_type="kb.article", action__in=PUBLISHED, at__gte=period.start, at__lt=period.end
    )
    changed = {int(pk) for pk in entries.order_by().values_list("target_id", flat=True) if pk.isdecimal()}
    known = Article.objects.filter(pk__in=changed).select_related("category", "live_revision").order_by("pk")
    if period.segment.locale:
        known = known.filter(locale=period.segment.locale)
    told: list[tuple[Value, ...]] = []
    everybody = Everybody(period)
    for article in known[:MOST_ARTICLES]:
        title = article.live_revision.title if article.live_revision else ""
        for edit in article_edits.of(article, period, everybody=everybody):
            about: tuple[Value, ...] = (article.pk, title, article.locale, edit.at, edit.number)
            told += [(*about, *_measure(measure)) for measure in edit.measures]
    note = "No effects: nobody was drawn at random. What is expected without any edit stands beside each difference."
    return [Table("edits", "What followed each edit", _EDITS, told, note)]


def _change(change: Change | None) -> tuple[Value, ...]:
    return _points(change.points, change.interval.low, change.interval.high) if change else (None, None, None)


def _stay(stay: Stay) -> tuple[Value, ...]:
    seconds, share = stay.mean_seconds, stay.mean_share
    return (
        stay.told,
        None if seconds is None else round(seconds, 1),
        None if share is None else round(100 * share, 1),
    )


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


ARTICLES = Report(
    "articles", gettext_noop("Results of articles"), "article-scorecards", results, definition="Contact after read"
)
EDITS = Report(
    "article_edits",
    gettext_noop("What followed each edit"),
    "article-scorecards",
    edits,
    definition="What followed an edit",
)

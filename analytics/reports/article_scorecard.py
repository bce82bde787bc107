"""One article of a period, large: its numbers, their weeks, why readers said no, what led here, what edits came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.db.models import Sum

from analytics.models import JourneyDay, ReadDay
from analytics.periods import Compare, Period
from analytics.reports import article_edits, article_searches, articles, evidence, journeys
from analytics.reports.article_edits import Edits
from analytics.reports.article_searches import Searches
from analytics.reports.articles import ArticleRow, Narrowed
from analytics.reports.evidence import Votes
from analytics.reports.journeys import Cell, Tally
from kb.models import Article

TREND_WEEKS = 16  # at least, so that a number of four weeks stands beside those before


@dataclass(frozen=True)
class Week:
    """Seven days, fewer where a period of odd length begins."""

    first: date
    last: date
    views: int
    tally: Tally


@dataclass(frozen=True)
class Scorecard:
    """`article` is None where it has been deleted since; of its votes only their number is known then."""

    article: Article | None
    period: Period
    row: ArticleRow
    tally: Tally
    before: Tally | None
    weeks: Sequence[Week]
    votes: Votes | None
    searches: Searches
    edits: Edits

    @property
    def trend(self) -> Period:
        return replace(self.period, first=self.weeks[0].first)


def build(pk: int, period: Period) -> Scorecard | None:
    """None where there is no such article, and never was one that was read. A fixed number of queries."""
    article = (
        Article.objects.filter(pk=pk).select_related("category", "live_revision", "draft", "draft__article").first()
    )
    if article is None and not ReadDay.objects.filter(article_id=pk).exists():
        return None
    tally = journeys.tally(period, article_id=pk)
    before = None if period.compare is Compare.NONE else journeys.tally(period.before(), article_id=pk)
    (row,) = articles.rows(period, tally, before=before, narrowed=Narrowed(only=pk))
    numbers = dict(article.revisions.values_list("pk", "number")) if article else {}
    return Scorecard(
        article=article,
        period=period,
        row=row,
        tally=tally,
        before=before,
        weeks=_weeks(pk, period),
        votes=evidence.votes(pk, period, numbers)[0] if numbers else None,
        searches=article_searches.of(pk, period),
        edits=article_edits.of(article, period) if article else Edits(),
    )


def _weeks(pk: int, period: Period) -> list[Week]:
    """Whole weeks that end with the period, oldest first."""
    number = max(TREND_WEEKS, -(-period.days // 7))
    first = period.last - timedelta(days=7 * number - 1)
    span = {"article_id": pk, "day__range": (first, period.last)}
    views = [0] * number
    for day, count in ReadDay.objects.filter(**span).values_list("day").annotate(n=Sum("views")).order_by():
        views[(day - first).days // 7] += count
    cells: list[list[Cell]] = [[] for _week in range(number)]
    counted = (
        JourneyDay.objects.filter(**span, window=period.window)
        .values_list("day", "outcome", "is_linkable", "vote")
        .annotate(n=Sum("journeys"))
        .order_by()
    )
    for day, outcome, is_linkable, vote, n in counted:
        cells[(day - first).days // 7].append(Cell(pk, outcome, is_linkable, vote, False, n))
    return [
        Week(first + timedelta(days=7 * week), first + timedelta(days=7 * week + 6), views[week], Tally(tuple(own)))
        for week, own in enumerate(cells)
    ]

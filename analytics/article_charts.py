"""The charts of what one article did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics import figures, markers, shop_days
from analytics.figures import Chart, Kind, Mark, MarkKind, Series
from analytics.periods import Period
from analytics.reports import journeys, readers
from analytics.reports.article_scorecard import Scorecard
from analytics.reports.evidence import Evidence
from analytics.stats.proportions import Rate


def views(evidence: Evidence, *, reader: Collection[str]) -> Chart:
    """Views of each day or week, with the article's edits and tests, and what happened in the shop. `reader`: roles."""
    period, pk = evidence.period, evidence.article.pk
    step = 1 if len(evidence.days) == period.days else 7
    edits = [
        Mark(
            shop_days.day_of(edit.at),
            MarkKind.ARTICLE,
            _("text %(number)s") % {"number": edit.number},
            reverse("desk:article-revision", args=[pk, edit.number]),
        )
        for edit in evidence.edits
    ]
    counted = {"views": intcomma(evidence.views), "journeys": intcomma(evidence.read_in)}
    changes = ngettext("; the text changed %(number)s time", "; the text changed %(number)s times", len(edits))
    changed = changes % {"number": len(edits)} if edits else ""
    return Chart(
        name="article-views",
        title=_("Views by day") if step == 1 else _("Views by week"),
        reads=_("%(views)s views in %(journeys)s journeys") % counted + changed + ".",
        points=figures.days(
            period.first, period.last, step=step, urls=_views(period, pk, evidence.days, step=step, reader=reader)
        ),
        series=[Series(_("Views"), [number for _first, number in evidence.days])],
        source=_("Visits of signed-in staff and of bots do not count."),
        kind=Kind.BARS,
        unit=_("views"),
        x_title=_("Day") if step == 1 else _("Days"),
        marks=[*edits, *markers.around(period, reader=reader, article_id=pk)],
    )


def weeks(scorecard: Scorecard, *, reader: Collection[str]) -> tuple[Chart, Chart]:
    """Contact after read and confirmed by week, and views by week, with what happened meanwhile. `reader`: roles."""
    trend, pk = scorecard.trend, scorecard.row.id
    marks = [
        *markers.texts_of(pk, trend, reader=reader),
        *markers.around(trend, reader=reader, article_id=pk),
    ]
    contact = [
        None if week.tally.contact_after_read.why_withheld else week.tally.contact_after_read.rate
        for week in scorecard.weeks
    ]
    confirmed = [
        week.tally.confirmed.rate if week.tally.confirmed.rate.of >= journeys.LEAST_JOURNEYS else None
        for week in scorecard.weeks
    ]
    judged = sum(1 for rate in contact if rate)
    may_open = bool(readers.of("journeys") & set(reader))
    read_last = [
        _address(trend, "desk:journeys", week.first, week.last, pk) if may_open and week.tally.count() else ""
        for week in scorecard.weeks
    ]
    said = {"judged": judged, "weeks": len(scorecard.weeks)}
    rates = Chart(
        name="article-rates",
        title=_("Contact after read and confirmed, by week"),
        reads=_("%(judged)s of %(weeks)s weeks have the 30 linkable journeys that contact after read needs.") % said,
        points=figures.days(trend.first, trend.last, step=7, urls=read_last),
        series=[_share(_("Contact after read"), contact), _share(_("Confirmed"), confirmed)],
        source=_(
            "Journeys whose last read was this article, with 95 % intervals. A week with too few is a gap, not 0."
        ),
        unit="%",
        decimals=1,
        x_title=_("Days"),
        marks=marks,
    )
    views = Chart(
        name="article-views",
        title=_("Views by week"),
        reads=_("%(views)s views in %(weeks)s weeks.")
        % {"views": intcomma(sum(week.views for week in scorecard.weeks)), "weeks": len(scorecard.weeks)},
        points=figures.days(
            trend.first,
            trend.last,
            step=7,
            urls=_views(trend, pk, [(week.first, week.views) for week in scorecard.weeks], step=7, reader=reader),
        ),
        series=[Series(_("Views"), [week.views for week in scorecard.weeks])],
        source=_("Visits of signed-in staff and of bots do not count."),
        kind=Kind.BARS,
        unit=_("views"),
        x_title=_("Days"),
        marks=marks,
    )
    return rates, views


def _views(
    period: Period, pk: int, days: Sequence[tuple[date, int]], *, step: int, reader: Collection[str]
) -> list[str]:
    """Where the views of each point are listed; nowhere where there are none, or for who may not open them."""
    spans = (
        figures.spans(days[0][0], period.last, step=step) if days and readers.of("article-views") & set(reader) else []
    )
    return [
        _address(period, "desk:article-views", first, last, pk) if number else ""
        for (first, last), (_day, number) in zip(spans, days, strict=False)
    ]


def _address(period: Period, target: str, first: date, last: date, pk: int) -> str:
    days = {"from": first.isoformat(), "to": last.isoformat()}
    return period.address(reverse(target), **days, article=pk)


def _share(name: str, rates: Sequence[Rate | None]) -> Series:
    return Series(
        name,
        [rate.percent if rate else None for rate in rates],
        low=[100 * rate.interval.low if rate else None for rate in rates],
        high=[100 * rate.interval.high if rate else None for rate in rates],
    )

"""The charts of search health, made of its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlencode

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import figures
from analytics.figures import Chart, Kind, Mark, Series
from analytics.periods import Period
from analytics.reports.search_counts import LEAST, Counts
from analytics.reports.search_health import Day, SearchHealth
from analytics.reports.search_query import OneQuery
from analytics.stats.proportions import Rate


def rates(report: SearchHealth, *, marks: Sequence[Mark]) -> Chart:
    """The four shares over time; a gap where there were too few for one."""
    address = partial(report.period.address, reverse("desk:search-query"))
    step = (report.days[0].last - report.days[0].first).days + 1 if report.days else 1
    told = [
        (_("Nothing found"), [day.counts.no_answer for day in report.days]),
        (_("Nothing opened"), [day.counts.no_click for day in report.days]),
        (_("Put anew"), [day.counts.put_anew for day in report.days]),
        (_("Contacted us"), [day.counts.contact for day in report.days]),
    ]
    return Chart(
        name="search-rates",
        title=_("How searches fared, by day") if step == 1 else _("How searches fared, by week"),
        reads=_said(report),
        points=figures.days(report.period.first, report.period.last, step=step, urls=_rows(report.days, address)),
        series=[_series(name, shares) for name, shares in told],
        source=_(
            "%(number)s searches, each share of those to which it could happen; "
            "a gap where these were fewer than %(least)s."
        )
        % {"number": intcomma(report.now.searches), "least": LEAST},
        kind=Kind.LINE,
        unit="%",
        decimals=1,
        x_title=_("Day") if step == 1 else _("Days"),
        marks=marks,
    )


def of_query(query: OneQuery, *, period: Period, marks: Sequence[Mark]) -> Chart:
    """The searches of one query over time, by whether they led to an answer."""
    here = f"{reverse('desk:search-query')}?{urlencode({'lang': query.locale, 'key': query.keys}, doseq=True)}"
    days = query.days
    step = (days[0].last - days[0].first).days + 1
    counts = [day.counts for day in days]
    led = [one.searches - one.without_answer - one.without_click for one in counts]
    all_of_them = query.counts
    return Chart(
        name="query-days",
        title=_("Searches for it, by day") if step == 1 else _("Searches for it, by week"),
        reads=_("%(failed)s of %(searches)s searches found or opened nothing.")
        % {"failed": intcomma(all_of_them.failed), "searches": intcomma(all_of_them.searches)},
        points=figures.days(days[0].first, days[-1].last, step=step, urls=_rows(days, partial(_also, here, period))),
        series=[
            Series(_("Nothing found"), [one.without_answer for one in counts]),
            Series(_("Nothing opened"), [one.without_click for one in counts]),
            Series(_("Opened, or a passage above"), led),
        ],
        source=_("%(number)s searches, each visitor once a day.") % {"number": intcomma(all_of_them.searches)},
        kind=Kind.BARS,
        unit=_("searches"),
        x_title=_("Day") if step == 1 else _("Days"),
        adds_up=True,
        marks=marks,
    )


def _rows(days: Sequence[Day], address: Callable[..., str]) -> list[str]:
    """Where the searches of each day, or of several, are listed; nowhere where there are none."""
    return [
        address(**{"from": day.first.isoformat(), "to": day.last.isoformat()}) + "#h-rows"
        if day.counts.searches
        else ""
        for day in days
    ]


def _also(url: str, period: Period, **more: str) -> str:
    """`url`, which has parameters already, about days of this period."""
    return f"{url}&{urlencode(period.query | more)}"


def _series(name: str, shares: Sequence[Rate]) -> Series:
    shown = [rate if rate.of >= LEAST else None for rate in shares]
    return Series(
        name,
        [None if rate is None else rate.percent for rate in shown],
        low=[None if rate is None else 100 * rate.interval.low for rate in shown],
        high=[None if rate is None else 100 * rate.interval.high for rate in shown],
    )


def _said(report: SearchHealth) -> str:
    if report.now.searches < LEAST:
        return _("Too few searches for a rate.")
    told = [_words(_("nothing was found"), report.now.no_answer, report.before and report.before.no_answer)]
    if report.now.contact.of >= LEAST:
        told.append(_words(_("contacted us"), report.now.contact, report.before and report.before.contact))
    return "; ".join(told) + "."


def _words(name: str, now: Rate, before: Rate | Counts | None) -> str:
    told = _("%(name)s: %(share)s %%") % {"name": name, "share": f"{now.percent:.1f}"}
    if isinstance(before, Rate) and before.of >= LEAST:
        told += _(", against %(share)s %% in the days compared") % {"share": f"{before.percent:.1f}"}
    return told

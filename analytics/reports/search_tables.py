"""Search health as tables, for CSV, JSON and text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from analytics.periods import Period
from analytics.reports import search_health
from analytics.reports.search_counts import Counts
from analytics.reports.search_health import Day
from analytics.reports.tables import Column, Table, Value


def tables(period: Period, now: datetime) -> Sequence[Table]:
    """Totals by language, days, clusters, and their queries."""
    report = search_health.build(period, now=now)
    note = _("Each visitor once a query and day. Contacts within 24 hours, of searches up to %(day)s.") % {
        "day": report.decided_until
    }
    clusters = [*report.open, *report.done]
    return [
        Table(
            "totals",
            _("Searches by language"),
            (Column("days", _("Days")), Column("locale", _("Language")), *count_columns()),
            [
                ("these", "", *count_values(report.now)),
                *([("before", "", *count_values(report.before))] if report.before else []),
                *(("these", row.locale, *count_values(row.now)) for row in report.languages),
                *(("before", row.locale, *count_values(row.before)) for row in report.languages if row.before),
            ],
            note,
        ),
        by_day(report.days, note),
        Table(
            "clusters",
            _("Like queries"),
            (
                Column("locale", _("Language")),
                Column("query", _("Query")),
                Column("queries", _("Queries")),
                *count_columns(),
                Column("contacts_at_least", _("Contacts at least")),
                Column("read", _("Read in the end")),
                Column("done", _("Last done")),
                Column("done_on", _("On")),
            ),
            [
                (
                    one.locale,
                    one.text,
                    len(one.queries),
                    *count_values(one.counts),
                    round(one.counts.contacts_at_least, 2),
                    one.answers.read.article_id if one.answers.read else None,
                    one.acted.newest.text if one.acted else "",
                    one.acted.newest.on if one.acted else None,
                )
                for one in clusters
            ],
            note,
        ),
        Table(
            "queries",
            _("Queries of the clusters"),
            (
                Column("locale", _("Language")),
                Column("cluster", _("Cluster")),
                Column("query", _("Query")),
                *count_columns(),
            ),
            [
                (one.locale, one.text, query.text, *count_values(query.counts))
                for one in clusters
                for query in one.queries
            ],
            note,
        ),
    ]


def by_day(days: Iterable[Day], note: str) -> Table:
    """The counts of each day, of all searches or of one query."""
    return Table(
        "days",
        _("Searches by day"),
        (Column("first", _("From")), Column("last", _("To")), *count_columns()),
        [(day.first, day.last, *count_values(day.counts)) for day in days],
        note,
    )


def count_columns() -> tuple[Column, ...]:
    """Of what count_values() tells of some searches."""
    return (
        Column("searches", _("Searches")),
        Column("without_answer", _("Nothing found")),
        Column("without_click", _("Nothing opened")),
        Column("reformulated", _("Put anew within 60 s")),
        Column("contacted", _("Contacted us within 24 h")),
        Column("with_passage", _("Passage above")),
        Column("in_other_language", _("Answered in another language")),
    )


def count_values(counts: Counts) -> tuple[Value, ...]:
    return (
        counts.searches,
        counts.no_answer,
        counts.no_click,
        counts.put_anew,
        counts.contact,
        counts.with_passage,
        counts.in_other_language,
    )

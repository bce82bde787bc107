"""What to write next, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from analytics import gaps as decided
from analytics.gaps import Standing
from analytics.periods import Period
from analytics.reports import asking, gaps
from analytics.reports.gaps import Gaps
from analytics.reports.tables import Column, Table
from analytics.stats.proportions import Rate

WORDS: dict[str, asking.Check] = {"all": asking.one_of("1", "yes")}


def tables(period: Period, now: datetime, narrowed: Mapping[str, str]) -> Sequence[Table]:
    """The three lists of the screen; with `all`, what was dismissed too."""
    found = gaps.build(period, decided.known(), with_dismissed=bool(narrowed.get("all")))
    hidden = "" if not found.hidden else _(" %(number)s were dismissed and are left out.") % {"number": found.hidden}
    hidden = "" if narrowed.get("all") else hidden
    return [_searches(found, hidden), _reasons(found, hidden), _failing(found, hidden)]


def _searches(found: Gaps, hidden: str) -> Table:
    columns = (
        Column("locale", _("Language")),
        Column("query", _("Query")),
        Column("queries", _("Like queries")),
        Column("failed", _("Led nowhere")),
        Column("without_answer", _("Nothing found")),
        Column("contacted", _("Contacted us after")),
        Column("standing", _("Decided")),
    )
    rows = [
        (
            gap.locale, gap.text, "; ".join(query.text for query in gap.queries), Rate(gap.failed, gap.searches),
            gap.without_answer, gap.contacted, _standing(gap.standing),
        )
        for gap in found.clusters
    ]  # fmt: skip
    note = _("Like queries are one row. %(more)s more rows, and %(single)s questions of one visitor, are left out.") % {
        "more": found.more_clusters,
        "single": found.single,
    }
    return Table("searches", _("Searches that led nowhere"), columns, rows, note + hidden)


def _reasons(found: Gaps, hidden: str) -> Table:
    columns = (
        Column("reason", _("Reason")),
        Column("name", _("In words")),
        Column("contacts", _("Of all contacts")),
        Column("standing", _("Decided")),
    )
    rows = [(gap.code, gap.name, Rate(gap.contacts, found.contacts), _standing(gap.standing)) for gap in found.reasons]
    note = _("Of %(contacts)s contacts, %(uncoded)s are uncoded and in no row.") % {
        "contacts": f"{found.contacts:,}",
        "uncoded": f"{found.uncoded:,}",
    }
    return Table("reasons", _("Reasons without an article"), columns, rows, note + hidden)


def _failing(found: Gaps, hidden: str) -> Table:
    columns = (
        Column("article", _("Article")),
        Column("title", _("Title")),
        Column("locale", _("Language")),
        Column("at_least", _("Contacts at least")),
        Column("contact_after_read", _("Contact after read")),
        Column("denied", _("Said no")),
        Column("standing", _("Decided")),
    )
    rows = [
        (
            gap.article_id, gap.title, gap.locale, round(gap.at_least, 2), gap.contact_after_read, gap.denied,
            _standing(gap.standing),
        )
        for gap in found.failing
    ]  # fmt: skip
    note = _("%(number)s articles were read last by too few to be ranked.") % {"number": f"{found.too_few:,}"}
    return Table("articles", _("Articles after which people contact us"), columns, rows, note + hidden)


def _standing(standing: Standing | None) -> str:
    if standing is None:
        return ""
    return _("dismissed") if standing.is_hidden else _("a draft is there") if standing.draft else ""

"""One query of search as tables; its searches are a list (row_lists.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from analytics.periods import Period
from analytics.reports import asking, search_query
from analytics.reports.search_tables import by_day
from analytics.reports.tables import Column, Table

WORDS: dict[str, asking.Check] = {"key": asking.is_text, "lang": asking.is_text}


def tables(period: Period, now: datetime, narrowed: MultiValueDict[str, str]) -> Sequence[Table]:
    """Its days, what was opened from where, and what was asked next: of `key`, or of several together, in `lang`."""
    query = search_query.build(period, now=now, locale=narrowed.get("lang", ""), keys=narrowed.getlist("key"))
    days, opened, then = (query.days, query.opened, query.next) if query else ((), (), ())
    newest = _("Of the newest %(number)s searches.") % {"number": query.looked_at if query else 0}
    note = _("Each visitor once a query and day.")
    return [
        by_day(days, note),
        Table(
            "opened",
            _("Opened from where"),
            (
                Column("place", _("Place; 0 is the passage above")),
                Column("article", _("Article")),
                Column("title", _("Title")),
                Column("searches", _("Searches")),
            ),
            [(each.position, each.article_id, each.title, each.times) for each in opened],
            newest,
        ),
        Table(
            "next",
            _("What they asked next"),
            (Column("locale", _("Language")), Column("query", _("Query")), Column("searches", _("Searches"))),
            [(each.locale, each.text, each.times) for each in then],
            newest,
        ),
    ]

"""Data health as tables; its words for reasons are the screen's, too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from analytics.periods import Period
from analytics.reports import data_findings, data_health
from analytics.reports.data_health import Health
from analytics.reports.tables import Column, Table, Value
from analytics.reports.unlinkable import Unlinkable
from analytics.stats.proportions import Rate


def tables(period: Period, now: datetime) -> Sequence[Table]:
    """What is wrong, the sources, the days, why journeys are unlinkable, and who is left out."""
    health = data_health.build(period, now=now)
    return [_findings(health), _sources(health), _days(health), _unlinkable(health), _left_out(health)]


def left_out_names() -> dict[str, str]:
    """Why a page is in no number, in words."""
    return {
        "bot": _("Programs"),
        "prefetch": _("Fetched ahead by a browser"),
        "no_consent": _("Asked not to be followed"),
        "staff": _("Colleagues"),
        "no_cookie": _("Inside a shop’s page, without a cookie"),
    }


def unlinkable_reasons(found: Unlinkable) -> list[tuple[str, str, int]]:
    """Code, words and how many; without those that there are none of."""
    rows = [(code, text, getattr(found, code)) for code, text in unlinkable_words().items()]
    return [row for row in rows if row[2]]


def unlinkable_words() -> dict[str, str]:
    return {
        "first_visit": _("A first visit: the browser had not brought our id back"),
        "began_at_form": _("Began with the contact form: what comes by it is no evidence"),
        "nobody_known": _("The id was known, and not whose; contacts come by other ways, too"),
        "untold": _("Cannot be told any more: the events are no longer kept"),
    }


def _findings(health: Health) -> Table:
    rows = [(one.code, one.level.value, one.text, one.remedy) for one in data_findings.of(health)]
    columns = (
        Column("code", _("Code")),
        Column("level", _("Level")),
        Column("text", _("What is wrong")),
        Column("remedy", _("What to do")),
    )
    return Table("findings", _("What stands in the way"), columns, rows, _("As of now. No row: all is well."))


def _sources(health: Health) -> Table:
    rows = [
        (
            feed.source,
            feed.name,
            feed.since,
            feed.until,
            None if feed.lag is None else round(feed.lag.total_seconds() / 3600, 1),
            feed.lately,
            feed.is_connected,
            feed.holds_back,
        )
        for feed in health.feeds
    ]
    columns = (
        Column("source", _("Source")),
        Column("name", _("In words")),
        Column("since", _("Since")),
        Column("until", _("Newest contact")),
        Column("lag_hours", _("Hours ago")),
        Column("lately", _("Contacts in 28 days")),
        Column("is_connected", _("Connected")),
        Column("holds_back", _("Outcomes wait for it")),
    )
    note = _("As of now. All contacts are in up to %(at)s.") % {"at": data_findings.moment(health.in_until)}
    return Table("sources", _("Ways by which contacts come"), columns, rows, note)


def _days(health: Health) -> Table:
    rows: list[tuple[Value, ...]] = [
        (day.day, day.asked, day.reads, day.told, day.votes, day.received, day.begun, day.coverage)
        for day in health.days
    ]
    columns = (
        Column("day", _("Day")),
        Column("searches", _("Searches")),
        Column("reads", _("Readings")),
        Column("told", _("Readings with a time")),
        Column("votes", _("Votes")),
        Column("contacts", _("Contacts")),
        Column("journeys", _("Journeys")),
        Column("linkable", _("Linkable of journeys")),
    )
    return Table("days", _("What came in, by day"), columns, rows, _("Days of the shop."))


def _unlinkable(health: Health) -> Table:
    looked_at = health.unlinkable.looked_at
    rows = [(code, name, Rate(number, looked_at)) for code, name, number in unlinkable_reasons(health.unlinkable)]
    columns = (Column("why", _("Why")), Column("name", _("In words")), Column("journeys", _("Of those looked at")))
    note = _("The newest %(number)s unlinkable journeys of the period.") % {"number": f"{looked_at:,}"}
    return Table("unlinkable", _("Why journeys are unlinkable"), columns, rows, note)


def _left_out(health: Health) -> Table:
    rows = [(day, why, pages) for day, counts in health.left_out.items() for why, pages in counts.items()]
    columns = (Column("day", _("Day")), Column("why", _("Why")), Column("pages", _("Pages")))
    note = _("Pages of the help centre that were opened by who is in no number.")
    return Table("left_out", _("Left out"), columns, rows, note)

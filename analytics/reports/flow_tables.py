"""Journeys as tables: how they ended, the flows of the picture, and the outcomes against the days before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from analytics import journey_flow
from analytics.periods import Period
from analytics.reports import asking, flow, flow_compared, journeys
from analytics.reports.flow import Flow
from analytics.reports.flow_compared import Turn
from analytics.reports.journeys import Guarded
from analytics.reports.tables import Column, Table, Value
from analytics.stats.proportions import Rate

# All that narrows the list, but for what no count knows; and what the middle of the picture is of.
WORDS = {
    **{name: check for name, check in journeys.WORDS.items() if name not in flow.UNCOUNTED},
    "by": asking.one_of(*journey_flow.BY),
}


def tables(period: Period, now: datetime, narrowed: Mapping[str, str]) -> Sequence[Table]:
    """Of the journeys that the list has when it is narrowed so."""
    found = journey_flow.build(period, narrowed).flow
    if found is None:
        return []
    note = _("Journeys that began in the period, by their outcome within %(days)s days.") % {"days": period.window}
    turns = flow_compared.build(period, narrowed, found)
    return [_by_outcome(found, note), _flows(found, note), *([_turns(turns, period)] if turns else [])]


def _flows(found: Flow, note: str) -> Table:
    columns = (
        Column("from", _("From")),
        Column("from_name", _("In words")),
        Column("to", _("To")),
        Column("to_name", _("In words")),
        Column("journeys", _("Of all journeys")),
    )
    rows = [(link.source.key, link.source.name, link.target.key, link.target.name, link.share) for link in found.links]
    return Table("flows", _("From the beginning to the end"), columns, rows, note)


def _by_outcome(found: Flow, note: str) -> Table:
    told = []
    for key, (name, _narrowed) in flow.outcomes().items():
        outcome = "" if key == journeys.IMMATURE else key
        linkable, unlinkable = found.ended.get((outcome, True), 0), found.ended.get((outcome, False), 0)
        told.append((key, name, linkable, unlinkable, Rate(linkable + unlinkable, found.journeys)))
    columns = (
        Column("outcome", _("Outcome")),
        Column("name", _("In words")),
        Column("linkable", _("Linkable")),
        Column("unlinkable", _("Not linkable")),
        Column("journeys", _("Of all journeys")),
    )
    return Table("outcomes", _("How journeys ended"), columns, told, note)


def _turns(turns: Sequence[Turn], period: Period) -> Table:
    columns = (
        Column("outcome", _("Outcome")),
        Column("name", _("In words")),
        Column("of", _("Of which journeys")),
        Column("now", _("These days")),
        Column("before", _("Before")),
        Column("points", _("Difference, points")),
        Column("low", _("Difference, lower end")),
        Column("high", _("Difference, upper end")),
    )
    then = period.before()
    note = _("Against %(first)s to %(last)s. It says nothing of a cause.") % {"first": then.first, "last": then.last}
    return Table("turns", _("How they ended, against the days before"), columns, [_turn(turn) for turn in turns], note)


def _turn(turn: Turn) -> tuple[Value, ...]:
    interval = turn.interval
    points = (turn.points, interval.low, interval.high) if interval else (None, None, None)
    of = "linkable" if turn.narrowed.get("linkable") else "mature"
    told: tuple[str | Guarded, ...] = (turn.outcome, turn.text, of, turn.now, turn.before)
    return (*told, *(None if point is None else round(100 * point, 2) for point in points))

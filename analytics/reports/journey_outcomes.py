"""The report "journeys": how the journeys of a period ended, from the counts of its days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Sum
from django.utils.translation import gettext as _

from analytics.models import JourneyDay, Outcome
from analytics.periods import Period
from analytics.reports import journeys
from analytics.reports.tables import Column, Table
from analytics.stats.proportions import Rate


def tables(period: Period, now: datetime) -> Sequence[Table]:
    """Each outcome, by whether we would have known of a contact."""
    return [by_outcome(period)]


def by_outcome(period: Period) -> Table:
    counted = (
        JourneyDay.objects.filter(window=period.window, day__range=(period.first, period.last))
        .values_list("outcome", "is_linkable")
        .annotate(number=Sum("journeys"))
    )
    found: dict[tuple[str, bool], int] = {(outcome, linkable): number for outcome, linkable, number in counted}
    total = sum(found.values())
    names = {**{value: str(label) for value, label in Outcome.choices}, "": _("too early to say")}
    rows = []
    for outcome, name in names.items():
        linkable, unlinkable = found.get((outcome, True), 0), found.get((outcome, False), 0)
        both = linkable + unlinkable
        rows.append((outcome or journeys.IMMATURE, name, linkable, unlinkable, both, Rate(both, total)))
    return Table(
        name="outcomes",
        title=_("How journeys ended"),
        columns=(
            Column("outcome", _("Outcome")),
            Column("name", _("In words")),
            Column("linkable", _("Linkable")),
            Column("unlinkable", _("Not linkable")),
            Column("journeys", _("Journeys")),
            Column("share", _("Of all journeys")),
        ),
        rows=rows,
        note=_("Journeys that began in the period, by their outcome within %(days)s days.") % {"days": period.window},
    )

"""The send ledger's totals of a period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from analytics.periods import Period
from analytics.reports.tables import Column, Table
from analytics.stats.proportions import Rate
from notifications import ledger
from notifications.ledger import Asked, Totals
from notifications.ledger_outcomes import Outcome


def build(period: Period, *, now: datetime) -> Totals:
    """All that was planned in the period, counted to the last row."""
    asked = Asked(since=period.start, until=period.end)
    return ledger.totals(asked, now=now, with_people=False, all_of_them=True)


def as_text(totals: Totals, period: Period) -> str:
    """For people."""
    lines = [f"Send ledger, planned {period.first} to {period.last}: {totals.eligible} eligible, {totals.sent} sent"]
    lines += [
        f"  {outcome.label:<26}{count:>9} of {totals.eligible}" for outcome, count in totals.outcomes.items() if count
    ]
    return "\n".join([*lines, ""])


def tables(period: Period, now: datetime) -> Sequence[Table]:
    """What was planned and sent, the outcomes, and the reasons of those that have some."""
    totals = build(period, now=now)
    planned = _("Of all people, episodes and rules that were planned in the period.")
    reasons = [
        (outcome.value, code, Rate(count, totals.eligible))
        for (outcome, code), count in sorted(totals.reasons.items())
        if code and count and outcome != Outcome.QUIET
    ]
    return [
        Table(
            name="totals",
            title=_("Planned and sent"),
            columns=(Column("eligible", _("Planned")), Column("sent", _("Sent"))),
            rows=[(totals.eligible, Rate(totals.sent, totals.eligible))],
            note=planned,
        ),
        Table(
            name="outcomes",
            title=_("What became of every planned message"),
            columns=(
                Column("outcome", _("Outcome")),
                Column("name", _("In words")),
                Column("messages", _("Of all planned")),
            ),
            rows=[
                (outcome.value, str(outcome.label), Rate(count, totals.eligible))
                for outcome, count in totals.outcomes.items()
            ],
            note=planned,
        ),
        Table(
            name="reasons",
            title=_("Why"),
            columns=(Column("outcome", _("Outcome")), Column("reason", _("Reason")), Column("messages", _("Of all"))),
            rows=reasons,
            note=planned,
        ),
    ]

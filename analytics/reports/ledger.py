"""The send ledger's totals of a period, for `manage.py report ledger`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from analytics.periods import Period
from notifications import ledger
from notifications.ledger import Asked, Totals
from notifications.ledger_outcomes import Outcome


def build(period: Period, *, now: datetime) -> Totals:
    """All that was planned in the period, counted to the last row."""
    asked = Asked(since=period.start, until=period.end)
    return ledger.totals(asked, now=now, with_people=False, all_of_them=True)


def as_data(totals: Totals) -> dict[str, Any]:
    """For machines. The outcomes add up to `eligible`, and the reasons of an outcome, where it has some, to it."""
    reasons: dict[str, dict[str, int]] = {}
    for (outcome, code), count in sorted(totals.reasons.items()):
        if code and count and outcome != Outcome.QUIET:
            reasons.setdefault(outcome.value, {})[code] = count
    return {
        "eligible": totals.eligible,
        "sent": totals.sent,
        "outcomes": {outcome.value: count for outcome, count in totals.outcomes.items()},
        "reasons": reasons,
    }


def as_text(totals: Totals, period: Period) -> str:
    """For people."""
    lines = [f"Send ledger, planned {period.first} to {period.last}: {totals.eligible} eligible, {totals.sent} sent"]
    lines += [
        f"  {outcome.label:<26}{count:>9} of {totals.eligible}" for outcome, count in totals.outcomes.items() if count
    ]
    return "\n".join([*lines, ""])

"""Every report by its name. One line each; a report's module says what it has."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from analytics.reports import (
    effects,
    experiments,
    flow,
    ledger,
    messages,
    search_learning,
    search_tables,
)
from analytics.reports.tables import Report

REPORTS: dict[str, Report] = {
    "journeys": Report("journeys", _("Journeys: how they began and ended"), "journeys", flow.tables, "Outcome"),
    "experiments": Report(
        "experiments", _("A/B tests of articles"), "experiments", experiments.tables, "Verdict of a test"
    ),
    "messages": Report("messages", _("Messages by rule"), "messages", messages.tables, "Effect of a message"),
    "ledger": Report("ledger", _("What became of every planned message"), "ledger", ledger.tables, "Messages"),
    "search_health": Report(
        "search_health", _("Search health"), "search-health", search_tables.tables, "Search health"
    ),
    "search_learning": Report(
        "search_learning", _("Whether the learnt ranking of search helps"), "search", search_learning.tables
    ),
    "effects": Report("effects", _("Effects"), "effects", effects.tables, "Effects"),
}

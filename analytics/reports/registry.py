"""Every report by its name. One line each; a report's module says what it has."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from analytics.reports import (
    autopsy,
    contacts,
    experiments,
    guard_rails,
    journey_outcomes,
    ledger,
    messages,
    overview,
    search_learning,
)
from analytics.reports.tables import Report

REPORTS: dict[str, Report] = {
    "overview": Report("overview", _("Overview"), "home", overview.tables, "Three things to do"),
    "contacts": Report("contacts", _("Contacts by reason"), "home", contacts.tables, "Contacts by reason"),
    "autopsy": Report("autopsy", _("Contact autopsy"), "autopsy", autopsy.tables, "Contact autopsy"),
    "guard_rails": Report("guard_rails", _("Guard-rails"), "home", guard_rails.tables, "Guard-rails"),
    "journeys": Report("journeys", _("How journeys ended"), "journeys", journey_outcomes.tables, "Outcome"),
    "experiments": Report(
        "experiments", _("A/B tests of articles"), "experiments", experiments.tables, "Verdict of a test"
    ),
    "messages": Report("messages", _("Messages by rule"), "messages", messages.tables, "Effect of a message"),
    "ledger": Report("ledger", _("What became of every planned message"), "ledger", ledger.tables, "Messages"),
    "search_learning": Report(
        "search_learning", _("Whether the learnt ranking of search helps"), "search", search_learning.tables
    ),
}

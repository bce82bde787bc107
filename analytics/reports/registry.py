"""Every report by its name. One line each; a report's module says what it has."""

from __future__ import annotations

from analytics.reports.tables import Report

REPORTS: dict[str, Report] = {}

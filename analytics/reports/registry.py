"""Every report by its name. One line each; a report's module says what it has."""

from __future__ import annotations

from analytics.reports import article_tables
from analytics.reports.tables import Report

REPORTS: dict[str, Report] = {
    "articles": article_tables.ARTICLES,
    "article_edits": article_tables.EDITS,
}

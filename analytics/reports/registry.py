"""Every report by its name. One line each; a report's module says what it has."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from analytics.reports import effects
from analytics.reports.tables import Report

REPORTS: dict[str, Report] = {
    "effects": Report("effects", str(_("Effects")), "effects", effects.tables, "Effect of a message"),
}

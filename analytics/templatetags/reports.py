"""Where a report's tables can be taken from."""

from __future__ import annotations

from django import template
from django.urls import reverse

from analytics.periods import Period
from analytics.reports.registry import REPORTS

register = template.Library()


@register.simple_tag
def report_files(name: str, period: Period) -> dict[str, str]:
    """The addresses of its files and of the API about the period; none where there is no such report."""
    if name not in REPORTS:
        return {}
    return {
        "files": period.address(reverse("desk:report", args=[name])),
        "api": period.address(reverse("api:report", args=[name])),
    }

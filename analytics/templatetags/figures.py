"""Charts on a page."""

from __future__ import annotations

import math
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from analytics.figures import Chart, Kind, MarkKind, Number, Series

register = template.Library()

MARK_NAMES = {
    MarkKind.ARTICLE: _("Article"),
    MarkKind.INCIDENT: _("Incident"),
    MarkKind.EXPERIMENT: _("Test"),
    MarkKind.RELEASE: _("Release"),
}


@register.inclusion_tag("desk/_partials/chart.html")
def chart(figure: Chart) -> dict[str, Any]:
    """A chart with its table, what happened meanwhile, and the ways to take it along."""
    rows = zip(figure.points, *(series.cells for series in figure.series), strict=True)
    return {
        "figure": figure,
        "data": figure.data | {"texts": _texts()},
        "head": [_head(series, figure.unit) for series in figure.series],
        "rows": [(point, [_cell(figure, cell) for cell in cells]) for point, *cells in rows],
        "marks": [(mark, MARK_NAMES[mark.kind], figure.points[index]) for index, mark in figure.placed],
        "is_intervals": figure.kind is Kind.INTERVALS,
    }


def _head(series: Series, unit: str) -> str:
    return f"{series.name} ({unit})" if unit else series.name


def _cell(figure: Chart, cell: tuple[Number, Number, Number]) -> str:
    value, low, high = (None if number is None else _shown(number, figure.decimals) for number in cell)
    if value is None:
        return "–"
    return f"{value} ({low} {_('to')} {high})" if low is not None and high is not None else value


def _shown(number: float, decimals: int) -> str:
    """With commas at thousands and a true minus; −0.0 is 0.0."""
    if not math.isfinite(number):
        return "–"
    text = number_format(abs(number), decimals, use_l10n=True, force_grouping=True)
    return f"−{text}" if number < 0 and float(f"{number:.{decimals}f}") else text


def _texts() -> dict[str, str]:
    """The words that chart.js says."""
    said = {
        "to": _("to"),
        "none": _("no figure"),
        "low": _("lower bound"),
        "high": _("upper bound"),
        "opens": _("Enter opens the rows."),
        "more": _("and %(number)s more"),
        "marks": _("Meanwhile"),
        **{f"mark_{kind.value}": name for kind, name in MARK_NAMES.items()},
    }
    return {key: str(text) for key, text in said.items()}

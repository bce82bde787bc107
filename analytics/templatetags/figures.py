"""Charts on a page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from analytics.figures import Chart, MarkKind, Number

register = template.Library()

MARK_NAMES = {
    MarkKind.ARTICLE: _("Article"),
    MarkKind.INCIDENT: _("Incident"),
    MarkKind.EXPERIMENT: _("Test"),
    MarkKind.SEARCH: _("Search"),
    MarkKind.RELEASE: _("Release"),
}


@register.inclusion_tag("desk/_partials/chart.html")
def chart(figure: Chart) -> dict[str, Any]:
    """A chart with its table, what happened meanwhile, and the ways to take it along."""
    columns = [(series.name, series.cells) for series in figure.series]
    if figure.totals is not None:
        columns.insert(0, (gettext("All"), [(total, None, None) for total in figure.totals]))
    rows = zip(figure.points, *(cells for _name, cells in columns), strict=True)
    return {
        "figure": figure,
        "data": figure.data | {"texts": _texts(figure)},
        "head": [name for name, _cells in columns],
        "rows": [(point, [_cell(figure, cell) for cell in cells]) for point, *cells in rows],
        "marks": [(mark, MARK_NAMES[mark.kind]) for _index, mark in figure.placed],
    }


def _cell(figure: Chart, cell: tuple[Number, Number, Number]) -> str:
    value, low, high = (None if number is None else _shown(number, figure.decimals) for number in cell)
    if value is None:
        return "–"
    return f"{value} ({low} {_('to')} {high})" if low is not None and high is not None else value


def _shown(number: float, decimals: int) -> str:
    """Rounded, with commas at thousands and a true minus; −0.04 of one decimal is 0.0."""
    rounded = round(Decimal(number), decimals)
    text = str(number_format(abs(rounded), decimals, use_l10n=True, force_grouping=True))
    return f"−{text}" if rounded < 0 else text


def _texts(figure: Chart) -> dict[str, str]:
    """The words that chart.js says."""
    said = {
        "to": _("to"),
        "all": _("All"),
        "none": _("no figure"),
        "low": _("lower bound"),
        "high": _("upper bound"),
        "opens": _("Enter opens the rows."),
        "link": figure.opens or _("Show the rows"),
        "more": _("and %(number)s more"),
        "marks": _("Meanwhile"),
        **{f"mark_{kind.value}": name for kind, name in MARK_NAMES.items()},
    }
    return {key: str(text) for key, text in said.items()}

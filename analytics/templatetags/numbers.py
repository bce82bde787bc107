"""Numbers on a page: each opens the rows that it counts, and says how it could mislead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics import charts, definitions
from analytics.periods import Period
from analytics.reports.contacts import UNCODED, Day, ReasonRow

register = template.Library()

_SERIES = 4
_ENOUGH = 20


@register.simple_tag(takes_context=True)
def rows_url(context: Mapping[str, Any], target: str, **narrowed: object) -> str:
    """The address of a list about the page's period: `desk:<target>` narrowed by the parameters given."""
    period: Period = context["period"]
    return _address(period, target, narrowed)


@register.simple_tag(takes_context=True)
def opens(context: Mapping[str, Any], number: int, target: str, **narrowed: object) -> SafeString | str:
    """The number, as a link to the rows that it counts where the reader may open them and there are any."""
    text = intcomma(number)
    if not number or not context["may_open_rows"]:
        return text
    return format_html('<a href="{}">{}</a>', _address(context["period"], target, narrowed), text)


@register.simple_tag(takes_context=True)
def opens_before(context: Mapping[str, Any], number: int, target: str, **narrowed: object) -> SafeString | str:
    """opens() about as many days before the period."""
    before = {"period": context["period"].before(), "may_open_rows": context["may_open_rows"]}
    return opens(before, number, target, **narrowed)


@register.filter
def percent(share: float | None) -> str:
    """0.0412 -> 4.1; a dash where there is nothing to share."""
    return "–" if share is None else f"{100 * share:.1f}"


@register.filter
def signed(number: float) -> str:
    """With its sign, whole: −38, +4, 0."""
    whole = round(number)
    return f"−{abs(whole)}" if whole < 0 else f"+{whole}" if whole else "0"


@register.filter
def change(row: ReasonRow) -> str:
    """Now against before: in percent where there was enough before for it to mean something, else in contacts."""
    if row.before < _ENOUGH:
        return signed(row.now - row.before)
    return f"{signed(100 * (row.now - row.before) / row.before)} %"


@register.inclusion_tag("desk/_partials/caveat.html")
def caveat(title: str) -> dict[str, Any]:
    """How the number of this section of docs/metrics.md could mislead."""
    return {"definition": definitions.doc().definitions[title]}


@register.inclusion_tag("desk/_partials/days_chart.html", takes_context=True)
def days_chart(context: Mapping[str, Any], days: Sequence[Day], reasons: Sequence[ReasonRow]) -> dict[str, Any]:
    """Contacts of each day by topic: the largest topics by name, the others together, the uncoded apart."""
    topics = [row for row in reasons if row.depth == 0 and row.code != UNCODED and row.now]
    named = [(row.code, row.name) for row in topics[:_SERIES]]
    order = {code: index for index, (code, _name) in enumerate(named)}
    others = {row.code: _SERIES for row in topics[_SERIES:]} if len(topics) > _SERIES else {}
    series = [(index + 1, name) for index, (_code, name) in enumerate(named)]
    if others:
        series.append((_SERIES + 1, _("Other topics")))
    if any(UNCODED in day.by_topic for day in days):
        series.append((_SERIES + 2, _("Uncoded")))
    where = order | others | {UNCODED: _SERIES + 1}
    columns: list[dict[int, int]] = []
    for day in days:
        column: dict[int, int] = {}
        for code, number in day.by_topic.items():
            column[where[code]] = column.get(where[code], 0) + number
        columns.append(column)
    chart = charts.stacked(columns)
    drawn = [
        {
            "bar": bar,
            "centre": round(bar.x + bar.width / 2, 2),
            "name": _span(day),
            "short": date_format(day.first, "j M"),
            "url": _contacts_of(context["period"], day) if bar.total and context["may_open_rows"] else "",
            "parts": [column.get(index - 1, 0) for index, _name in series],
        }
        for bar, day, column in zip(chart.bars, days, columns, strict=True)
    ]
    last = len(drawn) - 1
    labelled = {0, last // 2, last}
    return {
        "chart": chart,
        "days": drawn,
        "labels": [day for index, day in enumerate(drawn) if index in labelled],
        "series": series,
        "total": sum(bar.total for bar in chart.bars),
        "width": int(charts.WIDTH),
        "height": int(charts.HEIGHT),
    }


@register.inclusion_tag("desk/_partials/whisker.html")
def whisker(prevented: Any) -> dict[str, Any]:
    """The interval of an effect, with 0 on its axis."""
    interval = prevented.interval
    return {
        "drawn": charts.whisker(interval.low, prevented.per_1000, interval.high),
        "prevented": prevented,
        "width": int(charts.WIDTH),
    }


def _address(period: Period, target: str, narrowed: Mapping[str, object]) -> str:
    url = reverse(f"desk:{target}")
    if target == "contacts":  # another room's list: it knows days by its own names, and no window
        given = {key: str(value) for key, value in narrowed.items() if value is not None}
        return f"{url}?{urlencode(given | {'since': period.first.isoformat(), 'until': period.last.isoformat()})}"
    return period.address(url, **narrowed)


def _contacts_of(period: Period, day: Day) -> str:
    return _address(Period(day.first, day.last, period.window), "contacts", {})


def _span(day: Day) -> str:
    first, last = date_format(day.first, "j M Y"), date_format(day.last, "j M Y")
    return first if first == last else f"{first} – {last}"

"""A guard-rail's numbers on a page: each opens its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics.periods import Period
from analytics.reports import guard_rail_rows
from analytics.reports.guard_rails import Rail, Row
from analytics.stats.counts import Change, PerUnit
from analytics.stats.proportions import Interval, Rate
from analytics.templatetags.numbers import points, times_range

register = template.Library()


@dataclass(frozen=True)
class Span:
    """What a guard-rail says of some days; its numbers as links where the reader may open them."""

    value: Rate | PerUnit | None
    hits: SafeString | str
    of: SafeString | str
    told: Rate | None
    could_tell: SafeString | str


@register.simple_tag(takes_context=True)
def rail_spans(context: Mapping[str, Any], row: Row) -> list[Span]:
    """These days and those before."""
    period: Period = context["period"]
    known = {which for which, _title in guard_rail_rows.choices(row.rail)}

    def number(shown: Period, which: str, many: int) -> SafeString | str:
        text = intcomma(many)
        if not many or not context["may_open_rows"]:
            return text
        if row.rail is Rail.OPENED and which == guard_rail_rows.OF:
            return _link(shown.address(reverse("desk:journeys")), text)
        if which not in known:
            return text
        return _link(shown.address(reverse("desk:guard-rail", args=[row.rail]), which=which), text)

    return [
        Span(
            value,
            number(shown, guard_rail_rows.HITS, value.hits if value else 0),
            number(shown, guard_rail_rows.OF, value.of if value else 0),
            told,
            number(shown, guard_rail_rows.COULD_TELL, told.of if told else 0),
        )
        for shown, value, told in (
            (period, row.now, row.told),
            (period.before(), row.before, row.told_before),
        )
    ]


@register.filter
def change_range(change: Interval | Change) -> str:
    """The interval of a guard-rail's change: of shares in points, of counts in percent."""
    if isinstance(change, Change):
        return times_range(change)
    return _("%(low)s to %(high)s points") % {"low": points(change.low), "high": points(change.high)}


def _link(url: str, text: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, text)

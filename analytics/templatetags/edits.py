"""The numbers before and after a change of a text on a page: each opens its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics.reports.article_edits import Compared, Edit
from analytics.reports.guard_rail_rows import HITS, OF
from analytics.reports.guard_rails import Rail
from analytics.reports.spells import SIDES
from analytics.stats.proportions import Rate

register = template.Library()

# What the hits and the whole of a number are, as the list of journeys is narrowed to them.
_JOURNEYS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "contact": ({"outcome": "contacted", "linkable": "yes"}, {"mature": "yes", "linkable": "yes"}),
    "confirmed": ({"outcome": "confirmed"}, {"mature": "yes"}),
}


@dataclass(frozen=True)
class Side:
    """One number on one side of a change; its counts as links where the reader may open them."""

    rate: Rate
    hits: SafeString | str
    of: SafeString | str


@register.simple_tag(takes_context=True)
def edit_side(context: Mapping[str, Any], article_id: int, edit: Edit, number: Compared, side: str) -> Side:
    """`side`: before or after."""
    place = SIDES.index(side)
    rate = (number.before, number.after)[place]
    span, text = edit.spans[place], {"edit": edit.key, "side": side}

    def link(many: int, is_hit: bool) -> SafeString | str:
        shown = intcomma(many)
        if not many or not context["may_open_rows"]:
            return shown
        if number.key in _JOURNEYS:
            narrowed = _JOURNEYS[number.key][0 if is_hit else 1]
            url = span.address(reverse("desk:journeys"), article=article_id, **text, **narrowed)
        else:
            url = span.address(reverse("desk:guard-rail", args=[Rail.NO_VOTES]), which=HITS if is_hit else OF, **text)
        return format_html('<a href="{}">{}</a>', url, shown)

    return Side(rate, link(rate.hits, is_hit=True), link(rate.of, is_hit=False))

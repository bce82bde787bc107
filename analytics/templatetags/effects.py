"""Money and the numbers of the causal ledger on a page."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics.reports.effect_entries import Money
from analytics.stats.proportions import Rate
from analytics.templatetags.numbers import points

register = template.Library()


@register.filter
def money(given: Money) -> str:
    """1,234 EUR; a small amount with its cents. Rounded down: it is a bound."""
    step = Decimal(1) if abs(given.amount) >= 100 else Decimal("0.01")
    shown = given.amount.quantize(step, rounding=ROUND_FLOOR)
    text = number_format(shown, 0 if step == 1 else 2, use_l10n=True, force_grouping=True)
    return f"{text}\u00a0{given.currency}"


@register.filter
def amount(given: Decimal) -> str:
    """4.20; with what it has of further places."""
    text = f"{given.normalize():f}"
    whole, _sep, places = text.partition(".")
    return f"{int(whole):,}.{places:0<2}"


@register.simple_tag
def number_of(number: int, url: str | None) -> SafeString | str:
    """A number, as a link to its rows where there are any."""
    text = f"{number:,}"
    return format_html('<a href="{}">{}</a>', url, text) if url and number else text


@register.filter
def point_ends(end: float) -> str:
    """An end of an interval in points: −1.2, +0.4, 0.0."""
    return points(end / 100)


@register.filter
def per_1000(rate: Rate) -> str:
    """Of an arm: how many of 1,000 contacted us; a dash where there is nobody."""
    return "–" if rate.per_1000 is None else f"{rate.per_1000:,.0f}"

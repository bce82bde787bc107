"""Numbers of search health, each opening on the searches that it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics.periods import Period
from analytics.reports import search_rows
from analytics.reports.search_counts import LEAST
from analytics.reports.search_health import Cluster
from analytics.stats.proportions import Rate

register = template.Library()
_MOST_KEYS = 60


@register.simple_tag(takes_context=True)
def searches_url(context: Mapping[str, Any], what: str) -> str:
    """The newest searches of the page's period, those to which `what` happened."""
    return _all(context["period"], what)


def _all(period: Period, what: str) -> str:
    return period.address(reverse("desk:search-query"), what=what or None)


@register.simple_tag(takes_context=True)
def language_url(context: Mapping[str, Any], locale: str, what: str = "") -> str:
    """The same of one language of the page."""
    given = context["period"].query | {"locale": locale} | ({"what": what} if what else {})
    return f"{reverse('desk:search-query')}?{urlencode(given)}"


@register.simple_tag(takes_context=True)
def cluster_url(context: Mapping[str, Any], cluster: Cluster, what: str = "") -> str:
    """The page about like queries together, with its rows narrowed to those to which `what` happened."""
    keys = [("key", query.key) for query in cluster.queries[:_MOST_KEYS]]
    given = [*context["period"].query.items(), ("lang", cluster.locale), *keys, *([("what", what)] if what else [])]
    return f"{reverse('desk:search-query')}?{urlencode(given)}" + ("#h-rows" if what else "")


@register.simple_tag
def rows_of(number: int, url: str) -> SafeString | str:
    """The number, as a link to its rows where there are any."""
    return format_html('<a href="{}">{}</a>', url, intcomma(number)) if number and url else intcomma(number)


@register.inclusion_tag("desk/_partials/search_rate.html", takes_context=True)
def language_rate(context: Mapping[str, Any], rate: Rate, locale: str, what: str) -> dict[str, Any]:
    """A share with its counts and interval in a cell of a table; counts alone where there were too few."""
    return _linked(rate, what, lambda word: language_url(context, locale, word))


@register.inclusion_tag("desk/_partials/search_rate.html", takes_context=True)
def cluster_rate(context: Mapping[str, Any], rate: Rate, cluster: Cluster, what: str) -> dict[str, Any]:
    """The same of like queries."""
    return _linked(rate, what, lambda word: f"{cluster_url(context, cluster, word).removesuffix('#h-rows')}#h-rows")


def _linked(rate: Rate, what: str, address: Callable[[str], str]) -> dict[str, Any]:
    """The searches that the rate counts, and those that it is of."""
    return {"rate": rate, "url": address(what), "url_of": address(search_rows.OF[what]), "least": LEAST}


@register.inclusion_tag("desk/_partials/search_stat.html", takes_context=True)
def search_stat(
    context: Mapping[str, Any], name: str, rate: Rate, before: Rate | str, what: str, **more: Any
) -> dict[str, Any]:
    """The same as a tile, against the days compared."""
    then = context["period"].before()
    return {
        "name": name,
        "before": before or None,
        **_linked(rate, what, lambda word: searches_url(context, word)),
        "url_before": _all(then, what),
        "url_before_of": _all(then, search_rows.OF[what]),
        "url_left_out": searches_url(context, "with_passage"),
        **more,
    }


@register.simple_tag
def share_in_words(rate: Rate) -> str:
    """4.1 % (12 of 290; 2.4 to 7.1 %), or the counts alone where there were too few."""
    counts = _("%(hits)s of %(of)s") % {"hits": intcomma(rate.hits), "of": intcomma(rate.of)}
    if rate.of < LEAST:
        return counts
    return _("%(share)s %% (%(counts)s; %(low)s to %(high)s %%)") % {
        "share": f"{rate.percent:.1f}",
        "counts": counts,
        "low": f"{100 * rate.interval.low:.1f}",
        "high": f"{100 * rate.interval.high:.1f}",
    }


@register.simple_tag(takes_context=True)
def query_url(context: Mapping[str, Any], locale: str, key: str) -> str:
    """The page about one query."""
    return str(context["period"].address(reverse("desk:search-query"), lang=locale, key=key))


@register.inclusion_tag("desk/_partials/search_stat.html", takes_context=True)
def query_stat(context: Mapping[str, Any], name: str, rate: Rate, what: str, **more: Any) -> dict[str, Any]:
    """A tile of the page about a query, that narrows the rows below it."""

    def address(word: str) -> str:
        given = context["request"].GET.copy()
        given.pop("older", None)
        given["what"] = word
        return f"?{given.urlencode()}#h-rows"

    return {"name": name, **_linked(rate, what, address), "url_left_out": address("with_passage"), **more}

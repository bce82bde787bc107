"""Numbers of search health, each opening on the searches that it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics.reports.search_counts import LEAST
from analytics.reports.search_health import Cluster
from analytics.stats.proportions import Rate

register = template.Library()
_MOST_KEYS = 60


@register.simple_tag(takes_context=True)
def searches_url(context: Mapping[str, Any], what: str) -> str:
    """The newest searches of the page's period, those to which `what` happened."""
    return str(context["period"].address(reverse("desk:search-query"), what=what or None))


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


@register.inclusion_tag("desk/_partials/search_rate.html")
def search_rate(rate: Rate, url: str = "") -> dict[str, Any]:
    """A share with its counts and interval in a cell of a table; counts alone where there were too few."""
    return {"rate": rate, "url": url, "least": LEAST}


@register.inclusion_tag("desk/_partials/search_stat.html", takes_context=True)
def search_stat(
    context: Mapping[str, Any], name: str, rate: Rate, before: Rate | str, what: str, **more: Any
) -> dict[str, Any]:
    """The same as a tile, against the days compared."""
    return {
        "name": name,
        "rate": rate,
        "before": before or None,
        "url": searches_url(context, what),
        "least": LEAST,
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
    given = context["request"].GET.copy()
    given["what"] = what
    return {"name": name, "rate": rate, "url": f"?{given.urlencode()}#h-rows", "least": LEAST, **more}

"""Numbers on a page: each opens the rows that it counts, and says how it could mislead."""

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

from analytics import definitions
from analytics.periods import Period
from analytics.reports import effects_compared
from analytics.reports.contacts import ReasonRow
from analytics.reports.data_health_compared import Share
from analytics.reports.flow_compared import Turn
from analytics.reports.journeys import Guarded
from analytics.stats.counts import Change
from analytics.stats.proportions import Rate

register = template.Library()

_ENOUGH = 20
_TIMES_TOLD = 10


@register.simple_tag(takes_context=True)
def rows_url(context: Mapping[str, Any], target: str, **narrowed: object) -> str:
    """The address of a list about the page's period: `desk:<target>` narrowed by the parameters given."""
    period: Period = context["period"]
    return _address(period, target, _in_language(context, target, narrowed))


@register.simple_tag(takes_context=True)
def scorecard_url(context: Mapping[str, Any], article_id: int) -> str:
    """The page of one article's results, about the page's period."""
    period: Period = context["period"]
    return period.address(reverse("desk:article-scorecard", args=[article_id]))


@register.simple_tag(takes_context=True)
def opens(context: Mapping[str, Any], number: int, target: str, **narrowed: object) -> SafeString | str:
    """The number, as a link to the rows that it counts where the reader may open them and there are any."""
    text = intcomma(number)
    if not number or not context["may_open_rows"]:
        return text
    url = _address(context["period"], target, _in_language(context, target, narrowed))
    return format_html('<a href="{}">{}</a>', url, text)


@register.simple_tag(takes_context=True)
def opens_of_article(
    context: Mapping[str, Any], number: int, article_id: int, which: str, **narrowed: object
) -> SafeString | str:
    """opens() of what readers said of an article, or of the openings from a search that led to it."""
    text = intcomma(number)
    if not number or not context["may_open_rows"]:
        return text
    url = context["period"].address(reverse("desk:article-rows", args=[article_id, which]), **narrowed)
    return format_html('<a href="{}">{}</a>', url, text)


@register.simple_tag(takes_context=True)
def opens_before(context: Mapping[str, Any], number: int, target: str, **narrowed: object) -> SafeString | str:
    """opens() about as many days before the period."""
    kept = {name: context.get(name, "") for name in ("may_open_rows", "journeys_in")}
    before = {"period": context["period"].before(), **kept}
    return opens(before, number, target, **narrowed)


@register.simple_tag(takes_context=True)
def turn_sides(context: Mapping[str, Any], turn: Turn) -> list[dict[str, Any]]:
    """Both shares of an outcome, now and before, with their counts as links to the journeys of the page."""
    asked = dict(context["narrowing"])

    def side(guarded: Guarded, show: Callable[..., SafeString | str]) -> dict[str, Any]:
        rate = guarded.rate
        hits = show(context, rate.hits, "journeys", **(asked | dict(turn.narrowed)))
        return {
            "guarded": guarded,
            "hits": hits,
            "of": show(context, rate.of, "journeys", **(asked | dict(turn.narrowed_of))),
        }

    return [side(turn.now, opens), side(turn.before, opens_before)]


@register.simple_tag(takes_context=True)
def share_sides(context: Mapping[str, Any], share: Share) -> list[dict[str, Any]]:
    """A share now and before, with its counts as links to their rows, where a page has them."""

    def side(rate: Rate, show: Callable[..., SafeString | str]) -> dict[str, Any]:
        if not share.target:
            return {"rate": rate, "hits": intcomma(rate.hits), "of": intcomma(rate.of)}
        hits = show(context, rate.hits, share.target, **share.narrowed)
        return {"rate": rate, "hits": hits, "of": show(context, rate.of, share.target, **share.whole)}

    return [side(share.now, opens), side(share.before, opens_before)]


@register.simple_tag(takes_context=True)
def effect_sides(context: Mapping[str, Any], turn: effects_compared.Turn) -> list[dict[str, Any]]:
    """An effect now and before, with the people of both arms as links to their rows."""

    def side(of: effects_compared.Side, show: Callable[..., SafeString | str]) -> dict[str, Any]:
        def arm(rate: Rate, name: str) -> dict[str, Any]:
            narrowed = {**turn.narrowed, "arm": name, "new": "yes"}
            hits = show(context, rate.hits, turn.target, **narrowed, contacted="yes")
            return {"rate": rate, "hits": hits, "of": show(context, rate.of, turn.target, **narrowed)}

        return {
            "prevented": of.prevented,
            "is_blocked": of.is_blocked,
            "without": arm(of.without, turn.arms[0]),
            "with": arm(of.treated, turn.arms[1]),
        }

    return [side(turn.now, opens), side(turn.before, opens_before)]


@register.filter
def percent(share: float | None) -> str:
    """0.0412 -> 4.1; a dash where there is nothing to share."""
    return "–" if share is None else f"{100 * share:.1f}"


@register.filter
def interval(rate: Rate) -> str:
    """interval 2.0 to 4.1 %"""
    ends = {"low": percent(rate.interval.low), "high": percent(rate.interval.high)}
    return _("interval %(low)s to %(high)s %%") % ends


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


@register.filter
def times_range(change: Change) -> str:
    """The interval of a change in percent: −12 to +40 %; without an upper end where hardly anything came before."""
    low = signed(100 * (change.interval.low - 1))
    if change.interval.high > _TIMES_TOLD:
        return _("%(low)s %% or more") % {"low": low}
    return _("%(low)s to %(high)s %%") % {"low": low, "high": signed(100 * (change.interval.high - 1))}


@register.filter
def per(ratio: float | None, factor: int) -> str:
    """0.0412 by 100 -> 4.1; a dash where there is nothing to divide by."""
    return "–" if ratio is None else f"{factor * ratio:,.1f}"


@register.inclusion_tag("desk/_partials/caveat.html")
def caveat(title: str) -> dict[str, Any]:
    """How the number of this section of docs/metrics.md could mislead."""
    return {"definition": definitions.doc().definitions[title]}


@register.simple_tag
def definition(title: str) -> str:
    """The address of a section of docs/metrics.md."""
    return f"{reverse('desk:metrics')}#{definitions.doc().definitions[title].anchor}"


@register.filter
def points(share: float | None) -> str:
    """A difference of shares in points: −4.1, +0.3, 0.0; a dash where there is none."""
    if share is None:
        return "–"
    rounded = round(100 * share, 1)
    return f"−{abs(rounded):.1f}" if rounded < 0 else f"+{rounded:.1f}" if rounded else "0.0"


def _in_language(context: Mapping[str, Any], target: str, narrowed: Mapping[str, object]) -> Mapping[str, object]:
    """On a page whose journeys are those of one language, so are the ones that a number opens."""
    language = context.get("journeys_in") if target == "journeys" else ""
    return {"lang": language, **narrowed} if language else narrowed


def _address(period: Period, target: str, narrowed: Mapping[str, object]) -> str:
    url = reverse(f"desk:{target}")
    if target == "contacts":  # another room's list: it knows days by its own names, and no window
        given = period.segment.query | {key: str(value) for key, value in narrowed.items() if value is not None}
        return f"{url}?{urlencode(given | {'since': period.first.isoformat(), 'until': period.last.isoformat()})}"
    return period.address(url, **narrowed)

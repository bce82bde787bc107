"""The figures of a test's plan, in words."""

from __future__ import annotations

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

from analytics import experiment_plans
from analytics.experiment_plans import Proposal
from kb.models import Metric

register = template.Library()
register.filter("points", experiment_plans.points)


@register.filter
def half(share: float) -> float:
    return share / 2


@register.filter
def whole_percent(share: float) -> int:
    return round(100 * share)


@register.filter
def readers(per_day: float) -> str:
    """Whole from ten a day, else with one decimal."""
    return intcomma(round(per_day)) if per_day >= 10 else f"{per_day:.1f}"


@register.filter
def base_in_words(proposal: Proposal) -> str:
    """How the text of today does by the metric of the plan, with what it is a share of."""
    metric = proposal.wish.metric
    share = proposal.traffic.share(metric)
    if not share.of:
        return _("not known: no reader’s window is over")
    hits = share.of - share.hits if metric == Metric.CONTACT else share.hits
    words = {
        Metric.RESOLUTION: _("%(percent)s %% resolved: %(hits)s of %(of)s readers"),
        Metric.CONTACT: _("%(percent)s %% contacted us about it: %(hits)s of %(of)s readers"),
        Metric.CONFIRMED: _("%(percent)s %% said yes and did not contact us: %(hits)s of %(of)s readers"),
    }[Metric(metric)]
    return words % {"percent": f"{100 * hits / share.of:.1f}", "hits": intcomma(hits), "of": intcomma(share.of)}

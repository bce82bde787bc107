"""The list of A/B tests."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.reports import experiments as report
from analytics.views.experiment_planning import PREPARERS
from core import clock, roles

_PAST = 20


@require_safe
@roles.desk(*PREPARERS)
def page(request: HttpRequest) -> HttpResponse:
    """`only`: a key of report.GROUPS; `q`: words."""
    now = clock.now()
    text = request.GET.get("q", "").replace("\0", "")[:200].strip()
    only = request.GET.get("only", "")
    only = only if only in report.GROUPS else ""
    found = report.found(text)
    names = {
        "needs": _("Needs you: the data are in"),
        "running": _("Running"),
        "drafts": _("Being planned"),
        "past": _("Past"),
    }
    groups, past = [], None
    for key, states in report.GROUPS.items():
        if only and key != only:
            continue
        rows = found.filter(state__in=states)
        if key == "past":
            past = Paginator(rows, _PAST).get_page(request.GET.get("page"))
        groups.append((key, names[key], report.told(list(past if past is not None else rows), now=now)))
    sizes = report.group_sizes(found)
    context = {
        "section": "experiments",
        "groups": [group for group in groups if group[2]],
        "chips": [(key, names[key].partition(":")[0], sizes[key]) for key in report.GROUPS],
        "total": sum(sizes.values()),
        "only": only,
        "q": text,
        "page": past,
        "worth": report.worth_testing(),
        "may_write": roles.may_write(request.user),
        "may_act": roles.may_publish(request.user),
    }
    return render(request, "desk/experiments.html", context)

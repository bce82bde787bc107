"""What a test has shown: its page, a look on demand, and its aggregates as files."""

from __future__ import annotations

import csv
import json
from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analytics import verdicts
from analytics.models import LookKind
from analytics.reports import experiment_page, experiment_result
from analytics.views.desk import READERS as ROWS_READERS
from core import audit, clock, roles
from kb.models import Experiment, ExperimentState, Exposure

READERS = (roles.WRITER, roles.REVIEWER, roles.ANALYST, roles.ADMIN)
_APART = timedelta(minutes=1)  # two people who press at once see one look


@require_safe
@roles.desk(*READERS)
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Of a test that is still being planned: its plan."""
    experiment = _experiment(pk)
    if experiment.state == ExperimentState.DRAFT:
        return redirect("desk:experiment-compare", pk)
    mine = roles.roles_of(request.user)
    result = experiment_page.build(experiment, reader=mine)
    context = {
        "section": "experiments",
        "experiment": experiment,
        "result": result,
        "exposed": Exposure.objects.filter(experiment=experiment).count() if result is None else 0,
        "may_act": roles.may_publish(request.user),
        "may_open_rows": bool(mine & set(ROWS_READERS)),
        "may_look": experiment.started_at is not None
        and not verdicts.is_settled(result.verdict if result else None, experiment),
    }
    return render(request, "desk/experiment.html", context)


@require_POST
@roles.desk(*READERS)
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """Look now, and keep what was seen."""
    experiment = _experiment(pk)
    if experiment.started_at is None:
        raise Http404
    now = clock.now()
    before = verdicts.latest(experiment)
    if before is not None and now - before.at < _APART:
        messages.info(request, _("It was looked at less than a minute ago; this is what it said."))
    else:
        verdict = verdicts.look(experiment, now=now, kind=LookKind.ASKED)
        audit.record(
            roles.user_of(request), "experiment.looked_at", experiment, label=experiment.name, code=verdict.code
        )
    return redirect("desk:experiment", pk)


@require_safe
@roles.desk(*READERS)
def export(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The aggregates of the newest look: cells as CSV, or everything as JSON with what each look said."""
    experiment = _experiment(pk)
    verdict = verdicts.latest(experiment)
    if verdict is None or kind not in ("csv", "json"):
        raise Http404
    name = f'attachment; filename="test-{pk}.{kind}"'
    if kind == "json":
        data = experiment_result.whole(experiment)
        text = json.dumps(data, indent=2)
        return HttpResponse(text, content_type="application/json", headers={"Content-Disposition": name})
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})
    writer = csv.DictWriter(response, experiment_result.COLUMNS)
    writer.writeheader()
    writer.writerows(experiment_result.stored_as_data(verdict)["cells"])
    return response


def _experiment(pk: int) -> Experiment:
    found = Experiment.objects.select_related("article__category", "article__live_revision", "decided_by", "published")
    return get_object_or_404(found, pk=pk)

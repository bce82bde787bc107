"""From the editor to a test of the draft: planning and judging it are pages of analytics, reached by their address."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from core import clock, roles
from kb import experiment_drafts, experiments, publishing
from kb.models import Article, Experiment, ExperimentState, Exposure

BEGIN = "test"  # what the editor's button says
_SHOWN = (ExperimentState.DRAFT, ExperimentState.RUNNING, ExperimentState.PAUSED, ExperimentState.FINISHED)


def begin(request: HttpRequest, article: Article, *, version: int) -> HttpResponse:
    """The draft, which has just been saved, frozen as an arm of a test that is planned next."""
    try:
        planned, key = experiment_drafts.begin(article, version=version, by=roles.user_of(request))
    except (publishing.PublishingError, experiments.ExperimentError) as error:
        messages.error(request, _("The draft is saved. No test was made of it: %(why)s") % {"why": error})
        return redirect("desk:article-edit", article.pk)
    if key != experiment_drafts.KEYS[1]:
        messages.info(
            request,
            _("The draft is text %(key)s of the test that is being planned. Remove another if it is to replace it.")
            % {"key": key.upper()},
        )
    return redirect("desk:experiment-compare", planned.pk)


def of(article: Article) -> dict[str, Any]:
    """For the editor's panel: what runs on the article, awaits its decision, or is being planned."""
    tests = {test.state: test for test in Experiment.objects.filter(article=article, state__in=_SHOWN).order_by("pk")}
    live = tests.get(ExperimentState.RUNNING) or tests.get(ExperimentState.PAUSED)
    finished = tests.get(ExperimentState.FINISHED)
    known: dict[str, Any] = {"experiment": live, "finished_test": finished, "draft_test": tests.get("draft")}
    if live is not None:
        seen = Exposure.objects.filter(experiment=live).aggregate(
            every=Count("pk"), returning=Count("pk", filter=Q(is_returning=True))
        )
        known |= {"exposed": seen["every"], "counted": seen["every" if live.metric == "confirmed" else "returning"]}
        known["days_left"] = max(0, math.ceil((live.due_at - clock.now()) / timedelta(days=1))) if live.due_at else None
    return known

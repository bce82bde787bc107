"""What is done to a test after its plan: each has a page that says what will happen, and a form that does it.

The form carries the state (and the newest epoch) that its page was about; where the test has moved on meanwhile,
nothing is done and the reason is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from analytics import experiment_decisions
from analytics.views.experiment_forms import AllocationForm, DecisionForm, EndForm, NewWeightsForm, WhyForm
from analytics.views.experiment_planning import PREPARERS, clean
from core import roles
from kb import experiment_drafts, experiments
from kb.experiments import ExperimentError
from kb.models import Decision, Experiment, ExperimentState
from kb.refusals import PublishingError

_DRAFT, _RUNNING, _PAUSED, _FINISHED = (
    ExperimentState.DRAFT, ExperimentState.RUNNING, ExperimentState.PAUSED, ExperimentState.FINISHED,
)  # fmt: skip


@dataclass(frozen=True)
class Action:
    """`states`: in which it can be done. `form` None: nothing is asked. `do` returns what to tell."""

    states: tuple[str, ...]
    do: Callable[[HttpRequest, Experiment, Any], str]
    form: Callable[[HttpRequest, Experiment], forms.Form] | None = None
    is_danger: bool = False


def _pause(request: HttpRequest, experiment: Experiment, form: Any) -> str:
    experiments.pause(experiment, by=roles.user_of(request))
    return _("The test is paused. Everybody sees the live text.")


def _resume(request: HttpRequest, experiment: Experiment, form: Any) -> str:
    experiments.resume(experiment, by=roles.user_of(request))
    return _("The test goes on. Each reader gets the text that they had.")


def _ramp(request: HttpRequest, experiment: Experiment, form: AllocationForm) -> str:
    percent = form.cleaned_data["allocation"]
    why = form.cleaned_data["why"]
    experiments.ramp(experiment, by=roles.user_of(request), allocation=percent / 100, why=why)
    return _("From now on %(percent)s %% of the readers take part.") % {"percent": percent}


def _weigh(request: HttpRequest, experiment: Experiment, form: NewWeightsForm) -> str:
    why = form.cleaned_data["why"]
    experiments.ramp(experiment, by=roles.user_of(request), weights=form.weights, why=why)
    return _("New readers are shared out anew from now on.")


def _stop(request: HttpRequest, experiment: Experiment, form: WhyForm) -> str:
    experiments.stop(experiment, by=roles.user_of(request), why=form.cleaned_data["why"])
    return _("The test is stopped. Everybody sees the live text; what was measured is kept.")


def _finish(request: HttpRequest, experiment: Experiment, form: EndForm) -> str:
    experiments.finish(experiment, by=roles.user_of(request), why=form.doubt)
    return _("The test has ended. Everybody sees the live text until you decide.")


def _discard(request: HttpRequest, experiment: Experiment, form: Any) -> str:
    experiments.stop(experiment, by=roles.user_of(request), why=_("Discarded before it began."))
    return _("The draft of the test is discarded. Its texts stay in the article’s history.")


def _complete(request: HttpRequest, experiment: Experiment, form: DecisionForm) -> str:
    decision, key = form.chosen
    variant = experiment.variants.get(key=key) if decision == Decision.PUBLISH else None
    experiments.complete(
        experiment, decision=decision, by=roles.user_of(request), why=form.cleaned_data["why"], variant=variant
    )
    if decision == Decision.PUBLISH:
        return _("Decided and published: everybody sees text %(key)s now.") % {"key": key.upper()}
    return _("Decided. The live text stays.")


def _decision_form(request: HttpRequest, experiment: Experiment) -> forms.Form:
    doubts = experiment_decisions.doubts(experiment)
    return DecisionForm(clean(request), arms=experiment_drafts.arms_of(experiment), doubts=doubts)


ACTIONS = {
    "pause": Action((_RUNNING,), _pause),
    "resume": Action((_PAUSED,), _resume),
    "ramp": Action((_RUNNING, _PAUSED), _ramp, lambda r, e: AllocationForm(clean(r), experiment=e)),
    "weights": Action(
        (_RUNNING, _PAUSED), _weigh, lambda r, e: NewWeightsForm(clean(r), arms=experiment_drafts.arms_of(e))
    ),
    "stop": Action((_RUNNING, _PAUSED), _stop, lambda r, e: WhyForm(clean(r)), is_danger=True),
    "finish": Action(
        (_RUNNING, _PAUSED), _finish, lambda r, e: EndForm(clean(r), doubt=experiment_decisions.doubt_of_ending(e))
    ),
    "discard": Action((_DRAFT,), _discard, is_danger=True),
    "complete": Action((_FINISHED,), _complete, _decision_form),
}
_OF_PREPARERS = ("discard",)


@require_http_methods(["GET", "HEAD", "POST"])
@roles.desk(*PREPARERS)
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """What `name` would do, and by POST does."""
    action = ACTIONS.get(name)
    experiment = get_object_or_404(Experiment.objects.select_related("article__draft", "article__live_revision"), pk=pk)
    if action is None:
        raise Http404(_("There is no such thing to do to a test."))
    if name not in _OF_PREPARERS and not roles.may_publish(request.user):
        messages.error(request, _("Reviewers and administrators decide about a test: ask one of them."))
        return _back(experiment)
    if refusal := _moved_on(request, experiment, action):
        messages.error(request, refusal)
        return _back(experiment)
    form = action.form(request, experiment) if action.form else None
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            messages.success(request, action.do(request, experiment, form))
        except (ExperimentError, PublishingError) as error:
            messages.error(request, str(error))
        experiment.refresh_from_db()
        if name == "finish" and experiment.state == _FINISHED:
            return redirect("desk:experiment-act", pk, "complete")
        return _back(experiment)
    return _page(request, name, action, experiment, form)


def _page(
    request: HttpRequest, name: str, action: Action, experiment: Experiment, form: forms.Form | None
) -> HttpResponse:
    arms = experiment_drafts.arms_of(experiment)
    context = {
        "section": "experiments",
        "name": name,
        "is_danger": action.is_danger,
        "experiment": experiment,
        "article": experiment.article,
        "arms": [(arm, arm.weight / sum(one.weight for one in arms)) for arm in arms],
        "form": form,
        "epoch": _epoch(experiment),
        "sentence": experiment_decisions.sentence(experiment) if name in ("stop", "finish", "complete") else "",
        "doubts": form.doubts if isinstance(form, DecisionForm) else {},
    }
    return render(request, "desk/experiment_act.html", context, status=422 if form and form.errors else 200)


def _moved_on(request: HttpRequest, experiment: Experiment, action: Action) -> str:
    """Why it cannot be done (any more), else empty."""
    seen = request.POST.get("seen")
    now = f"{experiment.state}-{_epoch(experiment)}"
    if experiment.state not in action.states:
        return _("Nothing was done: the test is “%(state)s” now.") % {"state": experiment.get_state_display()}
    if experiment.earns and action is ACTIONS["weights"]:
        return _("This test earns while it runs: its parts follow what it sees, day by day.")
    if request.method == "POST" and seen != now:
        return _("Nothing was done: the test was changed since you opened that page. Look at it, then decide again.")
    return ""


def _epoch(experiment: Experiment) -> int:
    return experiment.epochs.count()


def _back(experiment: Experiment) -> HttpResponse:
    if experiment.state == ExperimentState.DRAFT:
        return redirect("desk:experiment-compare", experiment.pk)
    if experiment.started_at is None:
        return redirect("desk:experiments")
    return redirect("desk:experiment", experiment.pk)

"""From "Save and start A/B test" to the start: texts, hypothesis, plan, and what is going to happen.

The test is a row in state draft all the way, so nothing is lost between the steps. Who may look at articles may
prepare one; who may publish may start it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from analytics import experiment_plans, experiment_traffic
from analytics.experiment_plans import Proposal, Wish
from analytics.experiment_traffic import Traffic
from analytics.views.experiment_forms import HypothesisForm, PlanForm
from core import clock, roles
from core.roles import ADMIN, ANALYST, REVIEWER, WRITER, desk
from kb import differences, experiment_drafts, experiments, four_eyes, html_differences
from kb.experiments import Arm, ExperimentError
from kb.models import Experiment, ExperimentState, Variant
from kb.refusals import OwnText, PublishingError
from kb.views import asking

PREPARERS = (WRITER, REVIEWER, ANALYST, ADMIN)
_LATEST = 30  # frozen texts of the article that can be added
_TRAFFIC_KEPT = timedelta(minutes=5)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*PREPARERS)
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """The texts, each against the live one. POST action=add revision=N, action=remove key=b, action=renew. Of a test
    that has begun: as they were frozen then, whatever is live now."""
    experiment = _experiment(pk)
    if experiment.state != ExperimentState.DRAFT:
        return _begun(request, experiment) if request.method == "POST" else _frozen(request, experiment)
    if request.method == "POST":
        _change_arms(request, experiment)
        return redirect("desk:experiment-compare", pk)
    arms = experiment_drafts.arms_of(experiment)
    taken = [arm.revision.pk for arm in arms]
    others = experiment.article.revisions.exclude(pk__in=taken).select_related("created_by")
    context = {
        "arms": [_compared(arms[0], arm) for arm in arms[1:]],
        "control": arms[0],
        "control_html": mark_safe(arms[0].revision.html),
        "others": others.defer("body", "html", "text", "headings")[:_LATEST],
        "is_full": len(arms) >= len(experiment_drafts.KEYS),
        "is_stale": not experiment_drafts.is_control_live(experiment),
        "is_aside": request.GET.get("view") == "aside",
    }
    return _page(request, "compare", experiment, context)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*PREPARERS)
def hypothesis(request: HttpRequest, pk: int) -> HttpResponse:
    """What is expected, and what it is judged by."""
    experiment = _experiment(pk)
    if experiment.state != ExperimentState.DRAFT:
        return _begun(request, experiment)
    initial = {name: getattr(experiment, name) for name in ("name", "hypothesis", "metric", "window_days")}
    form = HypothesisForm(clean(request), initial=initial, experiment=experiment)
    if form.is_bound and form.is_valid() and _revised(request, experiment, **form.cleaned_data):
        return redirect("desk:experiment-plan", pk)
    return _page(request, "hypothesis", experiment, {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*PREPARERS)
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """How large, how many, how long; the figures beside it follow what is typed."""
    experiment = _experiment(pk)
    if experiment.state != ExperimentState.DRAFT:
        return _begun(request, experiment)
    arms = experiment_drafts.arms_of(experiment)
    traffic = _traffic(experiment)
    form = PlanForm(clean(request), arms=arms, initial=_planned_so_far(experiment, arms, traffic))
    if form.is_bound and form.is_valid():
        wish = form.wish(experiment)
        declared = {
            "worthwhile": wish.worthwhile,
            "allocation": wish.allocation,
            "mode": wish.mode,
            "earns": wish.earns,
            "weights": form.weights,
            "plan": {"is_chosen": True},
        }
        if _revised(request, experiment, **declared):
            return redirect("desk:experiment-start", pk)
    wish = form.wish(experiment) if form.is_bound and form.is_valid() else _wish(form.initial, experiment, arms)
    context = {"form": form, "proposal": experiment_plans.propose(traffic, wish)}
    return _page(request, "plan", experiment, context, status=422 if form.errors else 200)


@require_safe
@desk(*PREPARERS)
def figures(request: HttpRequest, pk: int) -> HttpResponse:
    """The figures of the plan for what stands in its form now."""
    experiment = _experiment(pk)
    form = PlanForm(request.GET, arms=experiment_drafts.arms_of(experiment))
    context: dict[str, Any] = {"experiment": experiment}
    if form.is_valid():
        context["proposal"] = experiment_plans.propose(_traffic(experiment), form.wish(experiment))
    return render(request, "desk/_partials/experiment_figures.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*PREPARERS)
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """What is going to happen, and whether it can; POST starts it."""
    experiment = _experiment(pk)
    if experiment.state != ExperimentState.DRAFT:
        return _begun(request, experiment)
    now = clock.now()
    arms = experiment_drafts.arms_of(experiment)
    proposal = experiment_plans.propose(_traffic(experiment), _wish_of(experiment, arms))
    problems = _problems(experiment, arms, proposal)
    may_start = roles.may_publish(request.user)
    own = _own_text(experiment, arms, request) if may_start else ""
    if request.method == "POST" and may_start and not problems and not own:
        try:
            experiments.start(
                experiment,
                by=roles.user_of(request),
                planned_units=proposal.planned_units,
                due_at=proposal.due_at(now=now),
                plan=proposal.frozen(now=now),
            )
            messages.success(request, _("The test runs. From now on each new reader is given one of its texts."))
            return redirect("desk:experiment", pk)
        except (ExperimentError, PublishingError) as error:
            messages.error(request, str(error))
    context = {
        "arms": arms,
        "shares": [(arm, arm.weight / sum(one.weight for one in arms) * experiment.allocation) for arm in arms],
        "proposal": proposal,
        "due_at": proposal.due_at(now=now),
        "problems": problems,
        "own": own,
        "may_start": may_start,
    }
    return _page(request, "start", experiment, context, status=409 if request.method == "POST" else 200)


def _experiment(pk: int) -> Experiment:
    return get_object_or_404(Experiment.objects.select_related("article__draft", "article__live_revision"), pk=pk)


def _begun(request: HttpRequest, experiment: Experiment) -> HttpResponse:
    messages.info(
        request,
        _("This test is “%(state)s”: what it declared before its start is frozen.")
        % {"state": experiment.get_state_display()},
    )
    return redirect("desk:experiment", experiment.pk)


def _frozen(request: HttpRequest, experiment: Experiment) -> HttpResponse:
    control, *others = sorted(
        experiment.variants.select_related("revision"), key=lambda each: (not each.is_control, each.key)
    )
    context = {
        "arms": [_compared(control, arm) for arm in others],
        "control": control,
        "control_html": mark_safe(control.revision.html),
        "is_frozen": True,
        "is_live": experiment.article.live_revision_id == control.revision_id,
        "is_aside": request.GET.get("view") != "words",
    }
    return _page(request, "compare", experiment, context)


def _page(
    request: HttpRequest, step: str, experiment: Experiment, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    about = {"section": "experiments", "step": step, "experiment": experiment, "article": experiment.article}
    return render(request, f"desk/experiment_{step}.html", about | context, status=status)


def clean(request: HttpRequest) -> QueryDict | None:
    """What was sent, without what a database cannot hold."""
    if request.method != "POST":
        return None
    given = request.POST.copy()
    for name in given:
        given.setlist(name, [value.replace("\0", "") for value in given.getlist(name) if isinstance(value, str)])
    return given


def _revised(request: HttpRequest, experiment: Experiment, **declared: Any) -> bool:
    try:
        experiments.revise(experiment, by=roles.user_of(request), **declared)
    except ExperimentError as error:
        messages.error(request, str(error))
        return False
    return True


def _change_arms(request: HttpRequest, experiment: Experiment) -> None:
    by = roles.user_of(request)
    try:
        match request.POST.get("action"):
            case "add":
                number = asking.number(request.POST.get("revision"))
                revision = experiment.article.revisions.filter(number=number).first()
                if revision is None:
                    raise ExperimentError(_("Choose one of this article's frozen texts."))
                key = experiment_drafts.add(experiment, revision, by=by)
                messages.success(request, _("Added as text %(key)s.") % {"key": key.upper()})
            case "remove":
                experiment_drafts.remove(experiment, request.POST.get("key", ""), by=by)
                messages.success(request, _("Removed from the test. The text itself stays in the article's history."))
            case "renew":
                experiment_drafts.renew_control(experiment, by=by)
                messages.success(request, _("The texts are compared with what is live now."))
    except ExperimentError as error:
        messages.error(request, str(error))


def _compared(control: Arm | Variant, arm: Arm | Variant) -> dict[str, Any]:
    old, new = control.revision, arm.revision
    return {
        "arm": arm,
        "title": differences.words(old.title, new.title),
        "summary": differences.words(old.summary, new.summary),
        "html": mark_safe(html_differences.marked(old.html, new.html)),
        "plain": mark_safe(new.html),
    }


def _traffic(experiment: Experiment) -> Traffic:
    """Counted from rows, so it is kept while somebody goes to and fro between the pages and tries other wishes."""
    now = clock.now()
    key = f"traffic-{experiment.article_id}-{experiment.window_days}-{now:%Y-%m-%d}"
    found: Traffic | None = cache.get(key)
    if found is None:
        found = experiment_traffic.of(experiment.article, window_days=experiment.window_days, now=now)
        cache.set(key, found, _TRAFFIC_KEPT.total_seconds())
    return found


def _wish_of(experiment: Experiment, arms: list[Arm]) -> Wish:
    return Wish(
        metric=experiment.metric,
        worthwhile=experiment.worthwhile,
        window_days=experiment.window_days,
        allocation=experiment.allocation,
        weights=tuple(arm.weight for arm in arms),
        mode=experiment.mode,
        earns=experiment.earns,
    )


def _planned_so_far(experiment: Experiment, arms: list[Arm], traffic: Traffic) -> dict[str, Any]:
    """What the form begins with; the mode is the proposed one until somebody has saved a plan."""
    mode = experiment.mode
    if not experiment.plan:
        mode = experiment_plans.proposed_mode(traffic, _wish_of(experiment, arms))
    return {
        "points": experiment_plans.points(experiment.worthwhile),
        "allocation": round(100 * experiment.allocation),
        "mode": mode,
        "earns": experiment.earns,
    }


def _wish(initial: Mapping[str, Any], experiment: Experiment, arms: list[Arm]) -> Wish:
    return Wish(
        metric=experiment.metric,
        worthwhile=float(initial["points"]) / 100,
        window_days=experiment.window_days,
        allocation=initial["allocation"] / 100,
        weights=tuple(arm.weight for arm in arms),
        mode=initial["mode"],
        earns=initial["earns"],
    )


def _problems(experiment: Experiment, arms: list[Arm], proposal: Proposal) -> list[tuple[str, str]]:
    """What keeps it from starting, each with the step that mends it."""
    found = []
    if len(arms) < 2:
        found.append((_("There is only one text to test."), "desk:experiment-compare"))
    if not experiment_drafts.is_control_live(experiment):
        found.append(
            (_("The text that the others are compared with is not the live one any more."), "desk:experiment-compare")
        )
    if not experiment.hypothesis.strip():
        found.append((_("There is no hypothesis yet."), "desk:experiment-hypothesis"))
    if (running := experiments.live_on(experiment.article)) is not None:
        found.append(
            (_("“%(name)s” is running on this article. Stop it first.") % {"name": running.name}, "desk:experiment")
        )
    if not experiment.plan:
        found.append((_("Its plan has not been saved yet."), "desk:experiment-plan"))
    if proposal.refusal:
        found.append((proposal.refusal, "desk:experiment-plan"))
    return found


def _own_text(experiment: Experiment, arms: list[Arm], request: HttpRequest) -> str:
    """Where four eyes are asked for: why this person may not show these texts; else empty."""
    for arm in arms[1:]:
        try:
            four_eyes.refuse_own(experiment.article, arm.revision, by=roles.user_of(request))
        except OwnText as error:
            return str(error)
    return ""

"""A test's states and what may follow what, in one table; each step in the audit log and told as an event.

Below publishing, which asks whether a test locks an article; what needs publishing itself is in kb/experiments.py.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit, clock
from core.events import fire
from kb import events
from kb.models import Article, Experiment, ExperimentState

START, PAUSE, RESUME, STOP, FINISH, COMPLETE = "start", "pause", "resume", "stop", "finish", "complete"
EVENTS = (START, PAUSE, RESUME, STOP, FINISH, COMPLETE)

_ALLOWED = {
    (ExperimentState.DRAFT, START): ExperimentState.RUNNING,
    (ExperimentState.DRAFT, STOP): ExperimentState.STOPPED,  # planned, never run
    (ExperimentState.RUNNING, PAUSE): ExperimentState.PAUSED,
    (ExperimentState.PAUSED, RESUME): ExperimentState.RUNNING,
    (ExperimentState.RUNNING, STOP): ExperimentState.STOPPED,
    (ExperimentState.PAUSED, STOP): ExperimentState.STOPPED,
    (ExperimentState.RUNNING, FINISH): ExperimentState.FINISHED,
    (ExperimentState.PAUSED, FINISH): ExperimentState.FINISHED,
    (ExperimentState.FINISHED, COMPLETE): ExperimentState.COMPLETED,
}
# Every state and event; None: refused.
NEXT: dict[tuple[str, str], ExperimentState | None] = {
    (state, event): _ALLOWED.get((state, event)) for state in ExperimentState for event in EVENTS
}
LIVE = (ExperimentState.RUNNING, ExperimentState.PAUSED)

# How the audit log calls each step, and who is told of it.
_TOLD: dict[str, tuple[str, Signal, type[events.ExperimentMoved]]] = {
    START: ("experiment.started", events.experiment_started, events.ExperimentStarted),
    PAUSE: ("experiment.paused", events.experiment_paused, events.ExperimentPaused),
    RESUME: ("experiment.resumed", events.experiment_resumed, events.ExperimentResumed),
    STOP: ("experiment.stopped", events.experiment_stopped, events.ExperimentStopped),
    FINISH: ("experiment.finished", events.experiment_finished, events.ExperimentFinished),
    COMPLETE: ("experiment.completed", events.experiment_completed, events.ExperimentCompleted),
}
# What to do instead, by the state that it is in.
_INSTEAD = {
    ExperimentState.DRAFT: gettext_lazy("It has not begun: start it first, or throw the plan away."),
    ExperimentState.RUNNING: gettext_lazy("Pause or stop it first, or let it finish."),
    ExperimentState.PAUSED: gettext_lazy("Resume or stop it first, or let it finish."),
    ExperimentState.STOPPED: gettext_lazy("Its end is for good: plan a new test."),
    ExperimentState.FINISHED: gettext_lazy(
        "What is left is the decision: publish the winner, keep the live text, or discard."
    ),
    ExperimentState.COMPLETED: gettext_lazy("Its decision is made: plan a new test."),
}


class ExperimentError(Exception):
    """The change was refused. The message says why and what to do."""


def move(
    experiment: Experiment, event: str, *, by: User | None, told: dict[str, Any] | None = None, **values: Any
) -> None:
    """Take the step, with these values of its row; `told` goes into the audit log. Raises ExperimentError."""
    old = ExperimentState(experiment.state)
    new = NEXT[(old, event)]
    with transaction.atomic():
        if new is None:
            raise refused(experiment)
        if not Experiment.objects.filter(pk=experiment.pk, state=old).update(state=new, **values):
            raise ExperimentError(_("Somebody else has just changed this test. Load the page again."))
        action, signal, told_as = _TOLD[event]
        audit.record(by, action, experiment, label=experiment.name, article=experiment.article_id, **(told or {}))
        fire(signal, told_as(clock.now(), experiment.pk, experiment.article_id))
    experiment.state = new
    for name, value in values.items():
        setattr(experiment, name, value)


def refused(experiment: Experiment) -> ExperimentError:
    """What to say where the state of a test does not allow a step."""
    state = ExperimentState(experiment.state)
    return ExperimentError(
        _("The test is “%(state)s”, which does not allow this. %(instead)s")
        % {"state": state.label, "instead": _INSTEAD[state]}
    )


def pause(experiment: Experiment, *, by: User | None, why: str = "") -> None:
    """Show everybody the live text for a while; it stays locked. Raises ExperimentError."""
    move(experiment, PAUSE, by=by, told={"why": why[:300]} if why else None)


def resume(experiment: Experiment, *, by: User | None) -> None:
    """Go on; who was in the test is in the same arm. Raises ExperimentError."""
    move(experiment, RESUME, by=by)


def stop(experiment: Experiment, *, by: User | None, why: str = "", **told: Any) -> None:
    """End it before its data are in; everybody sees the live text again. Raises ExperimentError."""
    move(experiment, STOP, by=by, told={"why": why, **told}, ended_at=clock.now(), ended_by=by, why_ended=why[:300])


def stop_on(article: Article, *, by: User | None, why: str = "") -> Experiment | None:
    """Stop the test on this article, where there is one, and return it."""
    if (experiment := live_on(article)) is not None:
        stop(experiment, by=by, why=why)
    return experiment


def finish(experiment: Experiment, *, by: User | None = None, why: str = "") -> None:
    """Its data are in: nobody is assigned any more, everybody sees the live text, and the decision can be made.

    Raises ExperimentError.
    """
    move(
        experiment,
        FINISH,
        by=by,
        told={"why": why} if why else None,
        ended_at=clock.now(),
        ended_by=by,
        why_ended=why[:300],
    )


def live_on(article: Article) -> Experiment | None:
    """The running or paused test on this article."""
    return Experiment.objects.filter(article=article, state__in=LIVE).first()


def live_on_any(articles: Collection[Article]) -> list[Experiment]:
    """The running or paused tests on these articles, one at most on each."""
    return list(Experiment.objects.filter(article__in=articles, state__in=LIVE))

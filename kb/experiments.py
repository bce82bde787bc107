"""The face of A/B tests: planned, started, shown to more visitors, ended, decided.

Who sees which text: kb/arms.py, kb/assignment.py. What may follow what: kb/experiment_life.py. What is declared before
the start: kb/experiment_plans.py. The statistics are analytics'.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import audit, clock
from core.events import fire
from kb import events, experiment_life, four_eyes, piece_uses, publishing
from kb.arms import Arms
from kb.assignment import arms_of, expose, running
from kb.experiment_life import (
    COMPLETE,
    EVENTS,
    FINISH,
    LIVE,
    NEXT,
    PAUSE,
    RESUME,
    START,
    STOP,
    ExperimentError,
    finish,
    live_on,
    live_on_any,
    pause,
    resume,
    stop,
    stop_on,
)  # fmt: skip
from kb.experiment_plans import (
    MOST_ARMS,
    Arm,
    create,
    locked,
    refuse_allocation,
    refuse_due,
    revise,
    weigh,
)
from kb.models import (
    Article,
    ArticleState,
    Decision,
    Epoch,
    Experiment,
    ExperimentState,
    Mode,
    Variant,
    Visibility,
)
from kb.refusals import OwnText, PublishingError, Text

__all__ = [
    "COMPLETE", "EVENTS", "FINISH", "LIVE", "MOST_ARMS", "NEXT", "PAUSE", "RESUME", "START", "STOP", "Arm", "Arms",
    "ExperimentError", "arms_of", "complete", "create", "epochs_of", "expose", "finish", "live_on", "live_on_any",
    "pause", "ramp", "resume", "revise", "running", "start", "stop", "stop_on", "weights_of",
]  # fmt: skip


def start(
    experiment: Experiment,
    *,
    by: User | None,
    planned_units: int | None = None,
    due_at: datetime | None = None,
    plan: Mapping[str, Any] | None = None,
) -> None:
    """Assign visitors from now on, as epoch 1. What is declared is frozen; of what is None, what the row has holds.

    Raises ExperimentError.
    """
    now = clock.now()
    with transaction.atomic():
        # The article's lock: no publication between the look at the live text and the start.
        article = (
            Article.objects.select_for_update(of=("self",))
            .select_related("live_revision")
            .get(pk=experiment.article_id)
        )
        locked(experiment)
        if NEXT[ExperimentState(experiment.state), START] is None:
            raise experiment_life.refused(experiment)
        _refuse_unreadable(article)
        _refuse_arms_of_now(experiment, article, by=by)
        if experiment.allocation <= 0:
            raise ExperimentError(_("Nobody would be in this test. Give a share of the visitors above zero."))
        units, due = planned_units or experiment.planned_units, due_at or experiment.due_at
        if experiment.mode == Mode.DEADLINE:
            refuse_due(due, units, now=now)
        frozen = {"planned_units": units, "due_at": due, "plan": experiment.plan if plan is None else dict(plan)}
        weights = weights_of(experiment)
        told = {"allocation": experiment.allocation, "weights": weights}
        try:
            with transaction.atomic():
                experiment_life.move(experiment, START, by=by, told=told, started_at=now, **frozen)
        except IntegrityError as error:
            raise _overlapping(article) from error
        Epoch.objects.create(
            experiment=experiment, number=1, since=now, allocation=experiment.allocation, weights=weights
        )


def ramp(
    experiment: Experiment,
    *,
    by: User | None,
    allocation: float | None = None,
    weights: Mapping[str, float] | None = None,
    why: str = "",
) -> Epoch:
    """Another share of the visitors or other weights from now on, as a new epoch; the newest one where nothing changes.

    Who has seen a text stays with it, also where the share is lowered: then only nobody new comes in. Raises
    ExperimentError.
    """
    if allocation is not None:
        refuse_allocation(allocation)
    with transaction.atomic():
        locked(experiment)
        if experiment.state not in LIVE:
            raise experiment_life.refused(experiment)
        before = epochs_of(experiment)[-1]
        if weights is not None:
            weigh(experiment, weights)
        now = clock.now()
        after = Epoch(
            experiment=experiment,
            number=before.number + 1,
            since=now,
            allocation=experiment.allocation if allocation is None else allocation,
            weights=weights_of(experiment),
            by=by,
            why=why[:300],
        )
        if (after.allocation, after.weights) == (before.allocation, before.weights):
            return before
        after.save(force_insert=True)
        experiment.allocation = after.allocation
        experiment.save(update_fields=["allocation"])  # also where it is the same: pages that are kept hear of it
        told = {"epoch": after.number, "allocation": after.allocation, "weights": after.weights, "why": after.why}
        audit.record(by, "experiment.ramped", experiment, label=experiment.name, article=experiment.article_id, **told)
        told_as = events.ExperimentRamped(now, experiment.pk, experiment.article_id)
        fire(events.experiment_ramped, told_as)
    return after


def complete(
    experiment: Experiment, *, decision: str, by: User | None, why: str = "", variant: Variant | None = None
) -> None:
    """Decide a finished test. PUBLISH shows the text of `variant` to everybody, as `by` may publish it.

    Afterwards the draft says what is live, unless it holds words that were no text of this test: those are somebody's
    work. DISCARD leaves the draft: its text may be tested again. Raises ExperimentError.
    """
    decision = Decision(decision)
    with transaction.atomic():
        article = Article.objects.select_for_update(of=("self",)).get(pk=experiment.article_id)
        locked(experiment)
        if NEXT[ExperimentState(experiment.state), COMPLETE] is None:
            raise experiment_life.refused(experiment)
        arms = {arm.key: arm for arm in experiment.variants.select_related("revision")}
        winner = _winner(experiment, arms, variant) if decision == Decision.PUBLISH else None
        try:
            if winner is not None:
                publishing.publish(article, by=by, revision=winner.revision)
            if decision != Decision.DISCARD and article.live_revision is not None:
                publishing.let_draft_follow(article, article.live_revision, _texts(arms), by=by)
        except PublishingError as error:
            raise ExperimentError(str(error)) from error
        experiment_life.move(
            experiment,
            COMPLETE,
            by=by,
            told={"decision": decision.value, "why": why, "published": winner.key if winner else ""},
            decision=decision,
            decided_why=why[:300],
            decided_at=clock.now(),
            decided_by=by,
            published=winner,
        )


def weights_of(experiment: Experiment) -> dict[str, float]:
    """The weight of each arm now, by key."""
    return dict(experiment.variants.order_by("key").values_list("key", "weight"))


def epochs_of(experiment: Experiment) -> list[Epoch]:
    """Every epoch of a test that has started, the first one first; the last one holds."""
    return list(experiment.epochs.order_by("number"))


def _winner(experiment: Experiment, arms: Mapping[str, Variant], variant: Variant | None) -> Variant:
    if variant is None or variant.experiment_id != experiment.pk:
        raise ExperimentError(_("Say which text of this test is published."))
    winner = arms[variant.key]
    if winner.is_control:
        raise ExperimentError(_("Customers read this text already. Choose to keep the live text."))
    if experiment.article.state != ArticleState.PUBLISHED:
        raise ExperimentError(_("The article was archived. Publish it again first, or discard the test."))
    control = next(arm for arm in arms.values() if arm.is_control)
    live = experiment.article.live_revision
    if live is None or Text.of(live) != Text.of(control.revision):
        raise ExperimentError(
            _(
                "The live text was changed since this test ended, and the winner was never compared with it. "
                "Keep the live text, and test the winner against it if it still matters."
            )
        )
    return winner


def _texts(arms: Mapping[str, Variant]) -> list[Text]:
    return [Text.of(arm.revision) for arm in arms.values()]


def _refuse_unreadable(article: Article) -> None:
    if article.state == ArticleState.ARCHIVED:
        raise ExperimentError(_("The article is archived: nobody reads it. Publish it, then plan a new test."))
    if article.state != ArticleState.PUBLISHED:
        raise ExperimentError(_("The article is not published: nobody reads it. Publish it, then start."))
    if article.visibility == Visibility.STAFF:
        raise ExperimentError(
            _("Only staff read this article, and staff are never counted. Show it to customers, then start.")
        )


def _refuse_arms_of_now(experiment: Experiment, article: Article, *, by: User | None) -> None:
    arms = list(experiment.variants.select_related("revision"))
    control = next(arm for arm in arms if arm.is_control)
    if control.revision_id != article.live_revision_id:
        raise ExperimentError(_("The control is not the text that is live now. Make the test anew."))
    for arm in arms:
        if not piece_uses.is_current(arm.revision):
            raise ExperimentError(_("A fact in one of the texts has changed since it was written. Make the test anew."))
        if arm is control:
            continue
        try:
            four_eyes.refuse_own(article, arm.revision, by=by)
        except OwnText as error:
            raise ExperimentError(
                _(
                    "You have changed one of these texts, and here nobody shows customers their own. "
                    "Ask another reviewer to start the test."
                )
            ) from error


def _overlapping(article: Article) -> ExperimentError:
    other = live_on(article)
    name = other.name if other else "–"
    return ExperimentError(
        _("Another test, “%(name)s”, is running on this article. Stop it first, or wait for its end.") % {"name": name}
    )

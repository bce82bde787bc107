"""What a test declares before it starts: its texts, who takes part, what it is judged by. Then it is frozen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from core import audit
from kb.experiment_life import ExperimentError
from kb.models import Article, ArticleState, Experiment, ExperimentState, Metric, Mode, Revision, Variant
from kb.refusals import Text

MOST_ARMS = 5
MOST_DAYS = 60  # of the window; a verdict waits that long for each visitor

_DECLARED = (
    "name", "hypothesis", "metric", "worthwhile", "window_days", "mode", "earns", "allocation", "planned_units",
    "due_at", "plan",
)  # fmt: skip


@dataclass(frozen=True)
class Arm:
    """One text of a test to be made. Weights are relative: (1, 1) is half and half."""

    key: str
    revision: Revision
    weight: float = 1.0


def create(
    article: Article,
    *,
    name: str,
    control: Arm,
    others: Sequence[Arm],
    allocation: float = 1.0,
    by: User | None,
    hypothesis: str = "",
    metric: str = Metric.RESOLUTION,
    worthwhile: float = 0.05,
    window_days: int | None = None,
    mode: str = Mode.OPEN,
    earns: bool = False,
) -> Experiment:
    """A test in the state draft. `window_days` None: the shop's own. Raises ExperimentError."""
    declared = {
        "name": name.strip(),
        "allocation": allocation,
        "hypothesis": hypothesis.strip(),
        "metric": metric,
        "worthwhile": worthwhile,
        "window_days": settings.OUTCOME_WINDOW_DAYS if window_days is None else window_days,
        "mode": mode,
        "earns": earns,
    }
    _refuse_senseless(declared)
    refuse_arms(article, [control, *others])
    with transaction.atomic():
        experiment = Experiment.objects.create(article=article, created_by=by, **declared)
        _add(experiment, [control, *others])
        audit.record(by, "experiment.planned", experiment, label=experiment.name, article=article.pk)
    return experiment


def revise(
    experiment: Experiment,
    *,
    by: User | None,
    control: Arm | None = None,
    others: Sequence[Arm] | None = None,
    weights: Mapping[str, float] | None = None,
    **declared: Any,
) -> None:
    """Change what a test in draft declares: its fields by name, all of its texts, or their weights.

    Raises ExperimentError, once it has started.
    """
    if unknown := set(declared) - set(_DECLARED):
        raise TypeError(f"a test declares no {', '.join(sorted(unknown))}")
    if (control is None) != (others is None):
        raise TypeError("control and others are given together")
    for field in {"name", "hypothesis"} & set(declared):
        declared[field] = declared[field].strip()
    _refuse_senseless(declared)
    with transaction.atomic():
        locked(experiment)
        if experiment.state != ExperimentState.DRAFT:
            raise ExperimentError(
                _(
                    "This test has started, and a result holds only for what was declared before. "
                    "The share of visitors can be raised; for anything else stop it and plan a new one."
                )
            )
        if control is not None and others is not None:
            refuse_arms(experiment.article, [control, *others])
            experiment.variants.all().delete()
            _add(experiment, [control, *others])
        if weights is not None:
            weigh(experiment, weights)
        for field, value in declared.items():
            setattr(experiment, field, value)
        if declared:
            experiment.save(update_fields=list(declared))
        audit.record(by, "experiment.revised", experiment, label=experiment.name, changed=sorted(declared))


def locked(experiment: Experiment) -> None:
    """Read the row as it is now, and keep it so until the transaction ends. Exposures are stored all the same."""
    experiment.refresh_from_db(from_queryset=Experiment.objects.select_for_update(no_key=True, of=("self",)))


def weigh(experiment: Experiment, weights: Mapping[str, float]) -> None:
    """Write the weights of all arms, by key. Raises ExperimentError."""
    variants = list(experiment.variants.all())
    if set(weights) != {variant.key for variant in variants}:
        raise ExperimentError(_("Give a weight to every text of the test, and to no other."))
    refuse_weights(weights.values())
    for variant in variants:
        variant.weight = float(weights[variant.key])
    Variant.objects.bulk_update(variants, ["weight"])


def refuse_arms(article: Article, arms: Sequence[Arm]) -> None:
    """Raises ExperimentError where these texts make no test of this article."""
    if len(arms) < 2:
        raise ExperimentError(
            _("A test needs at least two texts: change the draft, and test it against the live text.")
        )
    if len(arms) > MOST_ARMS:
        raise ExperimentError(
            _("A test has %(most)d texts at most: with more, none would be seen by enough readers. Leave some out.")
            % {"most": MOST_ARMS}
        )
    if any(arm.revision.article_id != article.pk for arm in arms):
        raise ExperimentError(
            _("The texts of a test must all belong to its article. Choose them from the article's history.")
        )
    if article.state == ArticleState.ARCHIVED:
        raise ExperimentError(_("The article is archived, so nobody reads any of these texts. Publish it first."))
    if any(not arm.key for arm in arms) or len({arm.key for arm in arms}) < len(arms):
        raise ExperimentError(_("Two texts of a test have the same key. Give each its own."))
    refuse_weights([arm.weight for arm in arms])
    for one, other in combinations(arms, 2):
        if Text.of(one.revision) == Text.of(other.revision):
            raise ExperimentError(
                _("The texts %(one)s and %(other)s say the same: there is nothing to compare. Change one of them.")
                % {"one": one.key, "other": other.key}
            )


def refuse_weights(weights: Sequence[float] | Any) -> None:
    """Raises ExperimentError."""
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise ExperimentError(
            _("Every text of a test needs a weight above zero. To take one out, stop the test and plan one without it.")
        )


def refuse_allocation(allocation: float) -> None:
    """Raises ExperimentError."""
    if not 0 <= allocation <= 1:  # nan neither
        raise ExperimentError(
            _("The share of visitors in a test lies between 0 and 1. Give 0.1 for a tenth of them, 1 for all.")
        )


def refuse_due(due_at: datetime | None, planned_units: int | None, *, now: datetime) -> None:
    """Raises ExperimentError where a test with a deadline does not say when it is, or how many it is planned for."""
    if due_at is None or not planned_units:
        raise ExperimentError(
            _("A test with a deadline needs its day and the number of visitors it is planned for. Plan it, then start.")
        )
    if due_at <= now:
        raise ExperimentError(_("The day at which this test ends is over. Choose a later one, then start."))


def _refuse_senseless(declared: Mapping[str, Any]) -> None:
    if not declared.get("name", "-"):
        raise ExperimentError(_("Give the test a name, so that others know what it tries."))
    if len(declared.get("name", "")) > 120 or len(declared.get("hypothesis", "")) > 1000:
        raise ExperimentError(_("The name (120 characters) or the hypothesis (1,000) is too long. Shorten it."))
    refuse_allocation(declared.get("allocation", 1.0))
    if declared.get("metric", Metric.RESOLUTION) not in Metric.values:
        raise ExperimentError(_("A test is judged by resolution, by contacts, or by confirmed answers. Choose one."))
    if declared.get("mode", Mode.OPEN) not in Mode.values:
        raise ExperimentError(_("A test is open-ended or has a deadline. Choose one."))
    if not 0 < declared.get("worthwhile", 0.05) < 1:
        raise ExperimentError(
            _("The smallest effect worth having lies between 0 and 1. Give 0.05 for five points of a hundred.")
        )
    if not 1 <= declared.get("window_days", 1) <= MOST_DAYS:
        raise ExperimentError(
            _("The window has 1 to %(most)d days: so long is waited for a contact.") % {"most": MOST_DAYS}
        )
    planned = declared.get("planned_units")
    if planned is not None and planned < 1:
        raise ExperimentError(_("A test is planned for at least one visitor."))


def _add(experiment: Experiment, arms: Sequence[Arm]) -> None:
    """The first is the control."""
    Variant.objects.bulk_create(
        Variant(experiment=experiment, key=arm.key, revision=arm.revision, weight=arm.weight, is_control=arm is arms[0])
        for arm in arms
    )

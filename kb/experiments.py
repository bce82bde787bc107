"""A test's life, and who sees which text: assignment is computed from a hash, exposure is stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import audit, bucketing, clock
from kb import piece_uses
from kb.models import Article, Experiment, ExperimentState, Exposure, Revision, Variant

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


class ExperimentError(Exception):
    """The change was refused. The message says why and what to do."""


@dataclass(frozen=True)
class Arm:
    """One text of a test to be made. Weights are relative: (1, 1) is half and half."""

    key: str
    revision: Revision
    weight: float = 1.0


@dataclass(frozen=True)
class Arms:
    """What decides who sees what in one experiment, without the database."""

    salt: str
    allocation: float
    keys: tuple[str, ...]
    weights: tuple[float, ...]
    article_id: int = 0
    external_id: str = ""

    def key_for(self, visitor: str) -> str:
        """The key of this visitor's variant; empty where they are not in the test.

        Whether and which are drawn with different salts: a visitor near the edge of the allocation is in no
        particular arm.
        """
        if not visitor or not bucketing.is_in_share(f"{self.salt}:in", visitor, self.allocation):
            return ""
        return self.keys[bucketing.choose(self.salt, visitor, self.weights)]


def create(
    article: Article, *, name: str, control: Arm, others: Sequence[Arm], allocation: float = 1.0, by: User | None
) -> Experiment:
    """A test in the state draft. Raises ExperimentError."""
    arms = [control, *others]
    if not others:
        raise ExperimentError(_("A test needs at least two texts."))
    if any(arm.revision.article_id != article.pk for arm in arms):
        raise ExperimentError(_("The texts of a test must all belong to its article."))
    if any(arm.weight <= 0 for arm in arms):
        raise ExperimentError(_("Every text of a test needs a weight above zero."))
    if not 0 <= allocation <= 1:
        raise ExperimentError(_("The share of visitors in a test lies between 0 and 1."))
    if len({arm.key for arm in arms}) < len(arms):
        raise ExperimentError(_("Two texts of a test have the same key."))
    with transaction.atomic():
        experiment = Experiment.objects.create(article=article, name=name, allocation=allocation, created_by=by)
        Variant.objects.bulk_create(
            Variant(
                experiment=experiment, key=arm.key, revision=arm.revision, weight=arm.weight, is_control=arm is control
            )
            for arm in arms
        )
    return experiment


def start(experiment: Experiment, *, by: User | None) -> None:
    """Assign visitors from now on. The control must be what is live. Raises ExperimentError."""
    with transaction.atomic():
        # The article's lock: no publication between the look at the live text and the start.
        article = Article.objects.select_for_update().get(pk=experiment.article_id)
        control = experiment.variants.get(is_control=True)
        if article.state != "published" or control.revision_id != article.live_revision_id:
            raise ExperimentError(_("The control is not the text that is live now. Make the test anew."))
        if not all(
            piece_uses.is_current(variant.revision) for variant in experiment.variants.select_related("revision")
        ):
            raise ExperimentError(_("A fact in one of the texts has changed since it was written. Make the test anew."))
        try:
            with transaction.atomic():
                _move(experiment, START, started_at=clock.now())
        except IntegrityError as error:
            raise ExperimentError(_("Another test is running on this article. Stop it first.")) from error


def stop(experiment: Experiment, *, by: User | None) -> None:
    """End it before its data are in; everybody sees the live text again. Raises ExperimentError."""
    _move(experiment, STOP, ended_at=clock.now())


def stop_on(article: Article, *, by: User | None) -> Experiment | None:
    """Stop the test on this article, where there is one, and return it."""
    if (experiment := live_on(article)) is not None:
        stop(experiment, by=by)
        audit.record(by, "experiment.stopped", experiment, label=experiment.name)
    return experiment


def live_on(article: Article) -> Experiment | None:
    """The running or paused test on this article."""
    return Experiment.objects.filter(article=article, state__in=LIVE).first()


def live_on_any(articles: Collection[Article]) -> list[Experiment]:
    """The running or paused tests on these articles, one at most on each."""
    return list(Experiment.objects.filter(article__in=articles, state__in=LIVE))


def arms_of(variants: Sequence[Variant]) -> Arms:
    """`variants` are all those of one experiment, with it loaded."""
    experiment = variants[0].experiment
    return Arms(
        salt=str(experiment.salt),
        allocation=experiment.allocation,
        keys=tuple(variant.key for variant in variants),
        weights=tuple(variant.weight for variant in variants),
    )


def running() -> list[Arms]:
    """Every running test, for those who simulate readers."""
    variants: dict[int, list[Variant]] = {}
    rows = Variant.objects.filter(experiment__state=ExperimentState.RUNNING).select_related("experiment__article")
    for variant in rows.order_by("experiment_id", "key"):
        variants.setdefault(variant.experiment_id, []).append(variant)
    found = []
    for arms in variants.values():
        article = arms[0].experiment.article
        plain = arms_of(arms)
        found.append(Arms(plain.salt, plain.allocation, plain.keys, plain.weights, article.pk, article.external_id))
    return found


def expose(*, experiment_id: int, variant_id: int, visitor: str, at: datetime) -> None:
    """Store that this visitor really saw their variant; only the first time counts."""
    Exposure.objects.bulk_create(
        [Exposure(experiment_id=experiment_id, variant_id=variant_id, visitor=visitor, at=at)], ignore_conflicts=True
    )


def _move(experiment: Experiment, event: str, **values: object) -> None:
    old = ExperimentState(experiment.state)
    new = NEXT[(old, event)]
    if new is None or not Experiment.objects.filter(pk=experiment.pk, state=old).update(state=new, **values):
        raise ExperimentError(
            _("The test is “%(state)s”; that does not allow this. Load the page again.") % {"state": old.label}
        )
    experiment.state = new
    for name, value in values.items():
        setattr(experiment, name, value)

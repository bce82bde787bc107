"""What the tests of an article have been through, as its history tells it: from their rows, which nothing prunes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from kb.models import Article, Decision, Epoch, Experiment, ExperimentState


@dataclass(frozen=True)
class Entry:
    """One thing that happened to a test. `by` is empty where nobody did it, or nobody knows."""

    at: datetime
    what: str
    by: str = ""


@dataclass(frozen=True)
class Told:
    """A test that has started, and what happened to it, the latest first."""

    experiment: Experiment
    entries: list[Entry]


def of(article: Article) -> list[Told]:
    """The tests of this article that have started, the newest first. Four queries, however many there are."""
    rows = (
        article.experiments.exclude(started_at=None)
        .select_related("decided_by", "ended_by", "published__revision")
        .prefetch_related("variants__revision", "epochs__by")
        .order_by("-started_at", "-pk")
    )
    return [Told(experiment, _entries(experiment)) for experiment in rows]


def _entries(experiment: Experiment) -> list[Entry]:
    entries = [_changed(epoch, before) for before, epoch in _steps(experiment)]
    if experiment.started_at is not None:
        entries.insert(0, Entry(experiment.started_at, _started(experiment)))
    if experiment.ended_at is not None:
        is_stopped = experiment.state == ExperimentState.STOPPED
        ended = _("Stopped") if is_stopped else _("Finished: its data are in")
        entries.append(Entry(experiment.ended_at, _because(ended, experiment.why_ended), _name(experiment.ended_by)))
    if experiment.decided_at is not None:
        what = _because(_decided(experiment), experiment.decided_why)
        entries.append(Entry(experiment.decided_at, what, _name(experiment.decided_by)))
    return entries[::-1]


def _steps(experiment: Experiment) -> list[tuple[Epoch, Epoch]]:
    epochs = sorted(experiment.epochs.all(), key=lambda epoch: epoch.number)
    steps = list(pairwise(epochs))
    # The weights of a test that earns follow what was seen, day by day; its result has them.
    return [step for step in steps if not experiment.earns or step[0].allocation != step[1].allocation]


def _started(experiment: Experiment) -> str:
    epochs = sorted(experiment.epochs.all(), key=lambda epoch: epoch.number)
    allocation = epochs[0].allocation if epochs else experiment.allocation
    texts = ", ".join(
        _("%(key)s (text %(number)d)") % {"key": arm.key, "number": arm.revision.number}
        for arm in experiment.variants.all()
    )
    return _("Started: %(texts)s; %(share)s of the visitors") % {"texts": texts, "share": _percent(allocation)}


def _changed(epoch: Epoch, before: Epoch) -> Entry:
    told = []
    if epoch.allocation != before.allocation:
        told.append(_("%(share)s of the visitors") % {"share": _percent(epoch.allocation)})
    if epoch.weights != before.weights:
        told.append(_("shares of the texts %(shares)s") % {"shares": _shares(epoch.weights)})
    what = _("From then on: %(what)s") % {"what": "; ".join(told)}
    return Entry(epoch.since, _because(what, epoch.why), _name(epoch.by))


def _name(user: User | None) -> str:
    return user.get_username() if user else ""


def _decided(experiment: Experiment) -> str:
    if experiment.decision == Decision.PUBLISH and experiment.published is not None:
        arm = experiment.published
        return _("Completed: published %(key)s (text %(number)d)") % {"key": arm.key, "number": arm.revision.number}
    if experiment.decision == Decision.KEEP:
        return _("Completed: the live text was kept")
    return _("Completed: discarded, its numbers are not to be trusted")


def _because(what: str, why: str) -> str:
    return f"{what}. {why}" if why else f"{what}."


def _shares(weights: Mapping[str, float]) -> str:
    total = sum(weights.values())
    return ", ".join(f"{key} {_percent(weight / total)}" for key, weight in sorted(weights.items()))


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"

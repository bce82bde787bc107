"""Looks at tests: the counts of a moment, what they say after the looks before, and a row that keeps it.

A look never changes an earlier one. Late contacts move what later looks count; what was said stays as it was said.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from analytics import experiment_counts, shop_days
from analytics.experiment_counts import Counts
from analytics.judging import deciding, wording
from analytics.judging.outlook import Outlook, look_ahead
from analytics.judging.shapes import ArmPlan, Declared, Judgement, Outcome
from analytics.models import LookKind, Verdict
from analytics.stats.arms import Arm
from kb import experiments
from kb.models import Experiment, ExperimentState, Metric, Mode

log = logging.getLogger(__name__)
_LONGEST_WAIT = timedelta(days=60)  # for the contacts of those who came last


@dataclass(frozen=True)
class Looked:
    """What a look found, stored or not."""

    experiment: Experiment
    declared: Declared
    counts: Counts
    judged: Judgement
    outlook: Outlook
    sentence: str


def counts(experiment: Experiment, *, now: datetime) -> Counts:
    """Who was exposed and what became of them, by epoch and arm."""
    return experiment_counts.count(experiment, now=now)


def latest(experiment: Experiment) -> Verdict | None:
    """The newest look that was stored."""
    return Verdict.objects.filter(experiment=experiment).first()


def latest_of(experiment_ids: QuerySet[Experiment] | list[int]) -> dict[int, Verdict]:
    """The newest look at each of these tests that has one."""
    rows = Verdict.objects.filter(experiment__in=experiment_ids).order_by("experiment_id", "-at", "-pk")
    return {row.experiment_id: row for row in rows.distinct("experiment_id")}


def judgement_of(verdict: Verdict) -> Judgement:
    return Judgement.of_data(verdict.said)


def compute(experiment: Experiment, *, now: datetime) -> Looked:
    """What a look would say now; nothing is stored."""
    counted = counts(experiment, now=now)
    declared = declared_of(experiment)
    outcomes = outcomes_of(counted, declared.metric)
    before = latest(experiment)
    is_over = _is_over(experiment, counted.watermark)
    judged = deciding.judge(
        outcomes, declared, judgement_of(before) if before else None, at=_local(now), is_over=is_over
    )
    outlook = look_ahead(
        outcomes, declared, started_at=_local(experiment.started_at or now), at=_local(now),
        due_at=_local(experiment.due_at) if experiment.due_at else None, watermark=_local(counted.watermark),
    )  # fmt: skip
    return Looked(experiment, declared, counted, judged, outlook, wording.sentence(judged, declared, outlook))


def look(experiment: Experiment, *, now: datetime, kind: str = LookKind.NIGHTLY) -> Verdict:
    """Look and keep what was seen. The deadline's look spends the rest and finishes the test."""
    return look_and_tell(experiment, now=now, kind=kind)[1]


def look_and_tell(experiment: Experiment, *, now: datetime, kind: str) -> tuple[Looked, Verdict]:
    """look(), with what it found."""
    with transaction.atomic():
        # One look at a time, or two would spend the same share of the error.
        held = Experiment.objects.select_for_update(of=("self",), no_key=True).select_related("article__category")
        row = held.get(pk=experiment.pk)
        looked = compute(row, now=now)
        is_final = looked.judged.is_over and row.state in experiments.LIVE
        verdict = Verdict.objects.create(
            experiment=row, at=now, kind=LookKind.FINAL if is_final else kind, watermark=looked.counts.watermark,
            code=looked.judged.code, sentence=looked.sentence, units=looked.judged.units,
            counts=[asdict(cell) for cell in looked.counts.cells], declared=asdict(looked.declared),
            said=looked.judged.as_data(), linkable_days=_linkable_days(row, now),
        )  # fmt: skip
        if is_final:
            experiments.finish(row)
            experiment.state = row.state
    return looked, verdict


def _linkable_days(experiment: Experiment, now: datetime) -> dict[str, dict[str, int]] | None:
    """What the ledger of effects needs, and no page could count in time."""
    if experiment.metric != Metric.CONTACT:
        return None
    found: dict[str, dict[str, int]] = {}
    for arm, day, number in experiment_counts.linkable_days(experiment, now=now):
        found.setdefault(arm, {})[day.isoformat()] = number
    return found


def look_nightly(*, now: datetime) -> int:
    """Look at every test that has not been looked at this night. Returns at how many; one that fails holds up none."""
    today = shop_days.begin(_local(now).date())
    seen = Verdict.objects.filter(at__gte=today).exclude(kind=LookKind.ASKED).values("experiment")
    done = 0
    for experiment in _watched(now).exclude(pk__in=seen):
        if is_settled(latest(experiment), experiment):
            continue
        try:
            look(experiment, now=now)
            done += 1
        except Exception:
            log.exception("no verdict on experiment %s", experiment.pk)
    return done


def declared_of(experiment: Experiment) -> Declared:
    """What was frozen at the start, with the weights of each epoch."""
    variants = sorted(experiment.variants.select_related("revision"), key=lambda each: (not each.is_control, each.key))
    weights = {epoch.number: dict(epoch.weights) for epoch in experiments.epochs_of(experiment)}
    return Declared(
        metric=experiment.metric,
        mode=experiment.mode,
        worthwhile=experiment.worthwhile,
        window_days=experiment.window_days,
        planned=experiment.planned_units,
        arms=tuple(ArmPlan(each.key, each.revision.number, each.is_control) for each in variants),
        weights=weights or {1: {each.key: each.weight for each in variants}},
        earns=experiment.earns,
    )


def outcomes_of(counted: Counts, metric: str) -> list[Outcome]:
    """The cells by what the test is judged by."""
    found = []
    for cell in counted.cells:
        successes, units = cell.successes(metric)
        found.append(
            Outcome(
                cell.epoch,
                cell.arm,
                cell.exposed,
                linkable=cell.exposed if metric == Metric.CONFIRMED else cell.linkable,
                judged=units,
                successes=successes,
                without_contact=Arm(cell.judged - cell.any_contacts, cell.judged),
                forms=Arm(cell.forms_sent, cell.forms_opened),
            )
        )
    return found


def _is_over(experiment: Experiment, watermark: datetime) -> bool:
    """Whether a deadline has passed and all that counts is known."""
    if experiment.mode != Mode.DEADLINE or experiment.due_at is None:
        return False
    return experiment.due_at + timedelta(days=experiment.window_days) <= watermark


def _watched(now: datetime) -> QuerySet[Experiment]:
    """What is running or paused, and what has ended while some of its windows may be open."""
    ended = Q(state=ExperimentState.STOPPED) | Q(state=ExperimentState.FINISHED, mode=Mode.OPEN)
    recent = ended & Q(started_at__isnull=False, ended_at__gt=now - _LONGEST_WAIT)
    return Experiment.objects.filter(Q(state__in=experiments.LIVE) | recent).order_by("pk")


def _local(moment: datetime) -> datetime:
    """By the shop's clock, for the days in a sentence."""
    return moment.astimezone(shop_days.zone())


def is_settled(verdict: Verdict | None, experiment: Experiment) -> bool:
    """Whether nothing can become known of this test any more."""
    if verdict is None or experiment.ended_at is None:
        return False
    return verdict.watermark >= experiment.ended_at + timedelta(days=experiment.window_days)

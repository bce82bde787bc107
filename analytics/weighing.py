"""Earn while it runs: each day the arms of such a test get the shares that Thompson sampling draws from what is known.

A day is an epoch, so that its verdict (stats.earning.log_e) knows the chances of every day, which were fixed before it
began. Seed and shares go into the audit log and can be computed again.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from analytics import shop_days, verdicts
from analytics.models import Verdict
from analytics.stats import earning
from core import audit
from core.models import AuditEntry
from kb import experiments
from kb.models import Epoch, Experiment, ExperimentState

_WEIGHED = "experiment.weighed"
log = logging.getLogger(__name__)


def weigh_daily(*, now: datetime) -> int:
    """Give every running test that earns its shares of today. Returns how many got new ones."""
    done = 0
    for experiment in Experiment.objects.filter(state=ExperimentState.RUNNING, earns=True).order_by("pk"):
        try:
            done += weigh(experiment, now=now) is not None
        except Exception:
            log.exception("no new weights for experiment %s", experiment.pk)
    return done


def weigh(experiment: Experiment, *, now: datetime) -> Epoch | None:
    """Today's epoch (yesterday's, where the shares come out the same). None where today was weighed already, or where
    the split is off: then nothing is to be believed."""
    with transaction.atomic():
        held = Experiment.objects.select_for_update(of=("self",), no_key=True).select_related("article__category")
        row = held.get(pk=experiment.pk)
        newest = experiments.epochs_of(row)[-1]
        if newest.since >= _midnight(now) or _is_weighed(row, now) or _is_blocked(verdicts.latest(row)):
            return None
        declared = verdicts.declared_of(row)
        outcomes = verdicts.outcomes_of(verdicts.counts(row, now=now), declared.metric)
        keys = [arm.key for arm in declared.arms]
        successes = [sum(each.successes for each in outcomes if each.arm == key) for key in keys]
        units = [sum(each.judged for each in outcomes if each.arm == key) for key in keys]
        seed = row.pk * 100_000 + newest.number + 1
        shares = dict(
            zip(keys, (round(share, 4) for share in earning.shares(successes, units, seed=seed)), strict=True)
        )
        epoch = experiments.ramp(row, by=None, weights=shares)
        audit.record(
            None, _WEIGHED, row, label=row.name, epoch=epoch.number, seed=seed, shares=shares,
            successes=dict(zip(keys, successes, strict=True)), units=dict(zip(keys, units, strict=True)),
        )  # fmt: skip
        return epoch


def _is_weighed(experiment: Experiment, now: datetime) -> bool:
    """Shares that came out the same make no new epoch, but are the day's all the same."""
    told = AuditEntry.objects.filter(action=_WEIGHED, target_type="kb.experiment", target_id=str(experiment.pk))
    return told.filter(at__gte=_midnight(now)).exists()


def _is_blocked(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.code == "blocked"


def _midnight(now: datetime) -> datetime:
    return shop_days.begin(shop_days.day_of(now))

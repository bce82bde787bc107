"""A test's numbers for machines and for the command line; the desk's page shows the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from analytics import verdicts
from analytics.experiment_counts import Cell
from analytics.judging import wording
from analytics.judging.shapes import ArmPlan, Compared, Declared, Judgement
from analytics.models import Verdict
from analytics.verdicts import Looked
from kb.models import Experiment

COLUMNS = ("epoch", "arm", "revision", *Cell.NUMBERS, "successes", "of")


def as_data(looked: Looked) -> dict[str, Any]:
    """One look with all of its aggregates."""
    return {
        "experiment": about(looked.experiment, looked.declared),
        "at": looked.counts.at.isoformat(),
        "watermark": looked.counts.watermark.isoformat(),
        **_said(looked.judged, looked.sentence),
        "first_verdict_expected": _iso(looked.outlook.first),
        "all_in_expected": _iso(looked.outlook.planned),
        "cells": cells(looked.counts.cells, looked.declared),
        **_details(looked.judged, looked.declared),
    }


def stored_as_data(verdict: Verdict, *, with_details: bool = True) -> dict[str, Any]:
    """One stored look, as it was said then."""
    judged, declared = verdicts.judgement_of(verdict), declared_then(verdict)
    found = {
        "id": verdict.pk,
        "at": verdict.at.isoformat(),
        "kind": verdict.kind,
        "watermark": verdict.watermark.isoformat(),
        **_said(judged, verdict.sentence),
    }
    if not with_details:
        return found
    return {
        **found,
        "cells": cells([Cell(**cell) for cell in verdict.counts], declared),
        **_details(judged, declared),
    }


def whole(experiment: Experiment) -> dict[str, Any]:
    """A test as it was declared, its newest look with all of its numbers, and what every look said."""
    looks = list(experiment.verdicts.all())
    return {
        "experiment": about(experiment),
        "verdict": stored_as_data(looks[0]) if looks else None,
        "looks": [stored_as_data(look, with_details=False) for look in looks],
    }


def about(experiment: Experiment, declared: Declared | None = None) -> dict[str, Any]:
    """A test as it was declared, and where it stands."""
    declared = declared or verdicts.declared_of(experiment)
    return {
        **in_short(experiment),
        "arms": [{"key": arm.key, "revision": arm.revision, "is_control": arm.is_control} for arm in declared.arms],
        "epochs": [{"number": number, "weights": dict(weights)} for number, weights in declared.weights.items()],
    }


def in_short(experiment: Experiment) -> dict[str, Any]:
    """The same without what is in other tables than the test's and its article's."""
    article = experiment.article
    return {
        "id": experiment.pk,
        "name": experiment.name,
        "article": {
            "id": article.pk, "slug": article.slug, "lang": article.locale,
            "title": article.live_revision.title if article.live_revision else "",
        },
        "state": experiment.state,
        "hypothesis": experiment.hypothesis,
        "metric": experiment.metric,
        "worthwhile": experiment.worthwhile,
        "window_days": experiment.window_days,
        "mode": experiment.mode,
        "planned_units": experiment.planned_units,
        "due_at": _iso(experiment.due_at),
        "earns": experiment.earns,
        "started_at": _iso(experiment.started_at),
        "ended_at": _iso(experiment.ended_at),
        "why_ended": experiment.why_ended,
        "decision": experiment.decision,
    }  # fmt: skip


def cells(counted: Sequence[Cell], declared: Declared) -> list[dict[str, Any]]:
    """Each cell with its successes by the declared metric; the rows of the CSV file."""
    revisions = {arm.key: arm.revision for arm in declared.arms}
    found = []
    for cell in counted:
        successes, of = cell.successes(declared.metric)
        found.append(asdict(cell) | {"revision": revisions.get(cell.arm), "successes": successes, "of": of})
    return found


def declared_then(verdict: Verdict) -> Declared:
    """The plan as the verdict was held against it."""
    given = dict(verdict.declared)
    given["arms"] = tuple(ArmPlan(**arm) for arm in given["arms"])
    given["weights"] = {int(number): weights for number, weights in given["weights"].items()}
    return Declared(**given)


def as_text(looked: Looked) -> str:
    """For people."""
    experiment, declared = looked.experiment, looked.declared
    lines = [
        f"{experiment.name} ({experiment.get_state_display()}), article {experiment.article.slug}",
        f"Judged by {experiment.get_metric_display()}",
        f"As of {looked.counts.at:%Y-%m-%d %H:%M} UTC, contacts in up to {looked.counts.watermark:%Y-%m-%d %H:%M}",
        "",
        looked.sentence,
        "",
        f"{'epoch':>5} {'arm':<12}{'exposed':>10}{'linkable':>10}{'judged':>10}{'good':>10}   share",
    ]
    for cell in looked.counts.cells:
        good, of = cell.successes(declared.metric)
        share = f"{100 * good / of:.1f} %" if of else "–"
        lines.append(
            f"{cell.epoch:>5} {cell.arm:<12}{cell.exposed:>10,}{cell.linkable:>10,}{of:>10,}{good:>10,}   {share}"
        )
    lines.append("")
    lines += [f"{each.second} against {each.first}: {_numbers(each)}" for each in looked.judged.compared]
    if split := looked.judged.split:
        state = "BLOCKED" if split.is_mismatch else "odd" if split.is_odd else "as drawn"
        lines.append(f"Split: {state} (Bayes factor {split.bayes_factor:.3g}, blocked from 100; p {split.p:.3g})")
    lines += [
        f"Guard-rail {guard.what}, {guard.arm}: {guard.hits} of {guard.of}, control {guard.control_hits} of "
        f"{guard.control_of}: {wording.guard_spoken(guard, declared)}"
        for guard in looked.judged.guards
    ]
    return "\n".join([*lines, ""])


def _numbers(each: Compared) -> str:
    if not each.is_judged:
        return "too early to say"
    told = [each.said or ("the same" if each.is_same else "not shown")]
    if each.estimate is not None and each.low is not None and each.high is not None:
        told.append(f"{100 * each.estimate:+.2f} points, now {100 * each.low:+.2f} to {100 * each.high:+.2f}")
    if each.p is not None:
        told.append(f"p {each.p:.4f}, least so far {each.least_p:.4f}")
    if each.z is not None and each.bound is not None:
        told.append(f"z {each.z:.3f}, bound {each.bound:.3f}")
    return "; ".join(told)


def _said(judged: Judgement, sentence: str) -> dict[str, Any]:
    return {"code": str(judged.code), "sentence": sentence, "about": list(judged.arms), "judged": judged.units}


def _details(judged: Judgement, declared: Declared) -> dict[str, Any]:
    return {
        "coverage": {"linkable": judged.coverage[0], "exposed": judged.coverage[1]},
        "compared": [asdict(each) | {"in_words": wording.spoken(each, declared)} for each in judged.compared],
        "split": asdict(judged.split) if judged.split else None,
        "guards": [asdict(guard) | {"in_words": wording.guard_spoken(guard, declared)} for guard in judged.guards],
        "information": list(judged.fractions),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None

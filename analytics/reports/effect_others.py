"""Experiments that say nothing of contacts prevented: tests judged by another metric, and the learnt order of search.

They stand beside the ledger and are never added to its sums or to money: a share of readers resolved is no contact, and
what search counts are contacts of 24 hours after searches of the days chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import shop_days, verdicts
from analytics.experiment_counts import Cell
from analytics.judging import wording
from analytics.judging.shapes import Code as Said
from analytics.judging.shapes import Compared, Declared, Judgement
from analytics.models import Verdict
from analytics.periods import Period
from analytics.reports import effect_sources, experiment_result, search_learning
from analytics.reports.effect_entries import Kind
from analytics.reports.search_learning import SearchLearning
from analytics.reports.tables import Column, Table
from analytics.stats.proportions import Interval, Rate
from kb.models import Experiment, Metric, Variant

# What the successes of a metric are, and what they are of, as exposures are listed (exposure_rows.NARROWED).
_ROWS = {Metric.RESOLUTION: ("resolved", "judged"), Metric.CONFIRMED: ("confirmed", "mature")}


class Verdicts(StrEnum):
    """What is shown of it."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    NOT_SHOWN = "not_shown"
    TOO_EARLY = "too_early"
    WITHHELD = "withheld"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Other:
    """One thing tried against what was there. `control` went without; both are shares of what `measures` says.

    `points`: with less without, in percentage points; None where nothing may be said. `rows`: as of an Entry."""

    key: str
    kind: Kind
    name: str
    measures: str
    url: str
    since: date | None
    control: Rate
    treated: Rate
    code: Verdicts
    said: str
    points: Interval | None = None
    rows: dict[str, str] = field(default_factory=dict)


def of_tests(period: Period) -> list[Other]:
    """Each new text of every test that is judged by another metric than contacts, by its newest look. Three queries,
    however many there are."""
    tests = list(
        Experiment.objects.filter(started_at__lt=period.end).exclude(metric=Metric.CONTACT).order_by("-started_at")
    )
    looks = verdicts.latest_of([test.pk for test in tests])
    arms: dict[int, list[Variant]] = {}
    for variant in Variant.objects.filter(experiment__in=tests).order_by("-is_control", "key"):
        arms.setdefault(variant.experiment_id, []).append(variant)
    found = []
    for test in tests:
        control, *others = arms[test.pk]
        found += [_of_text(test, control, one, looks.get(test.pk), is_only=len(others) == 1) for one in others]
    return found


def _of_text(test: Experiment, control: Variant, treated: Variant, look: Verdict | None, *, is_only: bool) -> Other:
    cells = [Cell(**cell) for cell in look.counts] if look else []
    code, said, points = _judged(look, control.key, treated.key)
    return Other(
        key=f"test:{test.pk}:{treated.key}",
        kind=Kind.TEST,
        name=test.name if is_only else f"{test.name} ({treated.key})",
        measures=str(test.get_metric_display()),
        url=reverse("desk:experiment", args=[test.pk]),
        since=shop_days.day_of(test.started_at) if test.started_at else None,
        control=_successes(cells, control.key, test.metric),
        treated=_successes(cells, treated.key, test.metric),
        code=code,
        said=said,
        points=points,
        rows=effect_sources.exposures(look, control, treated, *_ROWS[Metric(test.metric)]),
    )


def _successes(cells: Sequence[Cell], arm: str, metric: str) -> Rate:
    found = [cell.successes(metric) for cell in cells if cell.arm == arm]
    return Rate(sum(hits for hits, _of in found), sum(of for _hits, of in found))


def _judged(look: Verdict | None, control: str, treated: str) -> tuple[Verdicts, str, Interval | None]:
    if look is None:
        return Verdicts.TOO_EARLY, _("It has not been looked at yet."), None
    judged, declared = verdicts.judgement_of(look), experiment_result.declared_then(look)
    compared = judged.of(control, treated)
    if judged.code == Said.BLOCKED:
        return Verdicts.BLOCKED, look.sentence, None
    if judged.code == Said.WITHHELD:
        return Verdicts.WITHHELD, look.sentence, None
    if compared is None or not compared.is_judged:
        return Verdicts.TOO_EARLY, look.sentence, None
    return _code(compared), _spoken(compared, declared, judged, look), _points(compared, declared)


def _code(compared: Compared) -> Verdicts:
    if compared.said:
        return Verdicts(compared.said)
    return Verdicts.SAME if compared.is_same else Verdicts.NOT_SHOWN


def _spoken(compared: Compared, declared: Declared, judged: Judgement, look: Verdict) -> str:
    """The look's own sentence; of one of several texts what was said of it."""
    return look.sentence if len(declared.treatments) == 1 else wording.spoken(compared, declared)


def _points(compared: Compared, declared: Declared) -> Interval | None:
    """What all looks so far leave. None where the weights follow the results: by how much is not known."""
    if declared.earns or compared.ends is None:
        return None
    low, high = compared.ends
    return Interval(100 * low, 100 * high)


def of_search(period: Period, *, now: datetime, report: SearchLearning | None = None) -> Other | None:
    """The learnt order of answers against the plain one, by contacts; None where nobody was drawn in these days."""
    report = report or search_learning.build(period, now=now)
    control, treated = report.plain.contacted, report.learnt.contacted
    if not control.of and not treated.of:
        return None
    code, said, points = _of_order(report)
    return Other(
        key="search",
        kind=Kind.SEARCH,
        name=_("Learnt order of search"),
        measures=_("Contacts within 24 hours of a visitor’s first search in which the order could differ"),
        url=f"{reverse('desk:search-health')}#h-learning",
        since=None,
        control=control,
        treated=treated,
        code=code,
        said=said,
        points=points,
    )


def _of_order(report: SearchLearning) -> tuple[Verdicts, str, Interval | None]:
    found = report.contacted
    if report.is_mismatched:
        return Verdicts.BLOCKED, _("Blocked: the split is wrong, so nothing is said."), None
    if found is None or found.is_too_early:
        return Verdicts.TOO_EARLY, _("Too early to say."), None
    if not found.is_shown:
        return Verdicts.NOT_SHOWN, _("Not shown to change contacts."), found.interval
    if found.interval.high < 0:
        return Verdicts.BETTER, _("Fewer contact us within 24 hours."), found.interval
    return Verdicts.WORSE, _("More contact us within 24 hours."), found.interval


def tables(period: Period, now: datetime) -> list[Table]:
    """All of them in one table."""
    search = of_search(period, now=now)
    found = [*of_tests(period), *([search] if search else [])]
    return [
        Table(
            "others",
            _("Judged by something else than contacts prevented"),
            (
                Column("key", _("Key")), Column("kind", _("Kind")), Column("name", _("Name")),
                Column("since", _("Since")), Column("measures", _("What it measures")),
                Column("control", _("Without")), Column("treated", _("With")), Column("verdict", _("Verdict")),
                Column("sentence", _("In words")), Column("low", _("With less without, points, lower bound")),
                Column("high", _("With less without, points, upper bound")),
            ),
            [
                (
                    one.key, str(one.kind), one.name, one.since, one.measures, one.control, one.treated, str(one.code),
                    one.said, one.points.low if one.points else None, one.points.high if one.points else None,
                )
                for one in found
            ],
            _("In no sum and in no money. Tests by their newest look; the order of search by searches of the period."),
        )
    ]  # fmt: skip

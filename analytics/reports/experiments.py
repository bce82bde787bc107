"""The list of A/B tests: what runs, what waits for somebody, what is planned, and what became of past ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from analytics import verdicts
from analytics.periods import Period
from analytics.reports.tables import Column, Table
from kb.models import Article, ArticleResult, Experiment, ExperimentState, Exposure, Metric

# What the list can be narrowed to: its word in the address, and its states, in the order in which they are shown.
GROUPS: dict[str, tuple[str, ...]] = {
    "needs": (ExperimentState.FINISHED,),
    "running": (ExperimentState.RUNNING, ExperimentState.PAUSED),
    "drafts": (ExperimentState.DRAFT,),
    "past": (ExperimentState.COMPLETED, ExperimentState.STOPPED),
}
_ENOUGH = 30  # linkable readers below which an article's contacts say nothing


@dataclass(frozen=True)
class Row:
    """One test. `exposed` have seen their text; `counted` of them can be, as far as the exposure itself tells."""

    experiment: Experiment
    title: str
    sentence: str
    exposed: int
    counted: int
    days_left: int | None

    @property
    def percent(self) -> int | None:
        """How much of its plan is in."""
        planned = self.experiment.planned_units
        return min(100, round(100 * self.counted / planned)) if planned else None

    @property
    def was_started(self) -> bool:
        return self.experiment.started_at is not None


def found(text: str) -> QuerySet[Experiment]:
    """The tests whose name, hypothesis or article has these words, the newest first."""
    rows = Experiment.objects.select_related(
        "article__draft", "article__live_revision", "created_by", "decided_by", "published"
    )
    for word in text.split()[:8]:
        rows = rows.filter(
            Q(name__icontains=word) | Q(hypothesis__icontains=word) | Q(article__draft__title__icontains=word)
        )
    return rows.order_by("-pk")


def group_sizes(rows: QuerySet[Experiment]) -> dict[str, int]:
    by_state = dict(rows.order_by().values_list("state").annotate(number=Count("pk")))
    return {key: sum(by_state.get(state, 0) for state in states) for key, states in GROUPS.items()}


def told(experiments: Sequence[Experiment], *, now: datetime) -> list[Row]:
    """Each with how many have seen it and what the last look said. Two queries, however many there are."""
    seen = {
        pk: (every, returning)
        for pk, every, returning in Exposure.objects.filter(experiment__in=experiments)
        .values("experiment")
        .annotate(every=Count("pk"), returning=Count("pk", filter=Q(is_returning=True)))
        .values_list("experiment", "every", "returning")
    }
    looks = verdicts.latest_of([one.pk for one in experiments])
    rows = []
    for one in experiments:
        every, returning = seen.get(one.pk, (0, 0))
        left = None
        if one.due_at is not None and one.state in GROUPS["running"]:
            left = max(0, math.ceil((one.due_at - now) / timedelta(days=1)))
        rows.append(
            Row(
                experiment=one,
                title=one.article.live_revision.title if one.article.live_revision else one.article.draft.title,
                sentence=looks[one.pk].sentence if one.pk in looks else "",
                exposed=every,
                counted=every if one.metric == Metric.CONFIRMED else returning,
                days_left=left,
            )
        )
    return rows


def worth_testing() -> ArticleResult | None:
    """The published article after which most readers contacted us, of those that nobody tests; else the most read."""
    busy = Experiment.objects.filter(state__in=[*GROUPS["running"], *GROUPS["needs"], *GROUPS["drafts"]]).values(
        "article"
    )
    results = (
        ArticleResult.objects.filter(article__in=Article.objects.published(), views__gt=0)
        .exclude(article__in=busy)
        .select_related("article__draft")
    )
    worst = results.filter(linkable__gte=_ENOUGH, contacts_after_read__gt=0).order_by("-contacts_after_read", "-views")
    return worst.first() or results.order_by("-views").first()


def tables(period: Period, now: datetime) -> Sequence[Table]:
    """Every test that was under way in the period, and all plans."""
    during = found("").filter(Q(started_at__isnull=True) | Q(started_at__lt=period.end))
    rows = told(list(during.exclude(ended_at__lt=period.start)), now=now)
    return [
        Table(
            name="experiments",
            title=_("A/B tests of articles"),
            columns=(
                Column("id", _("Test")),
                Column("name", _("Name")),
                Column("article", _("Article")),
                Column("state", _("State")),
                Column("metric", _("Judged by")),
                Column("started_at", _("Began")),
                Column("ended_at", _("Ended")),
                Column("exposed", _("Exposed")),
                Column("counted", _("Of these that can count")),
                Column("planned", _("Planned")),
                Column("days_left", _("Days left")),
                Column("sentence", _("What the newest look said")),
            ),
            rows=[
                (
                    row.experiment.pk,
                    row.experiment.name,
                    row.title,
                    row.experiment.state,
                    row.experiment.metric,
                    row.experiment.started_at,
                    row.experiment.ended_at,
                    row.exposed,
                    row.counted,
                    row.experiment.planned_units,
                    row.days_left,
                    row.sentence,
                )
                for row in rows
            ],
            note=_("Tests under way in the period, and plans. Visitors are counted from the beginning of each test."),
        )
    ]

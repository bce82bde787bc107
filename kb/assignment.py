"""What decides who sees which text of a test, as the database has it; and that a text was seen, stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import OuterRef, Subquery

from kb.arms import Arms
from kb.models import Epoch, ExperimentState, Exposure, Variant


def arms_of(variants: Sequence[Variant]) -> Arms:
    """`variants` are all those of one experiment, with it loaded. The epoch is not asked for."""
    experiment = variants[0].experiment
    return Arms(
        salt=str(experiment.salt),
        allocation=experiment.allocation,
        keys=tuple(variant.key for variant in variants),
        weights=tuple(variant.weight for variant in variants),
    )


def running() -> list[Arms]:
    """Every running test, for those who simulate readers."""
    rows = Variant.objects.filter(experiment__state=ExperimentState.RUNNING).select_related("experiment__article")
    variants: dict[int, list[Variant]] = {}
    for variant in rows.annotate(epoch=newest_epoch("experiment_id")).order_by("experiment_id", "key"):
        variants.setdefault(variant.experiment_id, []).append(variant)
    found = []
    for arms in variants.values():
        article, epoch = arms[0].experiment.article, arms[0].epoch or 1  # type: ignore[attr-defined]
        plain = arms_of(arms)
        found.append(
            Arms(plain.salt, plain.allocation, plain.keys, plain.weights, article.pk, article.external_id, epoch)
        )
    return found


def newest_epoch(experiment: str) -> Subquery:
    """The number of the epoch that holds; `experiment` names the column of the outer query that has its id."""
    return Subquery(Epoch.objects.filter(experiment=OuterRef(experiment)).order_by("-number").values("number")[:1])


def expose(
    *,
    experiment_id: int,
    variant_id: int,
    visitor: str,
    at: datetime,
    epoch: int = 1,
    is_returning: bool = False,
) -> None:
    """Store that this visitor really saw their variant; only the first time counts.

    `epoch` is the one by whose weights they were drawn; `is_returning`: their browser brought its id back.
    """
    exposure = Exposure(
        experiment_id=experiment_id,
        variant_id=variant_id,
        visitor=visitor,
        at=at,
        epoch=epoch,
        is_returning=is_returning,
    )
    Exposure.objects.bulk_create([exposure], ignore_conflicts=True)

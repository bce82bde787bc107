"""The desk's pages of a test's result, for the test that walks every page: path, who opens it, what must be there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

from analytics import verdicts
from core import clock
from kb import experiments
from kb.experiments import Arm
from kb.models import Article, Experiment, Exposure, Revision, Variant

READERS = ("writer", "reviewer", "analyst", "admin")
ROWS_READERS = ("ops", "analyst", "admin")


def started() -> int:
    article = Article.objects.published().filter(locale="en").select_related("live_revision")[2]
    live = article.live_revision
    assert live is not None
    other = Revision.objects.create(
        article=article, number=900, title=live.title, body="Other.", html="<p>Other.</p>", text="Other.",
        created_at=clock.now(),
    )  # fmt: skip
    made = experiments.create(
        article, name="A link first", control=Arm("a", live), others=[Arm("b", other)], by=None,
        hypothesis="Fewer ask where their parcel is.",
    )  # fmt: skip
    experiments.start(made, by=None, planned_units=900)
    return made.pk


def judged() -> int:
    """With visitors of two weeks, two epochs, and looks at them."""
    experiment = Experiment.objects.get(name="A link first")
    now = clock.now()
    variants = list(Variant.objects.filter(experiment=experiment))
    Exposure.objects.bulk_create(
        Exposure(
            experiment=experiment, variant=variants[number % 2], visitor=uuid.uuid4(), is_returning=number % 3 > 0,
            at=now + timedelta(hours=number), epoch=1 + number // 200,
        )
        for number in range(300)
    )  # fmt: skip
    for days in (3, 9, 12, 15):
        verdicts.look(experiment, now=now + timedelta(days=days))
    return experiment.pk


DESK_PAGES: list[tuple[str, tuple[str, ...], Callable[[], int]]] = [
    ("/desk/experiments/{}/", READERS, started),
    ("/desk/experiments/{}/", READERS, judged),
    ("/desk/reports/journeys/", ROWS_READERS, lambda: 0),
    ("/desk/exposures/{}/?what=judged", ROWS_READERS, lambda: Variant.objects.latest("pk").pk),
]

"""The desk's pages of A/B tests, for the test that walks every page: path, who opens it, what must be there first."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

from analytics.models import Event, EventKind
from core import clock
from kb import experiments, publishing
from kb.experiments import Arm
from kb.models import Article, Experiment, Revision
from kb.publishing import Text

PREPARERS = ("writer", "reviewer", "analyst", "admin")
_READERS = 120


def _another_text(article: Article, words: str) -> Revision:
    draft = publishing.save_draft(article, Text(article.draft.title, "", words), version=article.draft.version, by=None)
    return publishing.freeze(article, by=None, version=draft.version)


def draft() -> int:
    """A test of three texts that is being planned, on an article with readers of five weeks."""
    article = Article.objects.published().filter(locale="en").select_related("draft", "live_revision", "category")[1]
    live = article.live_revision
    assert live is not None
    now = clock.now()
    Event.objects.bulk_create(
        Event(
            kind=EventKind.READ, at=now - timedelta(days=35 * number / _READERS), visitor=uuid.uuid4(),
            is_returning=True, article_id=article.pk, revision_id=live.pk, topic=article.category.topic,
        )
        for number in range(_READERS)
    )  # fmt: skip
    others = [Arm(key, _another_text(article, f"{live.body}\n\nText **{key}**.")) for key in ("b", "c")]
    made = experiments.create(article, name="Deadline first", control=Arm("a", live), others=others, by=None)
    return made.pk


def running() -> int:
    experiment = Experiment.objects.get(pk=draft())
    experiments.revise(experiment, by=None, allocation=0.1, hypothesis="Fewer ask.")
    experiments.start(experiment, by=None, planned_units=900)
    return experiment.pk


def paused() -> int:
    pk = _latest("running")
    experiments.pause(Experiment.objects.get(pk=pk), by=None)
    return pk


def finished() -> int:
    pk = _latest("paused")
    experiments.finish(Experiment.objects.get(pk=pk))
    return pk


def _latest(state: str) -> int:
    return Experiment.objects.filter(state=state).latest("pk").pk


DESK_PAGES: list[tuple[str, tuple[str, ...], Callable[[], int]]] = [
    ("/desk/experiments/{}/texts/", PREPARERS, draft),
    ("/desk/experiments/{}/texts/?view=aside", PREPARERS, lambda: _latest("draft")),
    ("/desk/experiments/{}/hypothesis/", PREPARERS, lambda: _latest("draft")),
    ("/desk/experiments/{}/plan/", PREPARERS, lambda: _latest("draft")),
    ("/desk/experiments/{}/start/", PREPARERS, lambda: _latest("draft")),
    ("/desk/experiments/{}/do/discard/", PREPARERS, lambda: _latest("draft")),
    ("/desk/experiments/{}/do/ramp/", ("reviewer", "admin"), running),
    ("/desk/experiments/{}/do/weights/", ("reviewer", "admin"), lambda: _latest("running")),
    ("/desk/experiments/{}/do/pause/", ("reviewer", "admin"), lambda: _latest("running")),
    ("/desk/experiments/{}/do/finish/", ("reviewer", "admin"), lambda: _latest("running")),
    ("/desk/experiments/{}/do/stop/", ("reviewer", "admin"), lambda: _latest("running")),
    ("/desk/experiments/{}/do/resume/", ("reviewer", "admin"), paused),
    ("/desk/experiments/{}/do/complete/", ("reviewer", "admin"), finished),
    ("/desk/experiments/?all={}", PREPARERS, lambda: _latest("finished")),
]

"""Tests of articles, made and started in a line."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from kb import experiments, publishing
from kb.experiments import Arm
from kb.models import Article, Draft, Experiment, Revision
from kb.publishing import Text


def text_of(article: Article, body: str, *, by: User | None = None) -> Revision:
    """A frozen text of the article; its draft is left as it was."""
    draft = Draft.objects.get(article=article)
    before = Text.of(draft)
    publishing.save_draft(article, Text(draft.title, draft.summary, body), version=draft.version, by=by)
    revision = publishing.freeze(article, by=by)
    publishing.save_draft(article, before, version=draft.version + 1, by=by)
    return revision


def planned(article: Article, *bodies: str, by: User | None = None, **more: Any) -> Experiment:
    """A draft of a test of these texts (Text B, where none is given) against the live one; keys a, b, c…"""
    article.refresh_from_db()
    assert article.live_revision is not None
    others = [Arm(key, text_of(article, body)) for key, body in zip("bcdefg", bodies or ("Text B",), strict=False)]
    more = {"name": "Steps first", "control": Arm("a", article.live_revision), "others": others} | more
    return experiments.create(article, by=by, **more)


def started(article: Article, *bodies: str, by: User | None = None, **more: Any) -> Experiment:
    experiment = planned(article, *bodies, **more)
    experiments.start(experiment, by=by)
    return experiment

"""The demo shop's tests, as drafts: an article of the demo and the text beside it, from a file of demo/experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from kb import experiments, publishing
from kb.models import Article, Experiment

WHERE_IS_MY_ORDER = "where-is-my-order-b.md"


def draft(path: Path, *, name: str, **declared: Any) -> Experiment:
    """A test of the article that the file names, the file's text as arm b. `declared` as for experiments.create."""
    head, _, body = path.read_text(encoding="utf-8").removeprefix("---\n").partition("\n---\n")
    said = yaml.safe_load(head)
    article = Article.objects.get(source="demo", external_id=said["id"], locale=said["locale"])
    before = publishing.Text.of(article.draft)
    other = publishing.Text(said["title"], said["summary"], body.strip())
    changed = publishing.save_draft(article, other, version=article.draft.version, by=None)
    challenger = publishing.freeze(article, by=None, comment=f"Variant b: {name}")
    publishing.save_draft(article, before, version=changed.version, by=None)
    assert article.live_revision is not None  # noqa: S101 (for mypy: the demo's articles are published)
    return experiments.create(
        article,
        name=name,
        control=experiments.Arm("a", article.live_revision),
        others=[experiments.Arm("b", challenger)],
        **{"by": None, **declared},
    )


def of_demo_article(folder: Path, *, name: str = "The steps first") -> Experiment:
    """The live test of the demo's best read article, or a draft of one where none is live."""
    path = folder / "experiments" / WHERE_IS_MY_ORDER
    article = Article.objects.get(source="demo", external_id="where-is-my-order", locale="en")
    return experiments.live_on(article) or draft(path, name=name)

"""Tests of articles made by hand: arms, epochs, exposures, and what became of those who were exposed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from analytics.models import Event, EventKind, Identity
from kb.models import Article, Epoch, Experiment, Exposure, Revision, Variant
from tests.analytics import history

START = history.at()


def experiment(
    article: Article | None = None,
    *,
    keys: Sequence[str] = ("a", "b"),
    weights: Sequence[float] = (),
    **declared: object,
) -> Experiment:
    """A running test whose control is the article's live text; each other arm a text of its own."""
    article = article or history.article("Where is my parcel", topic="delivery")
    given: dict[str, object] = {
        "name": "Shorter first line", "state": "running", "started_at": START, "window_days": 7, "planned_units": 4_000,
        **declared,
    }  # fmt: skip
    made = Experiment.objects.create(article=article, **given)
    weights = weights or [1.0] * len(keys)
    first = article.revisions.count()
    for place, (key, weight) in enumerate(zip(keys, weights, strict=True)):
        revision = article.live_revision
        if place:
            revision = Revision.objects.create(
                article=article, number=first + place, title="Another text", body="", html="", text="", created_at=START
            )
        Variant.objects.create(experiment=made, key=key, revision=revision, weight=weight, is_control=place == 0)
    epoch(made, 1, START, dict(zip(keys, weights, strict=True)))
    return made


def epoch(
    made: Experiment, number: int, since: datetime, weights: Mapping[str, float], *, allocation: float = 1.0
) -> Epoch:
    found = Epoch.objects.filter(experiment=made, number=number).first()
    return found or Epoch.objects.create(
        experiment=made, number=number, since=since, allocation=allocation, weights=dict(weights)
    )


def exposed(
    made: Experiment, arm: str, when: datetime = START, *, is_returning: bool = True, epoch: int = 1
) -> uuid.UUID:
    """Somebody new, exposed to an arm."""
    visitor = uuid.uuid4()
    variant = made.variants.get(key=arm)
    Exposure.objects.create(
        experiment=made, variant=variant, visitor=visitor, at=when, epoch=epoch, is_returning=is_returning
    )
    return visitor


_contacts = iter(range(1, 10**9))


def called(
    visitor: uuid.UUID | None, when: datetime, *, person: str = "", topic: str = "delivery",
    contact_id: int | None = None, source: str = "form",
) -> int:  # fmt: skip
    """A row about a contact; with `contact_id` about one that has a row already."""
    contact_id = contact_id or next(_contacts)
    Event.objects.create(
        kind=EventKind.CONTACT, at=when, visitor=visitor, person=person, contact_id=contact_id, topic=topic,
        data={"source": source},
    )  # fmt: skip
    return contact_id


def voted(made: Experiment, arm: str, visitor: uuid.UUID, when: datetime, *, is_helpful: bool) -> None:
    Event.objects.create(
        kind=EventKind.VOTE, at=when, visitor=visitor, article_id=made.article_id,
        revision_id=made.variants.get(key=arm).revision_id, topic="delivery", data={"is_helpful": is_helpful},
    )  # fmt: skip


def opened_form(visitor: uuid.UUID, when: datetime) -> None:
    Event.objects.create(kind=EventKind.FORM, at=when, visitor=visitor)


def tied(visitor: uuid.UUID, person: str, when: datetime) -> None:
    Identity.objects.create(visitor=visitor, person=person, how="link", at=when)


def later(days: float = 0, **more: float) -> datetime:
    return START + timedelta(days=days, **more)

"""What the editor shows of an article's way to customers, loaded with the article: no query of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, OuterRef, QuerySet
from django.db.models.functions import JSONObject, Now
from django.utils.dateparse import parse_datetime

from kb import presence
from kb.models import Article, EditingLock, Plan, PlanState, Remark, Review, ReviewState


@dataclass(frozen=True)
class ReviewNow:
    """The newest review of an article: `state` "open" or "sent_back"."""

    id: int
    state: str
    number: int
    assignee: str
    asked_by: str
    asked_at: datetime
    ended_by: str
    reason: str


@dataclass(frozen=True)
class PlanNow:
    """A plan that waits for its time or could not be done: `state` "waiting" or "failed"."""

    id: int
    kind: str
    state: str
    number: int | None
    at: datetime
    made_by: str
    reason: str


@dataclass(frozen=True)
class Flow:
    review: ReviewNow | None
    plans: list[PlanNow]
    open_remarks: int
    held_by: str  # who has it open in the editor, if it is not the one who asks
    held_since: datetime | None


def articles() -> QuerySet[Article]:
    """Articles with draft, live revision and what `flow_of` tells."""
    since = Now() - timedelta(seconds=presence.LEASE_SECONDS)
    locks = EditingLock.objects.filter(article=OuterRef("pk"), seen_at__gt=since)
    remarks = Remark.objects.filter(article=OuterRef("pk"), parent=None, resolved_at=None).order_by()
    return Article.objects.select_related("draft__updated_by", "live_revision").annotate(
        newest_reviews=ArraySubquery(_reviews()),
        standing_plans=ArraySubquery(_plans()),
        locks=ArraySubquery(locks.values(lock=JSONObject(user="user_id", name="user__username", since="since"))),
        open_remarks=ArraySubquery(remarks.values("article").annotate(number=Count("pk")).values("number")),
    )


def flow_of(article: Article, *, user_id: int) -> Flow:
    """Of an article out of `articles()`."""
    row = cast(Any, article)
    review = _review(row.newest_reviews[0]) if row.newest_reviews else None
    lock = row.locks[0] if row.locks and row.locks[0]["user"] != user_id else None
    return Flow(
        # Only what still asks for something: an approved one has done its work.
        review=review if review and review.state in (ReviewState.OPEN, ReviewState.SENT_BACK) else None,
        plans=[PlanNow(**(plan | {"at": _at(plan["at"])})) for plan in row.standing_plans],
        open_remarks=row.open_remarks[0] if row.open_remarks else 0,
        held_by=lock["name"] if lock else "",
        held_since=_at(lock["since"]) if lock else None,
    )


def _reviews() -> QuerySet[Review, Any]:
    return (
        Review.objects.filter(article=OuterRef("pk"))
        .order_by("-pk")[:1]
        .values(
            review=JSONObject(
                id="pk",
                state="state",
                number="revision__number",
                assignee="assignee__username",
                asked_by="asked_by__username",
                asked_at="asked_at",
                ended_by="ended_by__username",
                reason="reason",
            )
        )
    )


def _plans() -> QuerySet[Plan, Any]:
    standing = Plan.objects.filter(article=OuterRef("pk"), state__in=[PlanState.WAITING, PlanState.FAILED])
    return standing.order_by("at", "pk").values(
        plan=JSONObject(
            id="pk",
            kind="kind",
            state="state",
            number=F("revision__number"),
            at="at",
            made_by="made_by__username",
            reason="reason",
        )
    )


def _review(row: Mapping[str, Any]) -> ReviewNow:
    texts = {name: row[name] or "" for name in ("assignee", "asked_by", "ended_by", "reason", "state")}
    return ReviewNow(id=row["id"], number=row["number"], asked_at=_at(row["asked_at"]), **texts)


def _at(text: str) -> datetime:
    return cast(datetime, parse_datetime(text))

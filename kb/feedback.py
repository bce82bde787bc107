"""Votes: one a visitor and text; the latest word counts."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.events import fire
from kb import events
from kb.models import Revision, Variant, Vote


def vote(
    *,
    revision_id: int,
    variant_id: int | None,
    visitor: str,
    is_helpful: bool,
    reason: str = "",
    comment: str = "",
    at: datetime,
) -> bool:
    """Store what this visitor says of the text; False where the text is gone.

    Yes takes back an earlier reason; a bare no (the same button pressed twice) keeps it.
    """
    revision = Revision.objects.filter(pk=revision_id).select_related("article__category").first()
    if revision is None:
        return False
    if variant_id is not None and not Variant.objects.filter(pk=variant_id, revision=revision).exists():
        variant_id = None
    changes = ["is_helpful", "at", "variant"]
    if is_helpful or reason or comment:
        changes += ["reason", "comment"]
    with transaction.atomic():
        Vote.objects.bulk_create(
            [
                Vote(
                    revision=revision,
                    variant_id=variant_id,
                    visitor=visitor,
                    is_helpful=is_helpful,
                    reason="" if is_helpful else reason,
                    comment="" if is_helpful else comment,
                    at=at,
                )
            ],
            update_conflicts=True,
            unique_fields=["revision", "visitor"],
            update_fields=changes,
        )
        fire(
            events.voted,
            events.Voted(
                at=at,
                visitor=visitor,
                article_id=revision.article_id,
                revision_id=revision.pk,
                variant_id=variant_id,
                is_helpful=is_helpful,
                reason=reason,
                topic=revision.article.category.topic,
            ),
        )
    return True

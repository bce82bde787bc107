"""How this shop publishes: whether four eyes are asked for, what that means for what is on its way, and the switch.

Whose text a text is was taken down all the time (kb/four_eyes.py), so the switch counts for drafts, reviews and plans
that are older than it.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from core import audit, clock
from kb import four_eyes, telling
from kb.models import (
    DraftEditor,
    Plan,
    PlanKind,
    PlanState,
    PublishingRules,
    Review,
    ReviewState,
    RevisionAuthor,
)
from kb.refusals import NotAllowed


def rules() -> PublishingRules:
    """What the desk says; see four_eyes.is_forced() for what the environment says beside it."""
    found = PublishingRules.objects.select_related("changed_by").filter(pk=PublishingRules.ONLY).first()
    return found or PublishingRules(pk=PublishingRules.ONLY)


def switch(*, is_on: bool, by: User) -> bool:
    """Ask for four eyes from now on, or no longer; False where it is so already. Raises NotAllowed where the
    environment decides.

    Switched on: an open review that waits for somebody who wrote the text goes to any reviewer, and whoever planned
    their own text is told that somebody else has to plan it.
    """
    if four_eyes.is_forced():
        raise NotAllowed(_("FOUR_EYES in the environment decides this. Whoever runs the server changes it there."))
    with transaction.atomic():
        PublishingRules.objects.bulk_create([PublishingRules(pk=PublishingRules.ONLY)], ignore_conflicts=True)
        row = PublishingRules.objects.select_for_update().get(pk=PublishingRules.ONLY)
        if row.four_eyes == is_on:
            return False
        row.four_eyes, row.changed_at, row.changed_by = is_on, clock.now(), by
        row.save()
        released, warned = (_release(by), _warn()) if is_on else (0, 0)
        audit.record(
            by,
            "publishing.four_eyes_on" if is_on else "publishing.four_eyes_off",
            row,
            label=_("four eyes"),
            reviews_released=released,
            plans_of_own_text=warned,
        )
    return True


def reviews_of_own_text() -> QuerySet[Review]:
    """Open reviews that wait for somebody who wrote some of the text."""
    wrote = RevisionAuthor.objects.filter(revision=OuterRef("revision"), user=OuterRef("assignee"))
    found = Review.objects.filter(Exists(wrote), state=ReviewState.OPEN)
    return found.select_related("article__draft", "revision", "assignee", "asked_by").order_by("pk")


def plans_of_own_text() -> QuerySet[Plan]:
    """Publications that wait for their time and would be refused then, since whoever planned them wrote the text."""
    wrote = Exists(RevisionAuthor.objects.filter(revision=OuterRef("revision"), user=OuterRef("made_by")))
    # Asked at the time itself, this counts too (four_eyes.refuse_own): a text of theirs is on its way.
    writes = Exists(DraftEditor.objects.filter(article=OuterRef("article"), user=OuterRef("made_by")))
    found = Plan.objects.filter(Q(wrote) | Q(writes), kind=PlanKind.PUBLISH, state=PlanState.WAITING)
    return found.select_related("article__draft", "revision", "made_by").order_by("at", "pk")


def _release(by: User) -> int:
    rows = list(reviews_of_own_text())
    for review in rows:
        name = str(review.assignee)
        Review.objects.filter(pk=review.pk, state=ReviewState.OPEN).update(assignee=None)
        audit.record(by, "review.released", review.article, revision=review.revision.number, assignee=name)
        telling.tell(
            review.asked_by,
            review.article,
            subject=_("Any reviewer may take it now: %(title)s") % {"title": review.revision.title},
            text=_("From now on nobody publishes their own text, and %(name)s wrote some of this one.")
            % {"name": name},
            view="desk:article-review",
        )
    return len(rows)


def _warn() -> int:
    rows = list(plans_of_own_text())
    for plan in rows:
        telling.tell(
            plan.made_by,
            plan.article,
            subject=_("Somebody else has to plan it: %(name)s") % {"name": plan.article},
            text=_(
                "From now on nobody publishes their own text. You planned this one and wrote some of it, so it will be "
                "refused at its time. Ask another reviewer to plan it anew; that takes the place of yours."
            ),
        )
    return len(rows)

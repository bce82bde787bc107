"""Review: somebody else reads a frozen text before customers do, comments on it, publishes it or sends it back."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from core import audit, clock, roles
from core.roles import ADMIN, REVIEWER
from kb import changing, flow, four_eyes, quotes, telling
from kb.models import Article, ArticleState, Remark, Review, ReviewState, Revision, RevisionAuthor
from kb.refusals import NotAllowed, OwnText, Text


def reviewers() -> QuerySet[User]:
    """Who may publish, by name."""
    return (
        User.objects.filter(is_staff=True, is_active=True)
        .filter(Q(groups__name__in=[REVIEWER, ADMIN]) | Q(is_superuser=True))
        .distinct()
        .order_by("username")
    )


def ask(
    article: Article,
    *,
    by: User,
    version: int | None = None,
    assignee: User | None = None,
    comment: str = "",
    is_major: bool = False,
) -> Review:
    """Freeze the draft and give it to a review; what is published later is this text. An open review is replaced.

    Without an assignee any reviewer may take it. Raises DraftConflict, EmptyText, NotAllowed, OwnText.
    """
    with transaction.atomic():
        flow.after(changing.lock(article), flow.ASK)
        draft = changing.draft_of(article, version)
        live = article.live_revision
        if live is not None and article.state == ArticleState.PUBLISHED and Text.of(live) == Text.of(draft):
            raise NotAllowed(_("The draft says the same as the live text: there is nothing to review."))
        if assignee is not None and not roles.may_publish(assignee):
            raise NotAllowed(_("%(name)s is no reviewer. Choose somebody who is.") % {"name": assignee})
        revision = changing.frozen(article, draft, by=by, comment=comment, is_major=is_major)
        four_eyes.sign(revision, also=by)
        if four_eyes.is_on() and RevisionAuthor.objects.filter(revision=revision, user=assignee).exists():
            raise OwnText(_("%(name)s wrote some of this text. Choose somebody else.") % {"name": assignee})
        now = clock.now()
        Review.objects.filter(article=article, state=ReviewState.OPEN).update(
            state=ReviewState.REPLACED, ended_by=by, ended_at=now
        )
        review = Review.objects.create(article=article, revision=revision, assignee=assignee, asked_by=by, asked_at=now)
        audit.record(
            by,
            "review.asked",
            article,
            revision=revision.number,
            assignee=assignee.get_username() if assignee else "",
            comment=comment,
        )
        if assignee is not None and assignee.pk != by.pk:
            telling.tell(
                assignee,
                article,
                subject=_("Please review: %(title)s") % {"title": revision.title},
                text=_("%(name)s asks you to review a text. %(comment)s") % {"name": by, "comment": comment},
                view="desk:article-review",
            )
    return review


def send_back(review: Review, *, by: User, reason: str) -> None:
    """To whoever asked, with what has to be different. Raises NotAllowed."""
    reason = reason.strip()
    if not reason:
        raise NotAllowed(_("Say what has to change: the writer gets it with the text."))
    with transaction.atomic():
        article = changing.lock(review.article)
        flow.after(article, flow.SEND_BACK)
        _end(review, ReviewState.SENT_BACK, by=by, reason=reason[:1000])
        audit.record(by, "review.sent_back", article, revision=review.revision.number, reason=reason)
        telling.tell(
            review.asked_by,
            article,
            subject=_("Sent back: %(title)s") % {"title": review.revision.title},
            text=_("%(name)s sent your text back: %(reason)s") % {"name": by, "reason": reason},
        )


def withdraw(review: Review, *, by: User) -> None:
    """Raises NotAllowed."""
    with transaction.atomic():
        article = changing.lock(review.article)
        flow.after(article, flow.WITHDRAW)
        _end(review, ReviewState.WITHDRAWN, by=by)
        audit.record(by, "review.withdrawn", article, revision=review.revision.number)


def waiting_for(user: User) -> QuerySet[Review]:
    """Open reviews that this person can do: not those of their own texts, where four eyes are asked for."""
    found = Review.objects.filter(state=ReviewState.OPEN).filter(Q(assignee=user) | Q(assignee=None))
    if four_eyes.is_on():
        found = found.exclude(revision__authors__user=user)
    return found


def remark(revision: Revision, *, by: User, text: str, quote: str = "", parent: Remark | None = None) -> Remark:
    """A comment on the words `quote` of this text; an answer where it has a parent. Raises NotAllowed."""
    text, quote = text.strip()[:2000], quotes.squeeze(quote)[:300].strip()
    if not text:
        raise NotAllowed(_("The comment is empty. Write what you want to say."))
    everything = quotes.squeeze(f"{revision.title} {revision.summary} {revision.text}")
    if quote and quote not in everything:
        raise NotAllowed(
            _("These words are not in the text. Copy them from it as they stand, or leave the field empty.")
        )
    if parent is not None and parent.article_id != revision.article_id:
        raise NotAllowed(_("This comment belongs to another article."))
    with transaction.atomic():
        made = Remark.objects.create(
            article_id=revision.article_id,
            revision=revision,
            parent=parent.parent or parent if parent else None,  # one level of answers
            quote="" if parent else quote,
            text=text,
            by=by,
            at=clock.now(),
        )
        audit.record(by, "comment.written", revision.article, revision=revision.number, text=text[:200])
    return made


def resolve(remark: Remark, *, by: User, is_resolved: bool) -> None:
    """Mark a comment as done, or open it again."""
    with transaction.atomic():
        if not Remark.objects.filter(pk=remark.pk, resolved_at__isnull=is_resolved).update(
            resolved_at=clock.now() if is_resolved else None, resolved_by=by if is_resolved else None
        ):
            return  # somebody did it before
        audit.record(
            by, "comment.resolved" if is_resolved else "comment.reopened", remark.article, text=remark.text[:200]
        )


def _end(review: Review, state: ReviewState, *, by: User, reason: str = "") -> None:
    ended = {"state": state, "ended_by": by, "ended_at": clock.now(), "reason": reason}
    if not Review.objects.filter(pk=review.pk, state=ReviewState.OPEN).update(**ended):
        raise NotAllowed(_("This review has ended already. Load the page again."))

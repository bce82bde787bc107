"""An article's life: written, frozen into revisions, shown, put back, taken away.

Whatever customers or the search index can see changes here and in kb/moving.py and nowhere else: each change takes the
article's row lock, so that revisions are numbered without gaps or doubles, and leaves an IndexChange in the same
transaction. Who may publish what: kb/four_eyes.py. What may follow what: kb/flow.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import audit, clock
from kb import (
    changing,
    draft_steps,
    experiment_life,
    flow,
    four_eyes,
    moving,
    placeholders,
    translations,
    upkeep,
)
from kb.flow import NEXT
from kb.models import (
    Article,
    ArticleState,
    Category,
    Draft,
    Experiment,
    Plan,
    PlanState,
    Review,
    ReviewState,
    Revision,
)
from kb.moving import move, rename_slug, slug_of
from kb.refusals import (
    DraftConflict,
    EmptyText,
    NotAllowed,
    OwnText,
    PublishingError,
    SlugTaken,
    Text,
    UnderTest,
)

__all__ = [
    "NEXT", "DraftConflict", "EmptyText", "NotAllowed", "OwnText", "PublishingError", "SlugTaken", "Text", "UnderTest",
    "archive", "catch_up", "create_article", "freeze", "let_draft_follow", "move", "publish", "rename_slug", "revert",
    "review", "save_draft", "slug_of",
]  # fmt: skip


def create_article(
    *,
    locale: str,
    category: Category,
    title: str,
    summary: str = "",
    body: str = "",
    slug: str = "",
    source: str = "",
    external_id: str = "",
    translation_group: uuid.UUID | None = None,
    by: User | None,
) -> Article:
    """A new article with a draft. Its address comes from `slug`, else from the title, made unique in the locale."""
    now = clock.now()
    wanted = slug_of(slug or placeholders.without(title))
    for attempt in range(1, 100):
        free = moving.free_slug(locale, wanted)
        try:
            with transaction.atomic():
                article = Article.objects.create(
                    locale=locale,
                    slug=free,
                    category=category,
                    source=source,
                    external_id=external_id,
                    translation_group=translation_group or uuid.uuid4(),
                    owner=by,
                    created_at=now,
                    updated_at=now,
                )
                Draft.objects.create(
                    article=article, title=title, summary=summary, body=body, updated_at=now, updated_by=by
                )
                audit.record(by, "article.created", article, title=title)
                four_eyes.note_editor(article, by)
            return article
        except IntegrityError as error:
            # Two new articles with one title raced for the address: the later one looks again.
            if attempt == 99 or "article_slug_unique_in_locale" not in str(error):
                raise
    raise AssertionError("unreachable")


def save_draft(article: Article, text: Text, *, version: int, by: User | None) -> Draft:
    """Store `text` over the draft that the editor had opened as `version`.

    Raises DraftConflict, with both texts, where another save came first. The same text again is no save.
    """
    with transaction.atomic():
        draft, changed = _store(article, text, version=version, by=by)
        if changed:
            four_eyes.note_editor(article, by)
    return draft


def freeze(
    article: Article, *, by: User | None, version: int | None = None, comment: str = "", is_major: bool = False
) -> Revision:
    """A frozen revision of the draft, not shown to anybody yet: to be published, or to be an arm of a test.

    `version` is the draft that the editor means; any, where None. Raises DraftConflict, EmptyText.
    """
    with transaction.atomic():
        changing.lock(article)
        draft = changing.draft_of(article, version)
        return changing.frozen(article, draft, by=by, comment=comment, is_major=is_major, can_be_last=False)


def publish(
    article: Article,
    *,
    by: User | None,
    version: int | None = None,
    revision: Revision | None = None,
    comment: str = "",
    is_major: bool = False,
    ring: bool = True,
) -> Revision:
    """Freeze the draft and show it; or show `revision`, which a review or a plan has frozen, and leave the draft alone.

    `version` is the draft that the editor means; any, where None. `by` None is the product itself, which needs nobody's
    second pair of eyes. Where the live text says the same already, it stays: no new revision. `ring=False` leaves it to
    the caller to have the search index brought up to date (an import does it once). A translation that is published for
    the first time is taken to say what its original says now; after that somebody has to say so, by catch_up.
    Raises DraftConflict, EmptyText, UnderTest, OwnText, NotAllowed.
    """
    with transaction.atomic():
        state = flow.after(changing.lock(article), flow.PUBLISH)
        changing.refuse_under_test(article)
        draft = changing.draft_of(article, version)
        live = article.live_revision
        is_live = live is not None and article.state == ArticleState.PUBLISHED
        if revision is None:
            if live is not None and is_live and Text.of(live) == Text.of(draft):
                return live
            four_eyes.refuse_own(article, None, by=by)
            revision = changing.frozen(article, draft, by=by, comment=comment, is_major=is_major)
        elif revision.article_id != article.pk:
            raise NotAllowed(_("This revision belongs to another article."))
        four_eyes.refuse_own(article, revision, by=by)
        if live is not None and is_live and live.pk == revision.pk:
            return live
        shown = changing.of_today(article, revision, by=by)
        made_from = article.made_from
        if made_from is None and (original := translations.original_of(article)) is not None:
            made_from = original.live_revision
        changing.change(
            article,
            state=state,
            live_revision=shown,
            made_from=made_from,
            leads_to=None,
            leads_to_category=None,
            review_by=article.review_by or upkeep.next_date(),
            ring=ring,
        )
        four_eyes.start_anew(article, revision, draft)
        end_reviews(article, revision, by=by)
        audit.record(
            by, "article.published", article, revision=shown.number, title=shown.title, comment=revision.comment
        )
    return shown


def let_draft_follow(article: Article, revision: Revision, others: Collection[Text], *, by: User | None) -> None:
    """Where the draft holds one of `others`, it says what `revision` says; anything else is somebody's work."""
    with transaction.atomic():
        changing.lock(article)
        draft = changing.draft_of(article, None)
        if Text.of(draft) in others:
            draft, _changed = _store(article, Text.of(revision), version=draft.version, by=by)
            four_eyes.start_anew(article, revision, draft)


def catch_up(article: Article, number: int, *, ring: bool = True, by: User | None = None) -> None:
    """Take down that the live text of a translation says what text `number` of its original says. Raises NotAllowed."""
    with transaction.atomic():
        changing.lock(article)
        original = translations.original_of(article)
        made_from = original.revisions.filter(number=number).first() if original else None
        if made_from is None:
            raise NotAllowed(_("The original of this translation has no text %(number)s.") % {"number": number})
        if article.made_from_id != made_from.pk:
            changing.change(article, made_from=made_from, ring=ring)
            audit.record(by, "translation.caught_up", article, original=number)


def revert(article: Article, revision: Revision, *, by: User | None) -> None:
    """Show an earlier revision again, as it is. The draft follows, unless it holds text that was never published.

    Raises NotAllowed, UnderTest, OwnText.
    """
    with transaction.atomic():
        state = flow.after(changing.lock(article), flow.REVERT)
        changing.refuse_under_test(article)
        if revision.article_id != article.pk:
            raise NotAllowed(_("This revision belongs to another article."))
        four_eyes.refuse_to_bring_back(revision, by=by)
        draft = changing.draft_of(article, None)
        if article.live_revision is not None and Text.of(draft) == Text.of(article.live_revision):
            _store(article, Text.of(revision), version=draft.version, by=by)
        shown = changing.of_today(article, revision, by=by)
        changing.change(article, state=state, live_revision=shown, leads_to=None, leads_to_category=None)
        audit.record(by, "article.reverted", article, revision=revision.number, title=revision.title)


def archive(
    article: Article,
    *,
    by: User | None,
    leads_to: Article | None = None,
    leads_to_category: Category | None = None,
    keep_plans: bool = False,
) -> Experiment | None:
    """Take the article away from customers; publishing brings it back. Its readers are led to another article or to a
    category where one is given. A review of it ends, and so do its plans unless `keep_plans`.

    A test on it stops, and is returned. Raises NotAllowed.
    """
    with transaction.atomic():
        state = flow.after(changing.lock(article), flow.ARCHIVE)
        leads_to = moving.destination(article, leads_to)
        stopped = experiment_life.stop_on(article, by=by, why=_("The article was archived."))
        changing.change(
            article, state=state, leads_to=leads_to, leads_to_category=None if leads_to else leads_to_category
        )
        now = clock.now()
        Review.objects.filter(article=article, state=ReviewState.OPEN).update(
            state=ReviewState.WITHDRAWN, ended_by=by, ended_at=now
        )
        if not keep_plans:
            Plan.objects.filter(article=article, state__in=[PlanState.WAITING, PlanState.FAILED]).update(
                state=PlanState.CANCELLED, ended_at=now, reason=_("The article was archived.")
            )
        where = str(leads_to) if leads_to else leads_to_category.key if leads_to_category else ""
        audit.record(by, "article.archived", article, leads_to=where, stopped_test=stopped.name if stopped else "")
    return stopped


def review(article: Article, *, by: User | None = None) -> None:
    """Note that somebody looked at the live text today, and that it is still right. Sets the date of the next review.

    Raises NotAllowed.
    """
    with transaction.atomic():
        seen = {"reviewed_at": clock.now(), "review_by": upkeep.next_date()}
        if not Article.objects.published().filter(pk=article.pk).update(**seen):
            raise NotAllowed(_("Only a published article can be reviewed: customers see no other."))
        audit.record(by, "article.reviewed", article, next=str(seen["review_by"] or ""))


def end_reviews(article: Article, revision: Revision, *, by: User | None) -> None:
    """A text that is published, or planned to be, ends the review of it and of every earlier one. Under the lock."""
    for open_review in Review.objects.filter(article=article, state=ReviewState.OPEN).select_related("revision"):
        if open_review.revision.number > revision.number:
            continue
        is_it = open_review.revision_id == revision.pk
        open_review.state = ReviewState.APPROVED if is_it else ReviewState.REPLACED
        open_review.ended_by, open_review.ended_at = by, clock.now()
        open_review.save(update_fields=["state", "ended_by", "ended_at"])


def _store(article: Article, text: Text, *, version: int, by: User | None) -> tuple[Draft, bool]:
    # The article before its draft, as publish() does: what is written beside a save refers to the article, and would
    # wait for whoever publishes it and waits for the draft.
    Article.objects.select_for_update(no_key=True).values_list("pk").get(pk=article.pk)
    draft = Draft.objects.select_for_update(of=("self",)).select_related("updated_by").get(article=article)
    is_changed = Text.of(draft) != text
    if is_changed:
        if draft.version != version:
            raise DraftConflict(text, draft, made_from=version)
        draft_steps.note(draft, text)
        draft.title, draft.summary, draft.body = text.title, text.summary, text.body
        draft.version, draft.updated_at, draft.updated_by = version + 1, clock.now(), by
        draft.save(update_fields=["title", "summary", "body", "version", "updated_at", "updated_by"])
    article.draft = draft
    return draft, is_changed

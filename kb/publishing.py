"""An article's life: written, frozen into revisions, shown, put back, taken away.

Whatever customers or the search index can see changes here and nowhere else: each change takes the article's row lock,
so that revisions are numbered without gaps or doubles, and leaves an IndexChange in the same transaction.
"""

from __future__ import annotations

import re
import uuid

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.text import slugify as ascii_slug
from django.utils.translation import gettext as _

from core import clock
from kb import experiments, rendering, tasks
from kb.models import Article, ArticleState, Category, Draft, IndexChange, Redirect, Revision
from kb.refusals import DraftConflict, EmptyText, NotAllowed, PublishingError, SlugTaken, Text, UnderTest
from kb.search import indexing, postings
from kb.search.engine import Document, body_of

__all__ = [
    "NEXT", "DraftConflict", "EmptyText", "NotAllowed", "PublishingError", "SlugTaken", "Text", "UnderTest", "archive",
    "create_article", "freeze", "move", "publish", "rename_slug", "revert", "save_draft", "slug_of",
]  # fmt: skip

PUBLISH, REVERT, ARCHIVE = "publish", "revert", "archive"

# What each event makes of an article in each state; None: refused.
NEXT: dict[tuple[str, str], ArticleState | None] = {
    (ArticleState.DRAFT, PUBLISH): ArticleState.PUBLISHED,
    (ArticleState.DRAFT, REVERT): None,  # there is nothing to go back to
    (ArticleState.DRAFT, ARCHIVE): ArticleState.ARCHIVED,
    (ArticleState.PUBLISHED, PUBLISH): ArticleState.PUBLISHED,
    (ArticleState.PUBLISHED, REVERT): ArticleState.PUBLISHED,
    (ArticleState.PUBLISHED, ARCHIVE): ArticleState.ARCHIVED,
    (ArticleState.ARCHIVED, PUBLISH): ArticleState.PUBLISHED,
    (ArticleState.ARCHIVED, REVERT): ArticleState.PUBLISHED,
    (ArticleState.ARCHIVED, ARCHIVE): None,
}

_SLUG_LENGTH = 110  # the field's 120 less room for "-2"


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
    wanted = slug_of(slug or title)
    for attempt in range(1, 100):
        free = _free_slug(locale, wanted)
        try:
            with transaction.atomic():
                article = Article.objects.create(
                    locale=locale,
                    slug=free,
                    category=category,
                    source=source,
                    external_id=external_id,
                    translation_group=translation_group or uuid.uuid4(),
                    created_at=now,
                    updated_at=now,
                )
                Draft.objects.create(
                    article=article, title=title, summary=summary, body=body, updated_at=now, updated_by=by
                )
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
    same = {"title": text.title, "summary": text.summary, "body": text.body}
    changed = (
        Draft.objects.filter(article=article, version=version)
        .exclude(**same)
        .update(**same, version=F("version") + 1, updated_at=clock.now(), updated_by=by)
    )
    draft = Draft.objects.select_related("updated_by").get(article=article)
    if not changed and Text.of(draft) != text:
        raise DraftConflict(text, draft)
    article.draft = draft
    return draft


def freeze(
    article: Article, *, by: User | None, version: int | None = None, comment: str = "", is_major: bool = False
) -> Revision:
    """A frozen revision of the draft, not shown to anybody yet: to be published, or to be an arm of a test.

    `version` is the draft that the editor means; any, where None. Raises DraftConflict, EmptyText.
    """
    with transaction.atomic():
        _lock(article)
        return _freeze(article, _draft(article, version), article.revisions.first(), by, comment, is_major)


def publish(
    article: Article,
    *,
    by: User | None,
    version: int | None = None,
    comment: str = "",
    is_major: bool = False,
    ring: bool = True,
) -> Revision:
    """Freeze the draft and show it. `version` is the draft that the editor means; any, where None.

    Where the live text says the same already, it stays: no new revision. `ring=False` leaves it to the caller to have
    the search index brought up to date (an import does it once).
    Raises DraftConflict, EmptyText, UnderTest, NotAllowed.
    """
    with transaction.atomic():
        state = _next(_lock(article), PUBLISH)
        _refuse_under_test(article)
        draft = _draft(article, version)
        live = article.live_revision
        if live is not None and article.state == ArticleState.PUBLISHED and Text.of(live) == Text.of(draft):
            return live
        # The last text frozen may be the draft's: of an archived article, or an arm of a test that now wins.
        last = article.revisions.first()
        if last is not None and Text.of(last) == Text.of(draft):
            revision = last
        else:
            revision = _freeze(article, draft, last, by, comment, is_major)
        _change(article, state=state, live_revision=revision, ring=ring)
    return revision


def revert(article: Article, revision: Revision, *, by: User | None) -> None:
    """Show an earlier revision again, as it is. The draft follows, unless it holds text that was never published.

    Raises NotAllowed, UnderTest.
    """
    with transaction.atomic():
        state = _next(_lock(article), REVERT)
        _refuse_under_test(article)
        if revision.article_id != article.pk:
            raise NotAllowed(_("This revision belongs to another article."))
        draft = Draft.objects.get(article=article)
        if article.live_revision is not None and Text.of(draft) == Text.of(article.live_revision):
            save_draft(article, Text.of(revision), version=draft.version, by=by)
        _change(article, state=state, live_revision=revision)


def archive(article: Article, *, by: User | None) -> None:
    """Take the article away from customers; a test on it stops. Publishing brings it back. Raises NotAllowed."""
    with transaction.atomic():
        state = _next(_lock(article), ARCHIVE)
        experiments.stop_on(article, by=by)
        _change(article, state=state)


def move(article: Article, category: Category, *, visibility: str = "", ring: bool = True) -> None:
    """Put the article on another shelf, and before other readers where `visibility` is given; at once."""
    with transaction.atomic():
        _lock(article)
        if article.category_id != category.pk or visibility not in ("", article.visibility):
            _change(article, category=category, visibility=visibility or article.visibility, ring=ring)


def rename_slug(article: Article, slug: str) -> None:
    """Give the article another address; one that customers may know leads on to the new one. Raises SlugTaken."""
    slug, old = slug_of(slug), article.slug
    try:
        with transaction.atomic():
            old = _lock(article).slug
            if slug == old:
                return
            _change(article, slug=slug)
            if article.live_revision_id is not None:
                Redirect.objects.update_or_create(locale=article.locale, old_slug=old, defaults={"article": article})
    except IntegrityError as error:
        if "article_slug_unique_in_locale" not in str(error):
            raise
        article.slug = old
        raise SlugTaken(_("Another article has the address “%(slug)s”. Choose another.") % {"slug": slug}) from error


def slug_of(text: str) -> str:
    """The address for a title: ASCII where the script allows it. Never empty."""
    return (ascii_slug(text) or rendering.slugify(text))[:_SLUG_LENGTH].strip("-") or "article"


def _lock(article: Article) -> Article:
    """Take the article's row lock, and read it as it is now."""
    fresh = Article.objects.select_for_update(of=("self",)).select_related("live_revision").get(pk=article.pk)
    for field in ("state", "slug", "version", "category_id", "visibility", "live_revision_id"):
        setattr(article, field, getattr(fresh, field))
    article.live_revision = fresh.live_revision
    return article


def _draft(article: Article, version: int | None) -> Draft:
    draft = Draft.objects.select_related("updated_by").get(article=article)
    if version is not None and draft.version != version:
        raise DraftConflict(Text.of(draft), draft)
    return draft


def _freeze(
    article: Article, draft: Draft, last: Revision | None, by: User | None, comment: str, is_major: bool
) -> Revision:
    """Under the article's lock; `last` is its newest revision."""
    for field in ("title", "body"):
        if not getattr(draft, field).strip():
            raise EmptyText(field)
    rendered = rendering.render(draft.body)
    return Revision.objects.create(
        article=article,
        number=last.number + 1 if last else 1,
        title=draft.title,
        summary=draft.summary,
        body=draft.body,
        html=rendered.html,
        text=rendered.text,
        headings=[[heading.level, heading.id, heading.text] for heading in rendered.headings],
        comment=comment,
        is_major=is_major,
        created_at=clock.now(),
        created_by=by,
    )


def _next(article: Article, event: str) -> ArticleState:
    state = NEXT[(article.state, event)]
    if state is None:
        raise NotAllowed(
            _("An article in the state “%(state)s” does not allow this.") % {"state": article.get_state_display()}
        )
    return state


def _refuse_under_test(article: Article) -> None:
    if experiments.live_on(article) is not None:
        raise UnderTest(_("A test is running on this article, and its texts must not change. Stop the test first."))


def _change(article: Article, *, ring: bool = True, **values: object) -> None:
    for name, value in values.items():
        setattr(article, name, value)
    article.version += 1
    article.updated_at = clock.now()
    article.save(update_fields=[*values, "version", "updated_at"])
    _index(article)
    if ring:
        # Not delay_on_commit: with the broker down the article is published all the same, and beat rings again.
        transaction.on_commit(tasks.apply_index_changes.delay, robust=True)


def _index(article: Article) -> None:
    """Under the article's lock: into the database's own index now, and into the outbox for any other."""
    IndexChange.objects.create(article_id=article.pk)
    indexing.announce()
    live = article.live_revision
    if article.state != ArticleState.PUBLISHED or live is None:
        postings.remove(article.pk)
        return
    postings.put(
        Document(
            id=article.pk,
            version=article.version,
            lang=article.locale,
            title=live.title,
            body=body_of(live.summary, live.text, [heading[2] for heading in live.headings]),
            category=article.category_id,
            visibility=article.visibility,
        )
    )


def _free_slug(locale: str, wanted: str) -> str:
    taken = set(
        Article.objects.filter(locale=locale, slug__regex=rf"^{re.escape(wanted)}(-\d+)?$").values_list(
            "slug", flat=True
        )
    )
    return next(slug for slug in [wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3))] if slug not in taken)

"""What every change to an article shares: its lock, the freezing of a draft, and that the search index hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Max
from django.utils.translation import gettext as _

from core import clock
from core.commits import after_commit
from kb import experiment_life, four_eyes, piece_uses, placeholders, tasks
from kb.facts import Filled
from kb.linking import internal
from kb.models import Article, ArticleState, Draft, IndexChange, Revision
from kb.refusals import DraftConflict, EmptyText, Text, UnderTest
from kb.search import indexing, postings
from kb.search.engine import Document, body_of

_READ = (
    "state", "slug", "version", "category_id", "visibility", "live_revision_id", "made_from_id", "leads_to_id",
    "leads_to_category_id", "review_by",
)  # fmt: skip


def lock(article: Article) -> Article:
    """Take the article's row lock, and read it as it is now."""
    fresh = Article.objects.select_for_update(of=("self",)).select_related("live_revision").get(pk=article.pk)
    for field in _READ:
        setattr(article, field, getattr(fresh, field))
    article.live_revision = fresh.live_revision
    return article


def draft_of(article: Article, version: int | None) -> Draft:
    """The draft, locked until the transaction ends; `version` is the one that the editor means, any where None.

    Raises DraftConflict.
    """
    draft = Draft.objects.select_for_update(of=("self",)).select_related("updated_by").get(article=article)
    if version is not None and draft.version != version:
        raise DraftConflict(Text.of(draft), draft)
    return draft


def frozen(
    article: Article, draft: Draft, *, by: User | None, comment: str, is_major: bool, can_be_last: bool = True
) -> Revision:
    """The draft as a revision: the newest one where that says the same, else a new one. Under the article's lock.

    The newest may say the same: of an archived article, in review, or an arm of a test that now wins. One that is not
    marked as a major change cannot become one: it is frozen. Raises EmptyText.
    """
    last = article.revisions.first()
    is_same = last is not None and Text.of(last) == Text.of(draft) and last.is_major >= is_major
    if can_be_last and last is not None and is_same and piece_uses.is_current(last):
        four_eyes.sign(last)
        return last
    for field in ("title", "body"):
        if not getattr(draft, field).strip():
            raise EmptyText(field)
    text = Text.of(draft)
    revision = create(article, text, piece_uses.filled(text, article.locale), by=by, comment=comment, is_major=is_major)
    four_eyes.sign(revision)
    return revision


def of_today(article: Article, revision: Revision, *, by: User | None) -> Revision:
    """The revision, or where a fact or a block in it has changed since it was frozen, its text with what they say now.

    Under the article's lock. Raises piece_uses.Unfillable, also where what it says is no longer in use.
    """
    text = Text.of(revision)
    # Most texts hold nothing of the kind, and need not be rendered once more.
    filled = (
        None
        if placeholders.is_free_of_them(text.title, text.summary, text.body)
        else piece_uses.filled(text, article.locale)
    )
    if filled is None or piece_uses.is_current(revision):
        return revision
    comment = _("text %(number)d with today's facts") % {"number": revision.number}
    shown = create(article, text, filled, by=by, comment=comment)
    four_eyes.copy_authors((revision, shown))
    return shown


def create(
    article: Article, text: Text, filled: Filled, *, by: User | None, comment: str, is_major: bool = False
) -> Revision:
    """A new revision: the text as it was written, and as it reads. Under the article's lock."""
    last = article.revisions.first()
    revision = Revision.objects.create(
        article=article,
        number=last.number + 1 if last else 1,
        **piece_uses.frozen_fields(text, filled),
        comment=comment[:300],
        is_major=is_major,
        created_at=clock.now(),
        created_by=by,
    )
    piece_uses.note((revision, filled))
    return revision


def refuse_under_test(*articles: Article) -> None:
    """Raises UnderTest."""
    if experiment_life.live_on_any(articles):
        raise UnderTest(_("A test is running on this article, and its texts must not change. Stop the test first."))


@dataclass(frozen=True)
class Refilled:
    """A published article whose live text reads otherwise with today's facts and blocks; `comment` says why."""

    article: Article
    live: Revision
    filled: Filled
    comment: str


def refill(rows: Sequence[Refilled]) -> None:
    """Show these live texts as they read now: the same few queries for any number of them. Under
    the articles' locks. A translation that says what a live text says, says what the new one says. Nobody is rung.
    """
    if not rows:
        return
    now = clock.now()
    articles = [row.article for row in rows]
    refuse_under_test(*articles)
    last = Revision.objects.filter(article__in=articles).order_by().values("article").annotate(last=Max("number"))
    numbers = dict(last.values_list("article", "last"))
    shown = [
        Revision(
            article=row.article,
            number=numbers[row.article.pk] + 1,
            **piece_uses.frozen_fields(Text.of(row.live), row.filled),
            comment=row.comment[:300],
            is_major=False,
            created_at=now,
        )
        for row in rows
    ]
    Revision.objects.bulk_create(shown)
    piece_uses.note(*((revision, row.filled) for revision, row in zip(shown, rows, strict=True)))
    four_eyes.copy_authors(*((row.live, revision) for revision, row in zip(shown, rows, strict=True)))
    after = {row.live.pk: revision.pk for row, revision in zip(rows, shown, strict=True)}
    for live in Article.objects.filter(made_from__in=after).order_by().values_list("made_from", flat=True).distinct():
        Article.objects.filter(made_from=live).update(made_from=after[live])
    for article, revision in zip(articles, shown, strict=True):
        article.live_revision, article.version, article.updated_at = revision, article.version + 1, now
    Article.objects.bulk_update(articles, ["live_revision", "version", "updated_at"])
    IndexChange.objects.bulk_create([IndexChange(article_id=article.pk) for article in articles])
    indexing.announce()
    postings.put_all([_document(article, revision) for article, revision in zip(articles, shown, strict=True)])
    for row, revision in zip(rows, shown, strict=True):
        if not internal.has_same_links(row.live.html, revision.html):
            internal.follow(row.article, ring=False)


def change(article: Article, *, ring: bool = True, **values: object) -> None:
    """Write what customers or the search index can see. Under the article's lock."""
    for name, value in values.items():
        setattr(article, name, value)
    article.version += 1
    article.updated_at = clock.now()
    article.save(update_fields=[*values, "version", "updated_at"])
    _index(article)
    internal.follow(article, ring=ring)
    if ring:
        # Not delay_on_commit: with the broker down the article is published all the same, and beat rings again.
        after_commit(tasks.apply_index_changes.delay)


def _index(article: Article) -> None:
    """Into the database's own index now, and into the outbox for any other."""
    IndexChange.objects.create(article_id=article.pk)
    indexing.announce()
    live = article.live_revision
    if article.state != ArticleState.PUBLISHED or live is None:
        postings.remove(article.pk)
        return
    postings.put(_document(article, live))


def _document(article: Article, live: Revision) -> Document:
    return Document(
        id=article.pk,
        version=article.version,
        lang=article.locale,
        title=live.title,
        body=body_of(live.summary, live.text, [heading[2] for heading in live.headings]),
        category=article.category_id,
        visibility=article.visibility,
    )

"""Plans of an import carried out: new articles many at a time, changed ones each through kb.publishing."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q

from core import clock
from kb import old_addresses, piece_uses, publishing, upkeep
from kb.facts import Filled
from kb.import_plans import COMMENT, Plan, standing_of
from kb.linking import internal
from kb.models import Article, ArticleState, Draft, ImportMark, IndexChange, Revision, Visibility
from kb.porting.facts import ARCHIVED, DRAFT, PUBLISHED
from kb.publishing import Text
from kb.search import indexing, postings
from kb.search.engine import Document, body_of

_AT_ONCE = 1000


@dataclass(frozen=True)
class Translated:
    """A translation that came with this import: how to find it, and which text of its original it is of, if told."""

    source: str
    id: str
    group: str
    locale: str
    made_from: int | None


def create(plans: Sequence[Plan]) -> dict[int, int]:
    """Articles, texts, drafts, addresses and words of them all; in a dozen queries for any number of plans.

    What publishing.create_article and publish would do one by one: nobody knows these articles yet, so that there is
    nothing to lock. Returns their ids by id(plan).
    """
    if not plans:
        return {}
    now = clock.now()
    articles = [_article(plan, now) for plan in plans]
    Article.objects.bulk_create(articles)
    pairs = list(zip(plans, articles, strict=True))
    Draft.objects.bulk_create(
        Draft(article=article, title=plan.draft.title, summary=plan.draft.summary, body=plan.draft.body, updated_at=now)
        for plan, article in pairs
    )
    lives = [_history(plan, article, now) for plan, article in pairs]
    frozen = [pair for texts in lives for pair in texts]
    revisions = Revision.objects.bulk_create(revision for revision, _ in frozen)
    piece_uses.note(*frozen)
    last = {revision.article_id: revision for revision in revisions}
    _make_live(pairs, last)
    old_addresses.keep((article, plan.addresses) for plan, article in pairs if plan.addresses)
    for plan, article in pairs:
        article.draft = Draft(title=plan.draft.title, summary=plan.draft.summary, body=plan.draft.body)
    _mark(pairs, now)
    published = [(article, last[article.pk]) for _, article in pairs if article.state == ArticleState.PUBLISHED]
    if published:
        IndexChange.objects.bulk_create(IndexChange(article_id=article.pk) for article, _ in published)
        indexing.announce()
        postings.put_new([_document(article, revision) for article, revision in published])
        internal.follow_new([article for article, _ in published])
    return {id(plan): article.pk for plan, article in pairs}


def change(plan: Plan) -> None:
    """An article that is here, brought to what the file says. Raises PublishingError."""
    article, category = plan.here, plan.shelf
    draft = article.draft
    if plan.state != DRAFT or article.live_revision is None:
        if plan.state == PUBLISHED or article.live_revision is None or Text.of(article.live_revision) != plan.text:
            draft = publishing.save_draft(article, plan.text, version=draft.version, by=None)
        if plan.state == PUBLISHED:
            publishing.publish(
                article, by=None, comment=plan.item.comment or COMMENT, is_major=plan.item.is_major, ring=False
            )
    if Text.of(draft) != plan.draft:
        publishing.save_draft(article, plan.draft, version=draft.version, by=None)
    if plan.state == ARCHIVED and article.state != ArticleState.ARCHIVED:
        publishing.archive(article, by=None)
    publishing.move(article, category, visibility=plan.item.visibility, ring=False)
    if plan.item.reviewed_at is not None and plan.item.reviewed_at != article.reviewed_at:
        Article.objects.filter(pk=article.pk).update(reviewed_at=plan.item.reviewed_at)
    if plan.owner is not None and plan.owner.pk != article.owner_id:
        upkeep.set_owner(article, plan.owner, by=None)
    if (review_by := plan.review_by(article.review_by)) != article.review_by:
        upkeep.set_date(article, review_by, by=None)
    if plan.addresses:
        old_addresses.keep([(article, plan.addresses)])
    _mark([(plan, Article.objects.select_related("live_revision", "draft").get(pk=article.pk))], clock.now())


def catch_up(translated: Sequence[Translated]) -> None:
    """A translation from the same files as its original says what that one says, or the text that the file tells."""
    for start in range(0, len(translated), _AT_ONCE):
        some = translated[start : start + _AT_ONCE]
        keys = {(one.source, one.id or one.group, one.locale): one for one in some if one.made_from != 0}
        ids, groups = {one.id for one in some if one.id}, {one.group for one in some if one.group and not one.id}
        rows = Article.objects.filter(Q(external_id__in=ids) | Q(translation_group__in=groups))
        told: dict[int, int] = {}
        others: list[int] = []
        for pk, source, id, group, locale in rows.values_list(
            "pk", "source", "external_id", "translation_group", "locale"
        ):
            one = keys.get((source, id or str(group), locale))
            if one is not None and one.made_from is not None:
                told[pk] = one.made_from
            elif one is not None:
                others.append(pk)
        _catch_up(told, others)


def _catch_up(told: dict[int, int], others: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE kb_article t SET made_from_id = o.live_revision_id FROM kb_article o "
            "WHERE t.id = ANY(%s) AND o.translation_group = t.translation_group AND o.locale = %s "
            "AND o.state = 'published' AND o.source = t.source AND t.made_from_id IS DISTINCT FROM o.live_revision_id",
            [others, settings.LANGUAGE_CODE],
        )
        cursor.execute(
            "UPDATE kb_article t SET made_from_id = r.id "
            "FROM unnest(%s::bigint[], %s::int[]) AS told (id, number), kb_article o, kb_revision r "
            "WHERE t.id = told.id AND o.translation_group = t.translation_group AND o.locale = %s "
            "AND r.article_id = o.id AND r.number = told.number AND t.made_from_id IS DISTINCT FROM r.id",
            [list(told), list(told.values()), settings.LANGUAGE_CODE],
        )


def _article(plan: Plan, now: datetime) -> Article:
    return Article(
        translation_group=plan.group or uuid.uuid4(),
        locale=plan.item.locale,
        slug=plan.slug,
        category=plan.shelf,
        visibility=plan.item.visibility or Visibility.PUBLIC,
        source=plan.source,
        external_id=plan.item.id,
        created_at=now,
        updated_at=now,
        reviewed_at=plan.item.reviewed_at,
        owner=plan.owner,
        review_by=plan.review_by(upkeep.next_date() if plan.state == PUBLISHED else None),
    )


def _history(plan: Plan, article: Article, now: datetime) -> list[tuple[Revision, Filled]]:
    """The frozen texts, the live one last; none of an article that was never published."""
    texts = [
        (Text(old.title, old.summary, old.body), old.comment, old.is_major, old.created_at)
        for old in plan.item.revisions
    ]
    if plan.state != DRAFT:
        item = plan.item
        comment = item.comment if item.published_at else item.comment or COMMENT  # an export tells even of an empty one
        texts.append((plan.text, comment, item.is_major, item.published_at or now))
    numbered = list(enumerate(texts, start=1))
    return [
        # An earlier text says what its facts said then; what customers read says what they say today.
        _revision(article, number, *text, said_at=now if number == len(numbered) and plan.state != DRAFT else text[3])
        for number, text in numbered
    ]


def _revision(
    article: Article, number: int, text: Text, comment: str, is_major: bool, at: datetime, *, said_at: datetime
) -> tuple[Revision, Filled]:
    # What cannot be filled was refused by the plan, where it is the text that customers see.
    filled = piece_uses.filled_anyway(text, article.locale, said_at)
    fields = piece_uses.frozen_fields(text, filled)
    return Revision(article=article, number=number, comment=comment, is_major=is_major, created_at=at, **fields), filled


def _make_live(pairs: Sequence[tuple[Plan, Article]], last: dict[int, Revision]) -> None:
    by_state: dict[str, list[int]] = defaultdict(list)
    for plan, article in pairs:
        if plan.state != DRAFT:
            article.state, article.live_revision, article.version = plan.state, last[article.pk], 1
            by_state[plan.state].append(last[article.pk].pk)
    with connection.cursor() as cursor:
        for state, revisions in by_state.items():
            cursor.execute(
                "UPDATE kb_article a SET state = %s, live_revision_id = r.id, version = 1 "
                "FROM kb_revision r WHERE r.id = ANY(%s) AND a.id = r.article_id",
                [state, revisions],
            )


def _mark(pairs: Sequence[tuple[Plan, Article]], now: datetime) -> None:
    ImportMark.objects.bulk_create(
        [
            ImportMark(article=article, file_hash=plan.item.digest(), text_hash=standing_of(article), imported_at=now)
            for plan, article in pairs
        ],
        update_conflicts=True,
        unique_fields=["article"],
        update_fields=["file_hash", "text_hash", "imported_at"],
    )


def _document(article: Article, live: Revision) -> Document:
    headings: Iterator[Any] = (heading[2] for heading in live.headings)
    return Document(
        id=article.pk,
        version=article.version,
        lang=article.locale,
        title=live.title,
        body=body_of(live.summary, live.text, list(headings)),
        category=article.category_id,
        visibility=article.visibility,
    )

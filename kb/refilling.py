"""Puts facts and blocks that have changed into the texts that readers see.

What is to be done is not remembered anywhere: it is every live text that says another version than the one in force. So
a run that was cut off is gone on with by the next, a change whose moment came while nothing ran is caught up with, and
what was published in the same second with the old value is found as well. A transaction holds a few articles, so that
a block of ten thousand is through in minutes; where one of them cannot be done, each is tried by itself. Two runs at
once (a worker's, and the one that answers the editor) share the articles between them.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from core import clock
from core.commits import after_commit
from kb import changing, experiment_life, facts, piece_uses, tasks
from kb.facts import Book
from kb.models import Article, ArticleState, Experiment, Piece, PieceSort, PieceUse, PieceVersion
from kb.refusals import PublishingError, Text

logger = logging.getLogger("preempt.facts")

_RUN_SECONDS = 200.0  # a task is cut off after 270; the next run goes on
_LOCK = 7_530_014  # of PostgreSQL's advisory locks: one worker at a time
_PORTION = 32  # articles of one transaction at most
_RING_EVERY = 100  # articles, so that search follows a long run


@dataclass(frozen=True)
class Done:
    """What a run did, in articles. `failed` ones are tried again by the next run."""

    changed: int = 0
    the_same: int = 0
    failed: int = 0
    is_all: bool = True


def work() -> Done | None:
    """A worker's run. None, and nothing done, where another one is at it: a change of a block that ten thousand texts
    hold must not take every worker from what else is to be done.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return None
        try:
            done = run()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    if not done.is_all:
        after_commit(tasks.refill.delay)
    return done


def run(*, seconds: float = _RUN_SECONDS) -> Done:
    """Bring every text up to date, as far as `seconds` reach; then the rest is asked for."""
    until = time.monotonic() + seconds
    stale = piece_uses.stale(clock.now()).order_by().values_list("revision__article_id", flat=True)
    waiting = sorted(set(stale.distinct()))
    changed = failed = rung = at = 0
    size = 1  # the first at once, then more at a time
    while at < len(waiting) and (at == 0 or time.monotonic() < until):
        portion, size = waiting[at : at + size], min(size * 2, _PORTION)
        at += len(portion)
        done = _portion(portion)
        changed, failed = changed + done.changed, failed + done.failed
        if changed - rung >= _RING_EVERY:
            rung = changed
            after_commit(tasks.apply_index_changes.delay)
    is_all = at >= len(waiting)
    if not is_all:
        after_commit(tasks.refill.delay)
    if changed > rung:
        after_commit(tasks.apply_index_changes.delay)
    the_same = at - changed - failed
    if changed or failed:
        logger.info("facts put into articles", extra={"changed": changed, "same": the_same, "failed": failed})
    return Done(changed, the_same, failed, is_all=is_all)


def _portion(ids: Sequence[int]) -> Done:
    """These articles together; where that fails, each by itself, so that one holds up none."""
    try:
        return Done(changed=refill(ids))
    except (DatabaseError, PublishingError):
        if len(ids) > 1:
            alone = [_portion([pk]) for pk in ids]
            return Done(sum(one.changed for one in alone), failed=sum(one.failed for one in alone))
        logger.exception("a fact could not be put into an article", extra={"article": ids[0]})
        return Done(failed=1)


@transaction.atomic
def refill(ids: Sequence[int]) -> int:
    """Bring these articles up to date: a new minor revision where a text changes; a test that measures a text which is
    no longer true is stopped. How many texts changed; the others were right, or somebody else is at them now.
    """
    rows = Article.objects.filter(pk__in=ids, state=ArticleState.PUBLISHED).select_related("live_revision")
    articles = list(rows.select_for_update(of=("self",), skip_locked=True).order_by("pk"))
    now = clock.now()
    stale: dict[int, list[PieceUse]] = defaultdict(list)
    for article_id, use in piece_uses.stale_in(articles, now):
        stale[article_id].append(use)
    tests = {test.article_id: test for test in experiment_life.live_on_any(articles)}
    books: dict[str, Book] = {}
    told: dict[tuple[int, int | None, str], str] = {}  # alike in all articles of a language
    new: list[changing.Refilled] = []
    for article in articles:
        live = article.live_revision
        if live is None or article.pk not in stale:
            continue
        if (book := books.get(article.locale)) is None:
            book = books[article.locale] = facts.book(article.locale, at=now, with_archived=True)
        for use in stale[article.pk]:
            key = (use.piece_id, use.version_id, article.locale)
            if key not in told:
                told[key] = _told_of_use(use, book)
        why = "; ".join(sorted({told[use.piece_id, use.version_id, article.locale] for use in stale[article.pk]}))
        if article.pk in tests:
            _stop_false_test(tests[article.pk], book, why)
        filled = piece_uses.filled_anyway(Text.of(live), article.locale, now, book=book)
        if piece_uses.says_the_same(live, filled):
            piece_uses.confirm(live, filled)
        else:
            new.append(changing.Refilled(article, live, filled, why))
    changing.refill(new)
    return len(new)


def _stop_false_test(experiment: Experiment, book: Book, why: str) -> None:
    """A test's texts are frozen while it runs. Where one of them says what is no longer so, the truth comes first."""
    false = []
    for variant in experiment.variants.select_related("revision"):
        filled = piece_uses.filled_anyway(Text.of(variant.revision), book.locale, book.at, book=book)
        if not piece_uses.says_the_same(variant.revision, filled):
            false.append(variant.key)
        else:
            piece_uses.confirm(variant.revision, filled)
    if false:
        experiment_life.stop(experiment, by=None, why=why, arms=false)
        logger.warning(
            "a test was stopped: a fact in its texts changed", extra={"experiment": experiment.pk, "why": why}
        )


def _told_of_use(use: PieceUse, book: Book) -> str:
    """What changed, as a revision's comment says it: "Return window: 30 days → 45 days"."""
    saying = book.sayings.get((use.piece.sort, use.piece.key))
    return told(use.piece, use.version, saying.version if saying else None, book.locale)


def told(piece: Piece, before: PieceVersion | None, after: PieceVersion | None, locale: str) -> str:
    """One change in words."""
    with translation.override("en"):  # the desk's
        if piece.sort == PieceSort.BLOCK:
            return _("block “%(name)s” changed") % {"name": piece.name}
        old, new = facts.shown(piece, before, locale), facts.shown(piece, after, locale)
        return f"{piece.name}: {old or '–'} → {new or '–'}"

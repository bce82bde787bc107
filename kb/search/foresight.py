"""Which search tests would fail that pass now, had a change been made? Said before it goes live.

Nothing here is an estimate: the change is made by the product's own code inside a transaction, the tests are asked
there, and the transaction is rolled back. A change of tuning is read as the rules that would hold and asked of the
engine in use. A change of texts is asked of the engine in the database, whose index is written by the same transaction
and ranks as the embedded engine does; an article's meaning (its vector) is made only after it, so the old one is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction

from kb import publishing, search
from kb.models import Article, Revision, SearchTest
from kb.search import analysis, checking, postgres, tuning
from kb.search.checking import CannotCheck, Checked
from kb.search.engine import EngineUnavailable, IndexDamaged
from kb.search.keys import key_of
from kb.search.tuning import Rules

_SECONDS = 2.0  # for the tests of one publication; what is not reached runs after it


@dataclass(frozen=True)
class Broken:
    """A test that passes now and would fail then."""

    now: Checked
    then: Checked

    @property
    def test(self) -> SearchTest:
        return self.now.test


@dataclass(frozen=True)
class Foreseen:
    """`tried` of `of` tests were asked; `mended` fail now and would pass."""

    broken: tuple[Broken, ...] = ()
    mended: tuple[Broken, ...] = ()
    tried: int = 0
    of: int = 0

    @property
    def ids(self) -> str:
        """The broken tests, to be given back by whoever wants the change all the same."""
        return ",".join(str(each.test.pk) for each in self.broken)

    def is_accepted(self, ids: str) -> bool:
        """Whether every broken test is among those that the editor has seen."""
        seen = set(ids.split(","))
        return all(str(each.test.pk) in seen for each in self.broken)


def by_tuning(change: Callable[[], object], *, locale: str) -> Foreseen:
    """What a change of synonyms or placements in `locale` would do. Raises what `change` raises, and CannotCheck."""
    tests = list(checking.current(locale=locale))
    before = tuning.read()
    with _undone():
        change()
        rules = tuning.read()
    tuning.forget()
    touched = _touched(tests, before, rules)
    if not touched:
        return Foreseen(tried=len(tests), of=len(tests))
    checking.make_ready([locale])
    with tuning.holding(rules):
        then = [checking.check(test) for test in touched]
    found = _compared(then, known=checking.standings([test.pk for test in touched]), of=len(tests))
    # Of the others the rules say the same as before: they come out as they did.
    return replace(found, tried=len(tests))


def by_publishing(
    article: Article, *, by: User | None, version: int | None = None, revision: Revision | None = None
) -> Foreseen:
    """What publishing the draft, or `revision`, does. Raises PublishingError where that cannot be, and CannotCheck."""

    def publish() -> None:
        # A row of our own: publishing writes into the one that it is given.
        mine = Article.objects.select_related("draft", "live_revision").get(pk=article.pk)
        publishing.publish(mine, by=by, version=version, revision=revision)

    return by_change(publish, _nearest_first(list(checking.current(locale=article.locale)), article))


def by_reverting(article: Article, revision: Revision, *, by: User | None) -> Foreseen:
    """What showing an earlier text again does. Raises PublishingError where that cannot be, and CannotCheck."""

    def revert() -> None:
        publishing.revert(Article.objects.select_related("draft", "live_revision").get(pk=article.pk), revision, by=by)

    return by_change(revert, _nearest_first(list(checking.current(locale=article.locale)), article))


def by_archiving(ids: Sequence[int]) -> Foreseen:
    """What taking these articles away from customers does; nobody waits for it, however many. Raises CannotCheck."""

    locales = set(Article.objects.published().filter(pk__in=ids).values_list("locale", flat=True).order_by())
    gone = set(ids)
    tests = [test for test in checking.current() if test.locale in locales]
    return by_change(lambda: _hide(ids), sorted(tests, key=lambda test: test.article_id not in gone))


def by_change(change: Callable[[], object], tests: Sequence[SearchTest], *, seconds: float = _SECONDS) -> Foreseen:
    """What `change` does to these tests, asked in their order for so many seconds. Raises what it raises, CannotCheck.

    `change` writes the texts and the database's index, as kb.publishing does, and nothing outside of the database.
    """
    if not tests:
        return Foreseen()
    checking.make_ready({test.locale for test in tests})
    then = []
    with _undone():
        _count_apart()
        change()
        until = time.monotonic() + seconds
        # An engine of this moment's own: what it reads here must not stay in the one that others ask.
        with search.answering(_Here()):
            for test in tests:
                then.append(checking.check(test))
                if time.monotonic() > until:
                    break
    with search.answering(search.database()):
        return _compared(then, known=checking.standings([test.pk for test in tests]), of=len(tests))


class _Here(postgres.PostgresEngine):
    """The database's engine, asked inside this transaction: never a replica, and no statement that the server has kept,
    which would go past what _hide() puts before the tables.
    """

    def _ask(self, sql: str, values: Mapping[str, Any], *, is_binary: bool = False) -> list[tuple[Any, ...]]:
        if is_binary:
            return postgres._fetch_binary("default", sql, values, prepare=False)
        return postgres._fetch("default", sql, values)


_OF_ARTICLES = {"kb_article": "id", "kb_indexedarticle": "article_id", "kb_posting": "article_id",
                "kb_titleword": "article_id"}  # fmt: skip


def _hide(ids: Sequence[int]) -> None:
    """For the rest of this transaction these articles are not there, for this connection alone: views stand before the
    tables. Other than a change of the rows it locks none of them, so nobody who writes waits.
    """
    gone = "{" + ",".join(str(int(pk)) for pk in ids) + "}"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kb_lexiconchange (lang, word, change) SELECT lang, word, -count(*) "
            "FROM kb_indexedarticle, unnest(words) AS word WHERE article_id = ANY(%s::bigint[]) GROUP BY lang, word",
            [gone],
        )
        cursor.execute("SELECT current_schema()")
        schema = connection.ops.quote_name(cursor.fetchone()[0])
        for table, column in _OF_ARTICLES.items():
            cursor.execute(
                f"CREATE TEMPORARY VIEW {table} AS SELECT * FROM {schema}.{table} "  # noqa: S608  our own names
                f"WHERE {column} <> ALL('{gone}'::bigint[])"
            )


class _Enough(Exception):
    """Ends a transaction whose changes nobody shall see."""


@contextmanager
def _undone() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            raise _Enough
    except _Enough:
        pass


def _count_apart() -> None:
    """Let this transaction count changes where no publication does (kb/live.py), so that none waits for its end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('preempt.slots_from', '64', true)")


def _compared(then: Sequence[Checked], *, known: Mapping[int, checking.Standing], of: int) -> Foreseen:
    """Against how it is now. What passes then is asked again only where its last run failed."""
    broken, mended = [], []
    for each in then:
        if each.is_passed and ((standing := known.get(each.test.pk)) is None or standing.is_passed):
            continue
        now = checking.check(each.test)
        if now.is_passed and not each.is_passed:
            broken.append(Broken(now, each))
        elif each.is_passed and not now.is_passed:
            mended.append(Broken(now, each))
    return Foreseen(tuple(broken), tuple(mended), tried=len(then), of=of)


def _touched(tests: Sequence[SearchTest], before: Rules, after: Rules) -> list[SearchTest]:
    """The tests of whose query, as typed or as corrected, the rules say something else than before."""

    def said(rules: Rules, text: str, locale: str) -> tuple[object, ...]:
        key = key_of(text, locale)
        stems = analysis.for_language(locale).stems(text)
        return rules.synonyms(locale).of(stems), rules.placed(locale, key), rules.has_own(locale, key)

    def is_touched(test: SearchTest) -> bool:
        texts = {test.query, engine.correct(test.query, test.locale)}
        return any(said(before, text, test.locale) != said(after, text, test.locale) for text in texts)

    engine = search.engine()
    try:
        return [test for test in tests if is_touched(test)]
    except (IndexDamaged, EngineUnavailable):
        return list(tests)  # asking each of them will say what is wrong


def _nearest_first(tests: list[SearchTest], article: Article) -> list[SearchTest]:
    """Those of the article first, then those whose words its new or its live text has."""
    language = analysis.for_language(article.locale)
    live = article.live_revision
    texts = [article.draft.title, article.draft.summary, article.draft.body, *([live.title, live.text] if live else [])]
    has = {stem for text in texts for stem in language.stems(text)}

    def distance(test: SearchTest) -> tuple[bool, int]:
        words = [word for word in language.words(test.query) if not language.is_stop(word)]
        return test.article_id != article.pk, -sum(language.stem(word) in has for word in words)

    return sorted(tests, key=distance)


__all__ = [
    "Broken", "CannotCheck", "Foreseen", "by_archiving", "by_change", "by_publishing", "by_reverting", "by_tuning"
]  # fmt: skip

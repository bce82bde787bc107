"""Search tests: does each query have its article among the first answers? Run them, and keep what came of it.

A run keeps an outcome only of tests that do not stand where they stood, so that a thousand tests a night leave a
handful of rows. Runs follow changes by themselves: run_if_due() compares a digest of all that answers depend on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import QuerySet

from core import clock
from kb import search
from kb.models import Article, RunReason, SearchTest, SearchTestOutcome, SearchTestRun
from kb.search import indexing, query, semantic
from kb.search.engine import EngineUnavailable, IndexDamaged

DEPTH = 10  # answers looked at: a page of them
_NIGHT = 3  # o'clock where the shop is: from then on the night's run is due
_LOCK = 7_530_013  # of PostgreSQL's advisory locks: one run after a change at a time

Progress = Callable[[int, int], None]  # tests run, of how many


class CannotCheck(Exception):
    """Search does not answer, so no test can be said to fail. The text says why."""


@dataclass(frozen=True)
class Answer:
    """One of the answers a test's query got."""

    article_id: int
    title: str


@dataclass(frozen=True)
class Checked:
    """Where a test's article stood, 1 first; None where it was not among the first ten answers."""

    test: SearchTest
    position: int | None
    answers: tuple[Answer, ...]
    engine: str

    @property
    def is_passed(self) -> bool:
        return self.position is not None and self.position <= self.test.top


@dataclass(frozen=True)
class Standing:
    """What is known of a test since when: its newest outcome, and the moment from which it has passed or failed."""

    position: int | None
    is_passed: bool
    since: datetime


def current(*, locale: str = "") -> QuerySet[SearchTest]:
    """The tests that are in force, each with its article."""
    tests = SearchTest.objects.filter(removed_at=None).select_related("article__live_revision", "article__draft")
    return tests.filter(locale=locale) if locale else tests


def check(test: SearchTest) -> Checked:
    """Ask the test's query as a customer would; nothing is logged. Raises CannotCheck."""
    found = query.find(test.query, locale=test.locale, k=DEPTH, is_order_only=True)
    if found.error:
        raise CannotCheck(found.error)
    answers = tuple(Answer(result.article_id, result.title) for result in found.results)
    places = [answer.article_id for answer in answers]
    position = places.index(test.article_id) + 1 if test.article_id in places else None
    return Checked(test, position, answers, found.engine)


def make_ready(locales: Iterable[str]) -> None:
    """Have the meaning of words loaded where search uses it: else the first tests would be asked without it."""
    if settings.SEARCH_MEANING and any(semantic.speaks(locale) for locale in locales):
        semantic.encoder()


def run(
    *,
    why: RunReason,
    by: User | None = None,
    locale: str = "",
    only: Sequence[SearchTest] | None = None,
    progress: Progress | None = None,
) -> tuple[SearchTestRun, list[Checked]]:
    """Run the tests (of `locale`, or `only` these) and keep their outcomes. Raises CannotCheck, and then keeps none.

    `progress` is called about every hundred tests.
    """
    is_whole = not locale and only is None
    state = digest() if is_whole else ""
    started = time.perf_counter()
    tests = list(only if only is not None else current(locale=locale))
    make_ready({test.locale for test in tests})
    checked = []
    for number, test in enumerate(tests, start=1):
        checked.append(check(test))
        if progress is not None and (number % 100 == 0 or number == len(tests)):
            progress(number, len(tests))
    took_ms = (time.perf_counter() - started) * 1000
    with transaction.atomic():
        made = SearchTestRun.objects.create(
            at=clock.now(),
            why=why,
            by=by,
            locale=locale,
            tests=len(tests),
            failing=sum(not each.is_passed for each in checked),
            engine=checked[0].engine[:40] if checked else search.engine().name,
            took_ms=took_ms,
            state=state,
        )
        _keep(made, checked)
    return made, checked


def run_if_due() -> SearchTestRun | None:
    """Run all tests where something that answers depend on has changed since they last ran, or the night has come.

    Waits (returns None) while the index lacks a change; the next call finds it there.
    """
    if not current().exists():
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return None
        try:
            last = SearchTestRun.objects.exclude(state="").first()
            is_changed = last is None or last.state != digest()
            is_night = last is not None and last.at < _last_night(clock.now())
            if not (is_changed or is_night) or _is_behind():
                return None
            return run(why=RunReason.CHANGE if is_changed else RunReason.NIGHTLY)[0]
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


_DIGEST = """
SELECT md5(concat(
    (SELECT concat(count(*), ' ', sum(hashint8extended(id, version))) FROM kb_article WHERE state = 'published'),
    (SELECT string_agg(concat_ws(' ', locale, words, means, is_two_way), ',' ORDER BY id) FROM kb_synonym),
    (SELECT string_agg(concat_ws(' ', locale, key, kind, article_id, position), ',' ORDER BY id) FROM kb_placement),
    (SELECT concat(count(*), ' ', sum(hashint8extended(article_id, version))) FROM kb_articlevector),
    (SELECT concat(count(*), ' ', max(made_at)) FROM kb_searchsignal),
    (SELECT string_agg(concat_ws(' ', id, locale, query, article_id, top), ',' ORDER BY id) FROM kb_searchtest
     WHERE removed_at IS NULL),
    %s))
"""


def digest() -> str:
    """Of everything that decides how the tests come out: articles, tuning, meaning, learnt ranking, engine, tests."""
    with connection.cursor() as cursor:
        cursor.execute(_DIGEST, [f"{search.engine().name} {settings.SEARCH_MEANING} {settings.SEARCH_LEARNING}"])
        return str(cursor.fetchone()[0])


_STANDINGS = """
SELECT DISTINCT ON (outcome.test_id) outcome.test_id, outcome.position, outcome.is_passed,
       (SELECT min(run.at) FROM kb_searchtestoutcome AS since
                 JOIN kb_searchtestrun AS run ON run.id = since.run_id
                 WHERE since.test_id = outcome.test_id AND since.id > coalesce(
                     (SELECT max(id) FROM kb_searchtestoutcome AS other
                      WHERE other.test_id = outcome.test_id AND other.is_passed <> outcome.is_passed), 0))
FROM kb_searchtestoutcome AS outcome
WHERE outcome.test_id = ANY(%s)
ORDER BY outcome.test_id, outcome.id DESC
"""


def standings(test_ids: Sequence[int]) -> dict[int, Standing]:
    """How each of the tests stands; one that was never run is not in it. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS, [list(test_ids)])
        return {test_id: Standing(position, passed, since) for test_id, position, passed, since in cursor.fetchall()}


def failing() -> list[SearchTest]:
    """The tests whose newest outcome is a failure. Two queries."""
    tests = list(current())
    known = standings([test.pk for test in tests])
    return [test for test in tests if test.pk in known and not known[test.pk].is_passed]


def last_run() -> SearchTestRun | None:
    """The newest run of all tests."""
    return SearchTestRun.objects.exclude(state="").select_related("by").first()


def title_of(article: Article) -> str:
    """What the desk calls an article: its live title, else its draft's."""
    return article.live_revision.title if article.live_revision else article.draft.title


def _keep(made: SearchTestRun, checked: Iterable[Checked]) -> None:
    known: Mapping[int, tuple[int | None, int, bool]] = {
        test_id: (position, top, passed)
        for test_id, position, top, passed in SearchTestOutcome.objects.filter(
            test__in=[each.test.pk for each in checked]
        )
        .order_by("test_id", "-id")
        .distinct("test_id")
        .values_list("test_id", "position", "top", "is_passed")
    }
    SearchTestOutcome.objects.bulk_create(
        [
            SearchTestOutcome(
                run=made, test=each.test, position=each.position, top=each.test.top, is_passed=each.is_passed
            )
            for each in checked
            if known.get(each.test.pk) != (each.position, each.test.top, each.is_passed)
        ],
        batch_size=1000,
    )


def _is_behind() -> bool:
    try:
        return indexing.lag().articles > 0
    except (IndexDamaged, EngineUnavailable):
        return False  # the database answers meanwhile, and is never behind


def _last_night(now: datetime) -> datetime:
    """The last time that it was three o'clock where the shop is."""
    there = now.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE))
    night = there.replace(hour=_NIGHT, minute=0, second=0, microsecond=0)
    return night if night <= there else night - timedelta(days=1)

"""What articles mean, for every process of every host: made once by the worker, kept in the database, held in memory.

A process holds one matrix a language and looks every few seconds whether the database has others: by a fingerprint of
all (article, version), which costs a millisecond or two at 10,000 articles.
"""

from __future__ import annotations

import functools
import logging
import operator
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet

from kb.models import Article, ArticleVector
from kb.search import analysis, fusion, semantic
from kb.search.engine import Hit, SearchRequest

logger = logging.getLogger("preempt.search")

_LOOK_EVERY = 3.0  # seconds
_NEAREST = 100  # by meaning are looked at beside those that the words found
_LOCK = 5_310_301  # of PostgreSQL's advisory locks: one maker of vectors at a time

_FINGERPRINT = """
    SELECT count(*), coalesce(sum(hashint8extended(article_id, version)), 0)::text FROM kb_articlevector
"""


@dataclass
class _Matrix:
    """One language's vectors, a row an article."""

    ids: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    versions: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    rows: np.ndarray = field(default_factory=lambda: np.empty((0, semantic.SIZE), np.float32))
    categories: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    visibilities: np.ndarray = field(default_factory=lambda: np.empty(0, "U8"))


class Vectors:
    """The vectors of all articles, as this process knows them."""

    def __init__(self) -> None:
        self._matrices: dict[str, _Matrix] = {}
        self._fingerprint: tuple[int, str] | None = None
        self._looked_at = -1e9
        self._lock = threading.Lock()

    def blend(self, request: SearchRequest, hits: Sequence[Hit], *, text: str) -> list[Hit] | None:
        """The words' hits and what is near in meaning, together; None where meaning has nothing to say.

        `text` is the query as understood.
        """
        encoder = semantic.loaded() if settings.SEARCH_MEANING and semantic.speaks(request.lang) else None
        if encoder is None:
            return None
        matrix = self._current(request.lang)
        if not len(matrix.ids):
            return None
        cosines = matrix.rows @ encoder.query(text)
        may = np.isin(matrix.visibilities, sorted(request.visibility))
        if request.categories:
            may &= np.isin(matrix.categories, sorted(request.categories))
        if request.excluded:
            may &= ~np.isin(matrix.ids, sorted(request.excluded))
        allowed = np.where(may, cosines, -1.0)
        count = min(_NEAREST, len(allowed))
        best = np.argpartition(allowed, -count)[-count:]
        near = {int(matrix.ids[n]): int(matrix.versions[n]) for n in best if allowed[n] >= fusion.BESIDE}
        terms = len(set(analysis.for_language(request.lang).words(text)))
        wanted = np.array([*(hit.id for hit in hits), *near], np.int64)
        places = np.searchsorted(matrix.ids, wanted)
        known = {
            int(id): float(cosines[place])
            for id, place in zip(wanted, places, strict=True)
            if place < len(matrix.ids) and matrix.ids[place] == id
        }
        return fusion.fuse(hits, known, near=near, terms=terms, explain=request.explain)

    def _current(self, lang: str) -> _Matrix:
        with self._lock:
            if time.monotonic() - self._looked_at > _LOOK_EVERY:
                self._look()
                self._looked_at = time.monotonic()
            return self._matrices.get(lang, _Matrix())

    def _look(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_FINGERPRINT)
            fingerprint = cursor.fetchone()
        if fingerprint == self._fingerprint:
            return
        have = {
            (int(id), int(version)): row
            for matrix in self._matrices.values()
            for id, version, row in zip(matrix.ids, matrix.versions, matrix.rows, strict=True)
        }
        current = ArticleVector.objects.filter(model=semantic.MODEL).order_by("article_id")
        listed = list(
            current.values_list(
                "article_id", "version", "article__locale", "article__category_id", "article__visibility"
            )
        )
        lacking = [id for id, version, *_rest in listed if (id, version) not in have]
        fetched: dict[int, tuple[int, np.ndarray]] = {}
        for start in range(0, len(lacking), 5000):
            some = current.filter(pk__in=lacking[start : start + 5000]).values_list("article_id", "version", "values")
            fetched |= {id: (version, np.frombuffer(values, np.float32)) for id, version, values in some}
        self._matrices = {
            lang: _matrix([row for row in listed if row[2] == lang], have, fetched)
            for lang in {row[2] for row in listed}
        }
        self._fingerprint = fingerprint


def _matrix(
    listed: list[tuple[int, int, str, int, str]],
    have: dict[tuple[int, int], np.ndarray],
    fetched: dict[int, tuple[int, np.ndarray]],
) -> _Matrix:
    rows = [fetched.get(id, (version, have.get((id, version)))) for id, version, *_rest in listed]
    kept = [(entry, row) for entry, row in zip(listed, rows, strict=True) if row[1] is not None]
    if not kept:
        return _Matrix()
    return _Matrix(
        ids=np.array([entry[0] for entry, _ in kept], np.int64),
        versions=np.array([version for _, (version, _values) in kept], np.int64),
        rows=np.stack([values for _, (_version, values) in kept if values is not None]),
        categories=np.array([entry[3] for entry, _ in kept], np.int64),
        visibilities=np.array([entry[4] for entry, _ in kept]),
    )


vectors = Vectors()


def lacking() -> int:
    """How many published articles have no vector of their live text yet; 0 where meaning is not installed."""
    return _unmade().count() if settings.SEARCH_MEANING and semantic.encoder() is not None else 0


def make(*, limit: int = 200) -> int:
    """Make vectors that are lacking, at most so many; returns how many. One process of all hosts at a time."""
    encoder = semantic.encoder() if settings.SEARCH_MEANING else None
    if encoder is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        try:
            made = 0
            rows = _unmade().values_list(
                "pk", "version", "live_revision__title", "live_revision__summary", "live_revision__text"
            )
            for pk, version, title, summary, text in rows[:limit]:
                values = encoder.article(title, f"{summary} {text}").tobytes()
                ArticleVector.objects.update_or_create(
                    article_id=pk, defaults={"version": version, "model": semantic.MODEL, "values": values}
                )
                made += 1
            return made
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _unmade() -> QuerySet[Article]:
    return (
        Article.objects.published()
        .filter(functools.reduce(operator.or_, (Q(locale__regex=f"^{lang}(-|$)") for lang in semantic.LANGUAGES)))
        .exclude(Q(vector__version=F("version")) & Q(vector__model=semantic.MODEL))
        .order_by("pk")
    )

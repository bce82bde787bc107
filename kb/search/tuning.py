"""What editors tell search: words that mean the same, articles on top of a query's answers or not among them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from core import audit
from kb.models import Article, Placement, PlacementKind, Synonym
from kb.search import analysis
from kb.search.keys import key_of
from kb.search.understanding import NO_SYNONYMS, Synonyms

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_FRESH_SECONDS = 1.0  # that another process may go on with what it read
_LONGEST = 80  # characters of either side of a synonym
_LONGEST_QUERY = 200
_MOST_PINS = 10  # a page of answers that nobody ranked but an editor is no search


class Refused(Exception):
    """What an editor asked for cannot be done; the text says why and what to do. Safe to show."""


@dataclass(frozen=True)
class Shelf:
    """A category by its name and slug in a reader's language (else the default one)."""

    slug: str
    name: str


@dataclass(frozen=True)
class Placed:
    """The editors' word on one query: article ids to put on top, in order, and ids to leave out."""

    pins: tuple[int, ...] = ()
    hidden: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Rules:
    """Everything editors have said, as one query reads it; built further only as it is needed."""

    said: str = ""
    _synonyms: dict[str, Synonyms] = field(default_factory=dict, compare=False)

    @cached_property
    def _data(self) -> dict[str, list[Any]]:
        data: dict[str, list[Any]] = json.loads(self.said)
        return data

    def synonyms(self, locale: str) -> Synonyms:
        if (found := self._synonyms.get(locale)) is None:
            pairs = [
                pair
                for lang, words, means, is_two_way in self._data["synonyms"]
                if lang == locale
                for pair in ([(words, means), (means, words)] if is_two_way else [(words, means)])
            ]
            found = Synonyms(pairs, analysis.for_language(locale)) if pairs else NO_SYNONYMS
            self._synonyms[locale] = found
        return found

    @cached_property
    def _placed(self) -> Mapping[tuple[str, str], Placed]:
        by_key: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for locale, key, kind, article_id in self._data["placements"]:
            by_key.setdefault((locale, key), []).append((kind, article_id))
        return {
            at: Placed(
                tuple(article_id for kind, article_id in said if kind == PlacementKind.PIN),
                frozenset(article_id for kind, article_id in said if kind == PlacementKind.HIDE),
            )
            for at, said in by_key.items()
        }

    def placed(self, locale: str, key: str) -> Placed:
        """What is said of this query, and of every query. A pin stands above a hide for every query."""
        always = self._placed.get((locale, ""), Placed())
        own = self._placed.get((locale, key), Placed()) if key else Placed()
        return Placed(own.pins, own.hidden | (always.hidden - set(own.pins)))

    def has_own(self, locale: str, key: str) -> bool:
        """Whether anything is said of just this query."""
        return bool(key) and (locale, key) in self._placed

    def shelf(self, category_id: int, locale: str) -> Shelf:
        """A category as readers in `locale` know it; its key where it has no name even in the default language."""
        return (
            self._shelves.get((category_id, locale))
            or self._shelves.get((category_id, settings.LANGUAGE_CODE))
            or self._shelves.get((category_id, ""))
            or Shelf("", "")
        )

    @cached_property
    def _shelves(self) -> Mapping[tuple[int, str], Shelf]:
        return {(id, locale): Shelf(slug, name) for id, locale, slug, name in self._data["shelves"]}


# As text, so that what was built of it serves on as long as nothing has changed. One query, a few kilobytes.
_SAID = """
SELECT json_build_object(
    'synonyms', (SELECT coalesce(json_agg(json_build_array(locale, words, means, is_two_way) ORDER BY id), '[]')
                 FROM kb_synonym),
    'placements', (SELECT coalesce(json_agg(json_build_array(locale, key, kind, article_id)
                                            ORDER BY locale, key, position, id), '[]') FROM kb_placement),
    'shelves', (SELECT coalesce(json_agg(shelf ORDER BY shelf::text), '[]') FROM (
                   SELECT json_build_array(category_id, locale, slug, name) FROM kb_categorytext
                   UNION ALL SELECT json_build_array(id, '', '', key) FROM kb_category) AS named (shelf))
)::text
"""

_read: tuple[float, Rules] | None = None  # when, by the monotonic clock, and what
_supposed: ContextVar[Rules | None] = ContextVar("supposed_rules", default=None)


def rules() -> Rules:
    """What holds now; another process's change within a second. At most one query, and mostly none."""
    global _read
    if (supposed := _supposed.get()) is not None:
        return supposed
    last = _read
    if last is not None and time.monotonic() - last[0] < _FRESH_SECONDS:
        return last[1]
    found = read()
    kept = last[1] if last is not None and last[1].said == found.said else found
    _read = (time.monotonic(), kept)
    return kept


def read() -> Rules:
    """What the database says in this transaction. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SAID)
        return Rules(cursor.fetchone()[0])


@contextlib.contextmanager
def holding(supposed: Rules) -> Iterator[None]:
    """Within the block, in this thread or task only, search by these rules."""
    token = _supposed.set(supposed)
    try:
        yield
    finally:
        _supposed.reset(token)


@contextlib.contextmanager
def supposing(*, locale: str, words: str, means: str, is_two_way: bool = True) -> Iterator[None]:
    """Within the block, in this thread or task only, search as if this synonym were there."""
    data = json.loads(rules().said)
    data["synonyms"].append([locale, words, means, is_two_way])
    with holding(Rules(json.dumps(data))):
        yield


def forget() -> None:
    """Read anew at the next search."""
    global _read
    _read = None


def add_synonym(*, locale: str, words: str, means: str, is_two_way: bool = True, by: User | None) -> Synonym:
    """Search what customers call `words` as `means` too (and the other way round). Raises Refused."""
    words, means = _tidy(words), _tidy(means)
    _check_locale(locale)
    for text in (words, means):
        if not analysis.for_language(locale).stems(text):
            raise Refused(_("Write a word on both sides."))
        if len(text) > _LONGEST:
            raise Refused(_("“%(text)s …” is too long; %(limit)s characters are the most.") % {
                "text": text[:20], "limit": _LONGEST,
            })  # fmt: skip
    language = analysis.for_language(locale)
    if language.stems(words) == language.stems(means):
        raise Refused(_("Search reads both sides as the same word already; there is nothing to add."))
    same = Q(words=words, means=means) | Q(words=means, means=words)
    for other in Synonym.objects.filter(same, locale=locale):
        if other.is_two_way or (other.words == words and not is_two_way):
            raise Refused(_("These words are synonyms already."))
        if is_two_way:
            raise Refused(
                _("“%(words)s” finds “%(means)s” already, one way. Remove that one below, then add them both ways.")
                % {"words": other.words, "means": other.means}
            )
    try:
        with transaction.atomic():
            added = Synonym.objects.create(
                locale=locale, words=words, means=means, is_two_way=is_two_way, created_by=by
            )
            audit.record(by, "synonym.added", added, locale=locale)
    except IntegrityError as error:
        raise Refused(_("These words are synonyms already.")) from error
    forget()
    return added


def remove_synonym(synonym_id: int, *, by: User | None = None) -> None:
    """Does nothing where it has gone already."""
    with transaction.atomic():
        if (gone := Synonym.objects.select_for_update().filter(pk=synonym_id).first()) is not None:
            audit.record(by, "synonym.removed", gone, locale=gone.locale)
            gone.delete()
    forget()


def place(
    *, kind: str, locale: str, query: str, article_id: int, position: int | None = None, by: User | None
) -> Placement:
    """Pin an article on top of a query's answers (at `position`, else below the pins there are), or hide it from them.

    An empty query hides from every query. What was said of this query and article before is replaced. Raises Refused.
    """
    query = _tidy(query)
    _check_locale(locale)
    if kind not in PlacementKind:
        raise Refused(_("Choose whether to pin or to hide the article."))
    key = key_of(query, locale)
    if query and not key:
        raise Refused(_("Search finds no word in this query. Write what customers type."))
    if not key and kind == PlacementKind.PIN:
        raise Refused(_("Write the query that the article should stand on top of."))
    if len(query) > _LONGEST_QUERY:
        raise Refused(_("The query is too long; %(limit)s characters are the most.") % {"limit": _LONGEST_QUERY})
    article = Article.objects.filter(pk=article_id).first()
    if article is None:
        raise Refused(_("There is no such article any more."))
    if article.locale != locale:
        raise Refused(_("The article is in another language than the query. Choose its translation."))
    with transaction.atomic():
        pins = Placement.objects.filter(locale=locale, key=key, kind=PlacementKind.PIN).exclude(article=article)
        if kind == PlacementKind.PIN and pins.count() >= _MOST_PINS:
            raise Refused(_("This query has %(count)s pins already. Remove one first.") % {"count": _MOST_PINS})
        if position is None:
            position = (pins.aggregate(last=Max("position"))["last"] or 0) + 1
        placed, _is_new = Placement.objects.update_or_create(
            locale=locale,
            key=key,
            article=article,
            defaults={"query": query, "kind": kind, "position": max(1, position), "created_by": by},
        )
        audit.record(
            by, "placement.pinned" if kind == PlacementKind.PIN else "placement.hidden", placed, **_told(placed)
        )
    forget()
    return placed


def remove_placement(placement_id: int, *, by: User | None = None) -> None:
    """Does nothing where it has gone already."""
    with transaction.atomic():
        if (gone := Placement.objects.select_for_update().filter(pk=placement_id).first()) is not None:
            audit.record(by, "placement.removed", gone, **_told(gone))
            gone.delete()
    forget()


def _told(placed: Placement) -> dict[str, Any]:
    """What the audit log keeps of a placement."""
    return {"locale": placed.locale, "kind": placed.kind, "article": placed.article_id, "position": placed.position}


def _tidy(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())


def _check_locale(locale: str) -> None:
    if locale not in dict(settings.LANGUAGES):
        raise Refused(_("The help centre has no language “%(locale)s”.") % {"locale": locale})

"""A customer's words → articles they may read. The index proposes, the database decides what is visible."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from django import db
from django.conf import settings
from django.urls import get_script_prefix, reverse
from django.utils import translation
from django.utils.safestring import mark_safe

from kb import rendering
from kb.models import Visibility
from kb.search import asking, featured, keys, reading, signals, snippets, tuning, vectors
from kb.search.asking import Answer
from kb.search.engine import Hit, SearchRequest
from kb.search.found import Facet, Featured, Found, Result
from kb.search.keys import key_of
from kb.search.reading import Row
from kb.search.tuning import Placed, Rules

__all__ = ["MAX_QUERY", "Facet", "Featured", "Found", "Result", "find", "key_of"]

logger = logging.getLogger("preempt.search")

MAX_QUERY = keys.LONGEST  # characters; a longer text is searched by its rarest words
_LONG_TERMS = 12  # of those
_MOST_READ = 2_000  # characters of a long text; what follows only costs time
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
_SPARE = 10  # hits beyond those wanted, for articles unpublished since the index was written
_POOL = 200  # hits among which an order is made, and whose texts are looked through for a quoted phrase


def find(
    text: str,
    *,
    locale: str,
    k: int = 10,
    offset: int = 0,
    categories: Collection[int] = frozenset(),
    is_staff: bool = False,
    is_verbatim: bool = False,
    max_terms: int | None = None,
    explain: bool = False,
    visitor: str = "",
    count_categories: bool = False,
    is_order_only: bool = False,
) -> Found:
    """The answers `offset` to `offset + k` to a text, for a reader in `locale`. Never raises: see Found.error.

    `is_staff` shows what only signed-in staff may read, too. `is_verbatim` corrects nothing. `max_terms` keeps so many
    of the rarest words (a text longer than MAX_QUERY is searched so anyway). `visitor` decides on the arm of the
    test of learnt ranking; without one the ranking is the plain one. `is_order_only` leaves out what is quoted from the
    texts, half of the work, for who only asks what stands where. One query to the database, and two more where what
    editors said was last read a second ago, and what was learnt a minute ago.
    """
    started = time.perf_counter()
    text = readable(text)
    if not text:
        return Found((), 0)
    if len(text) > MAX_QUERY and max_terms is None:
        max_terms = _LONG_TERMS
    asked = _Asked(
        text,
        locale,
        k=max(0, k),
        offset=max(0, offset),
        categories=frozenset(categories),
        is_staff=is_staff,
        is_verbatim=is_verbatim,
        max_terms=max_terms,
        explain=explain,
        visitor=visitor,
        count_categories=count_categories,
        is_order_only=is_order_only,
    )
    try:
        found = _find(asked)
    except (asking.NoAnswer, db.Error) as error:
        logger.exception("search failed")
        found = Found((), 0, text=text, key=key_of(text, locale), error=str(error)[:200] or type(error).__name__)
    return replace(found, took_ms=(time.perf_counter() - started) * 1000)


@dataclass(frozen=True)
class _Asked:
    text: str
    locale: str
    k: int
    offset: int
    categories: frozenset[int]
    is_staff: bool
    is_verbatim: bool
    max_terms: int | None
    explain: bool
    visitor: str
    count_categories: bool
    is_order_only: bool


@dataclass(frozen=True)
class _Shown:
    """An article that the reader may see, and how it was found; a pin by no hit."""

    row: Row
    hit: Hit | None = None


def _find(asked: _Asked) -> Found:
    rules = tuning.rules()
    key = key_of(asked.text, asked.locale)
    placed = rules.placed(asked.locale, key)
    answer = asking.ask(_request(asked, rules, placed))
    others = [lang for lang, _name in settings.LANGUAGES if lang != asked.locale]
    foreign = _in_better_language(asked, rules, answer, others)
    if foreign is None and answer.results.corrected:
        if asking.is_foreign_word_corrected(answer, asked.text, others):
            answer = asking.again(answer, _request(replace(asked, is_verbatim=True), rules, placed))
        elif not rules.has_own(asked.locale, key):
            # What editors say of a query holds for its mistyped forms.
            meant = key_of(answer.results.corrected, asked.locale)
            if rules.has_own(asked.locale, meant):
                placed = rules.placed(asked.locale, meant)
                answer = asking.again(answer, _request(asked, rules, placed))
    answers = [answer] if foreign is None else [foreign, *_besides(asked, rules, answer, placed)]
    lead = answers[0]

    candidates: Sequence[Hit] = [hit for each in answers for hit in each.results.hits]
    total = sum(each.results.total for each in answers)
    engine = lead.engine.name
    ranking = ""
    if foreign is None:
        if (blended := _with_meaning(asked, rules, placed, lead)) is not None:
            total += len(blended) - len(candidates)
            candidates, engine = blended, f"{engine}+meaning"
        candidates, ranking = signals.rerank(candidates, key=key, locale=asked.locale, visitor=asked.visitor)
    if not lead.results.phrases:
        candidates = candidates[: asked.offset + asked.k + _SPARE]
    rows = reading.rows(
        [*placed.pins, *(hit.id for hit in candidates)],
        is_staff=asked.is_staff,
        categories=asked.categories,
        # A phrase is looked for in the article that the engine found, not in its translation.
        locale=asked.locale if foreign and not lead.results.phrases else "",
        phrases=lead.results.phrases,
        free=placed.pins,
    )
    shown = _visible(placed, candidates, rows)
    if lead.results.phrases:
        total = len(candidates)  # of what was looked through; nobody counts further
    total = max(total - len(candidates) + len(shown), len(shown))
    page = shown[asked.offset : asked.offset + asked.k]
    is_featured = not asked.offset and foreign is None and not asked.is_order_only
    return Found(
        results=tuple(_result(each, lead, rules, asked) for each in page),
        total=total,
        corrected=lead.results.corrected,
        text=asked.text,
        key=key,
        featured=_featured(shown, lead) if is_featured else None,
        facets=_facets(lead, rules, asked) if asked.count_categories else (),
        other_locale=lead.lang if foreign else "",
        engine=engine,
        is_fallback=lead.is_fallback,
        ranking=ranking,
    )


def _request(asked: _Asked, rules: Rules, placed: Placed, *, lang: str = "") -> SearchRequest:
    lang = lang or asked.locale
    pool = max(_POOL, asked.offset + asked.k + _SPARE)
    return SearchRequest(
        text=asked.text,
        lang=lang,
        k=pool,
        categories=asked.categories,
        visibility=frozenset(Visibility.values) if asked.is_staff else frozenset({Visibility.PUBLIC}),
        excluded=placed.hidden | set(placed.pins),
        synonyms=rules.synonyms(lang),
        is_verbatim=asked.is_verbatim,
        max_terms=asked.max_terms,
        explain=asked.explain,
    )


def _with_meaning(asked: _Asked, rules: Rules, placed: Placed, answer: Answer) -> list[Hit] | None:
    """The answer's hits ordered by meaning too, with what only means the same; None where words must stand alone.

    They do for a phrase in quotes, for a whole message (its words were chosen one by one), and without the extra.
    """
    if answer.results.phrases or asked.max_terms is not None:
        return None
    meant = answer.results.corrected or asked.text
    try:
        return vectors.vectors.blend(_request(asked, rules, placed), answer.results.hits, text=meant)
    except db.Error:
        logger.exception("search goes by words alone: the vectors could not be read")
        return None


def _in_better_language(asked: _Asked, rules: Rules, answer: Answer, others: Sequence[str]) -> Answer | None:
    """The answer in the language that the query is in, where that is not the page's and there is one."""
    lang = asking.better_language(answer, asked.text, others)
    if not lang:
        return None
    foreign = asking.again(answer, _request(asked, rules, Placed(), lang=lang))
    return foreign if foreign.results.hits else None


def _besides(asked: _Asked, rules: Rules, answer: Answer, placed: Placed) -> list[Answer]:
    """What the page's own language has of a query in another: by the words as they are, not as slips of its own."""
    if not answer.results.known:
        return []
    return [asking.again(answer, _request(replace(asked, is_verbatim=True), rules, placed))]


def _visible(placed: Placed, candidates: Sequence[Hit], rows: Mapping[int, Row]) -> list[_Shown]:
    """Pins, then candidates; each article once, and only those that the database lets this reader see."""
    found: dict[int, _Shown] = {rows[id].id: _Shown(rows[id]) for id in placed.pins if id in rows}
    for hit in candidates:
        row = rows.get(hit.id)
        if row is not None and row.id not in placed.hidden:
            found.setdefault(row.id, _Shown(row, hit))
    return list(found.values())


def _result(shown: _Shown, answer: Answer, rules: Rules, asked: _Asked) -> Result:
    row, hit = shown.row, shown.hit
    terms = answer.results.terms
    if asked.is_order_only:
        snippet = ""
    # The summary tells best what an article is about; the text is quoted where the summary lacks the words.
    elif snippets.holds(row.summary, terms, lang=row.locale):
        snippet = snippets.snippet(row.summary, terms, lang=row.locale)
    else:
        snippet = snippets.best(row.html, terms, lang=row.locale) or snippets.snippet(
            row.summary, terms, lang=row.locale
        )
    return Result(
        article_id=row.id,
        title=row.title,
        url=_address(row.slug, row.locale),
        category_name=rules.shelf(row.category_id, asked.locale).name,
        snippet_html=mark_safe(snippet),
        locale=row.locale,
        is_pinned=hit is None,
        is_staff_only=row.is_staff_only,
        score=hit.score if hit else 0.0,
        why=hit.why if hit and asked.explain else {},
    )


def _featured(shown: Sequence[_Shown], answer: Answer) -> Featured | None:
    """A passage of the first answer, where by the engine's own scores it is clearly ahead of all others."""
    if not shown or answer.results.phrases:
        return None
    row = shown[0].row
    by_words = {hit.id: hit.score for hit in answer.results.hits}
    found = featured.answer(
        row.html,
        title=row.title,
        terms=answer.results.terms,
        lang=row.locale,
        score=by_words.get(row.id, 0.0),
        next_score=max((by_words.get(each.row.id, 0.0) for each in shown[1:]), default=0.0),
        is_pinned=shown[0].hit is None,
    )
    if found is None:
        return None
    return Featured(
        article_id=row.id,
        title=row.title,
        url=_address(row.slug, row.locale) + (f"#{found.anchor}" if found.anchor else ""),
        heading=found.heading,
        answer_html=mark_safe(rendering.localise(found.html, row.locale, under=get_script_prefix())),
    )


def _facets(answer: Answer, rules: Rules, asked: _Asked) -> tuple[Facet, ...]:
    """The categories with answers, most first; a chosen one stays, so that it can be taken back."""
    counts = {**dict.fromkeys(asked.categories, 0), **answer.results.counts}
    facets = []
    for id, count in counts.items():
        shelf = rules.shelf(id, asked.locale)
        if shelf.name:
            facets.append(Facet(id, shelf.slug, shelf.name, count, is_chosen=id in asked.categories))
    return tuple(sorted(facets, key=lambda facet: (-facet.count, facet.name)))


def _address(slug: str, locale: str) -> str:
    return _address_under(get_script_prefix(), slug, locale)


@lru_cache(maxsize=4096)
def _address_under(prefix: str, slug: str, locale: str) -> str:
    """The same article has another address inside the widget; `prefix` is where reverse() now begins."""
    with translation.override(locale):
        return reverse("help:article", args=[slug])


def readable(text: str) -> str:
    """The text without what no database takes (NUL, halves of characters), what nobody can see (other control
    characters, marks that turn the direction of writing) and without its far end.
    """
    return _UNSEEN.sub(" ", text[:_MOST_READ]).encode(errors="replace").decode().strip()

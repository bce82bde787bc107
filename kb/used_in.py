"""Where a fact or a block stands, and what a change would do to each place."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from core import clock
from kb import facts, piece_uses, placeholders
from kb.facts import Book, Place
from kb.models import Article, ArticleState, Draft, Experiment, ExperimentState, Piece, PieceSort
from kb.refusals import Text

SHOWN = 50  # articles of one list; the rest is a number
_LINES = 3  # of one article's changes
_LIVE = (ExperimentState.RUNNING, ExperimentState.PAUSED)


@dataclass(frozen=True)
class ArticleUse:
    """An article whose live text, or whose draft alone, holds the piece."""

    article: Article
    title: str
    is_live: bool
    is_under_test: bool = False


@dataclass(frozen=True)
class Uses:
    """`articles` are the first SHOWN of `article_total`, live ones first."""

    articles: list[ArticleUse] = field(default_factory=list)
    article_total: int = 0
    blocks: list[Piece] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.article_total + len(self.blocks) + len(self.places)

    @property
    def article_rest(self) -> int:
        return self.article_total - len(self.articles)


@dataclass(frozen=True)
class Effect:
    """What a change would do to one place: lines of its text as they are and as they would be."""

    label: str
    url: str
    locale: str
    lines: list[tuple[str, str]]
    is_under_test: bool = False


@dataclass(frozen=True)
class Preview:
    """`changed` of the places looked at; `rest` articles were not looked at one by one. `tests` run on any of them."""

    changed: list[Effect]
    same: int
    rest: int
    tests: int


def of(piece: Piece) -> Uses:
    """Everything that holds the piece now: live texts and texts under test, drafts, blocks, other rooms' texts."""
    live = _live_ids(piece)
    drafts = _draft_ids(piece) - live
    wanted = [*sorted(live), *sorted(drafts)][:SHOWN]
    rows = Article.objects.filter(pk__in=wanted).select_related("draft", "live_revision").in_bulk(wanted)
    under_test = _under_test(wanted)
    articles = [
        ArticleUse(row, _title(row), pk in live, pk in under_test) for pk in wanted if (row := rows.get(pk)) is not None
    ]
    return Uses(articles, len(live) + len(drafts), _blocks_with(piece), _places_with(piece))


def counts() -> dict[int, int]:
    """By piece, in how many published articles it stands. One query."""
    found: dict[int, set[int]] = {}
    for piece_id, article_id in piece_uses.seen().values_list("piece_id", "revision__article_id").distinct():
        found.setdefault(piece_id, set()).add(article_id)
    return {piece_id: len(articles) for piece_id, articles in found.items()}


def progress(piece: Piece) -> tuple[int, int]:
    """How many of the texts that hold the piece say its version in force, and how many texts these are."""
    total = piece_uses.seen().filter(piece=piece).count()
    return total - piece_uses.stale(clock.now()).filter(piece=piece).count(), total


def preview(piece: Piece, values: Mapping[str, Any]) -> Preview:
    """What it would do if the piece said this, place by place; of many articles the first SHOWN."""
    live = sorted(_live_ids(piece))
    books: dict[str, Book] = {}
    effects = [
        *_in_articles(live[:SHOWN], piece, values, books),
        *_in_blocks(piece, values, books),
        *_in_places(piece, values, books),
    ]
    changed = [effect for effect in effects if effect.lines]
    tests = Experiment.objects.filter(article__in=live, state__in=_LIVE).count()
    return Preview(changed, len(effects) - len(changed), len(live) - len(live[:SHOWN]), tests)


def _in_articles(ids: list[int], piece: Piece, values: Mapping[str, Any], books: dict[str, Book]) -> Iterator[Effect]:
    under_test = _under_test(ids)
    for article in Article.objects.filter(pk__in=ids).select_related("live_revision").order_by("pk"):
        text = Text.of(article.live_revision) if article.live_revision else Text("", "", "")
        before, after = _books(article.locale, piece, values, books)
        old, new = (book.fill(text.title, text.summary, text.body) for book in (before, after))
        lines = _changes([old.title, old.summary, *old.rendered.text.split("\n")],
                         [new.title, new.summary, *new.rendered.text.split("\n")])  # fmt: skip
        is_tested = article.pk in under_test
        yield Effect(_title(article), _url(article), article.locale, lines[:_LINES], is_tested)


def _in_blocks(piece: Piece, values: Mapping[str, Any], books: dict[str, Book]) -> Iterator[Effect]:
    for block in _blocks_with(piece):
        before, after = _books(settings.LANGUAGE_CODE, piece, values, books)
        saying = before.sayings.get((block.sort, block.key))
        old, new = (book.fill("", "", saying.shows if saying else "").rendered.text for book in (before, after))
        lines = _changes(old.split("\n"), new.split("\n"))[:_LINES]
        yield Effect(block.name, reverse("desk:block", args=[block.key]), before.locale, lines)


def _in_places(piece: Piece, values: Mapping[str, Any], books: dict[str, Book]) -> Iterator[Effect]:
    for place in _places_with(piece):
        before, after = _books(place.locale, piece, values, books)
        lines = [line for line in place.lines if (piece.sort, piece.key) in placeholders.mentioned(line)]
        old, new = ([placeholders.fill_line(line, facts=book.facts())[0] for line in lines] for book in (before, after))
        yield Effect(place.label, place.url, place.locale, _changes(old, new)[:_LINES])


def _books(locale: str, piece: Piece, values: Mapping[str, Any], books: dict[str, Book]) -> tuple[Book, Book]:
    if locale not in books:
        books[locale] = facts.book(locale)
    return books[locale], books[locale].with_values(piece, values)


def _changes(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    """Pairs of lines that differ."""
    found: list[tuple[str, str]] = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        before, after = old[i1:i2], new[j1:j2]
        found += zip_longest(before, after, fillvalue="")
    return found


def _live_ids(piece: Piece) -> set[int]:
    return set(piece_uses.seen().filter(piece=piece).values_list("revision__article_id", flat=True))


def _draft_ids(piece: Piece) -> set[int]:
    """Of drafts the text itself is asked: they are saved every few seconds, and uses are looked up now and then."""
    needle = f"{piece.sort}:{piece.key}"
    holds = Q(body__icontains=needle) | Q(summary__icontains=needle) | Q(title__icontains=needle)
    rows = Draft.objects.filter(holds).values_list("article_id", "title", "summary", "body")
    return {pk for pk, *texts in rows.iterator() if (piece.sort, piece.key) in placeholders.mentioned(*texts)}


def _blocks_with(piece: Piece) -> list[Piece]:
    """Blocks in use one of whose texts, now or later, holds the fact."""
    if piece.sort == PieceSort.BLOCK:
        return []
    now = clock.now()
    blocks = Piece.objects.filter(sort=PieceSort.BLOCK, archived_at=None).prefetch_related("versions")
    found = []
    for block in blocks:
        versions = [version for version in block.versions.all() if version.withdrawn_at is None]
        past = [version for version in versions if version.effective_at <= now][:1]
        counted = past + [version for version in versions if version.effective_at > now]
        texts = [text for version in counted for text in version.values.values()]
        if (piece.sort, piece.key) in placeholders.mentioned(*texts):
            found.append(block)
    return found


def _places_with(piece: Piece) -> list[Place]:
    wanted = (piece.sort, piece.key)
    return [
        place for room in facts.ELSEWHERE.values() for place in room() if wanted in placeholders.mentioned(*place.lines)
    ]


def _under_test(ids: list[int]) -> set[int]:
    return set(Experiment.objects.filter(article__in=ids, state__in=_LIVE).values_list("article_id", flat=True))


def _title(article: Article) -> str:
    is_live = article.state == ArticleState.PUBLISHED and article.live_revision is not None
    return article.live_revision.title if is_live and article.live_revision else article.draft.title


def _url(article: Article) -> str:
    return reverse("desk:article-edit", args=[article.pk])

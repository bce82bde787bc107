"""What facts and blocks say, in a language at a moment: the face that other rooms import, and how a text is filled.

A version of a piece holds its values in all languages; the one in force is the latest whose moment has come. In a
language without a value of its own the value of all languages counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from core import clock
from kb import fact_kinds, placeholders
from kb.models import Piece, PieceSort, PieceVersion
from kb.placeholders import BLOCK, FACT, Problem
from kb.rendering import Rendered

EVERYWHERE = ""  # the locale of a value for every language that has none of its own


@dataclass(frozen=True)
class Place:
    """Where a room beside the help centre uses facts: `lines` of text with their placeholders, in `locale`."""

    label: str
    url: str
    locale: str
    lines: tuple[str, ...]


# Where else facts are used, by room; each is filled in by config, which knows every room.
ELSEWHERE: dict[str, Callable[[], Iterable[Place]]] = {}


@dataclass(frozen=True)
class Saying:
    """What one piece says in the book's language, now; and from when on it will say something else."""

    piece: Piece
    version: PieceVersion | None
    shows: str  # plain text, of a block its Markdown; empty where it says nothing
    then: str = ""
    then_at: datetime | None = None


@dataclass(frozen=True)
class Filled:
    """A text as customers read it. `versions` is what it says of each piece, None where there was nothing to say."""

    title: str
    summary: str
    rendered: Rendered
    versions: Mapping[int, int | None]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Book:
    """All facts and blocks, as they are in one language at one moment."""

    locale: str
    at: datetime
    sayings: Mapping[tuple[str, str], Saying] = field(default_factory=dict)

    def facts(self) -> dict[str, str]:
        return {key: saying.shows for (sort, key), saying in self.sayings.items() if sort == FACT}

    def blocks(self) -> dict[str, str]:
        return {key: saying.shows for (sort, key), saying in self.sayings.items() if sort == BLOCK}

    def fill(self, title: str, summary: str, body: str) -> Filled:
        """The text with its values in it. What has none shows nothing, and is among the problems."""
        values = self.facts()
        shown_title, in_title, title_problems = placeholders.fill_line(title, facts=values)
        shown_summary, in_summary, summary_problems = placeholders.fill_line(summary, facts=values)
        filled = placeholders.render(body, facts=values, blocks=self.blocks())
        versions = {}
        for use in in_title | in_summary | filled.used:
            if (saying := self.sayings.get(use)) is not None:
                versions[saying.piece.pk] = saying.version.pk if saying.version and saying.shows else None
        problems = (*title_problems, *summary_problems, *filled.problems)
        return Filled(shown_title, shown_summary, filled.rendered, versions, problems)

    def with_values(self, piece: Piece, values: Mapping[str, Any]) -> Book:
        """The same book if the piece said this."""
        saying = Saying(piece, None, _shown(piece, values, self.locale))
        return Book(self.locale, self.at, {**self.sayings, (piece.sort, piece.key): saying})

    def used_in(self, *texts: str) -> list[Saying]:
        """The pieces that these texts mention, those inside their blocks too; by name."""
        wanted = placeholders.mentioned(*texts)
        blocks = [saying.shows for use in wanted if (saying := self.sayings.get(use)) and use[0] == BLOCK]
        wanted |= placeholders.mentioned(*blocks)
        return sorted((self.sayings[use] for use in wanted if use in self.sayings), key=lambda row: row.piece.name)


def value(key: str, locale: str, at: datetime | None = None) -> str:
    """What the fact says in `locale` at `at` (now); empty where there is no such fact, or it says nothing yet."""
    return values([key], locale, at).get(key, "")


def values(keys: Collection[str], locale: str, at: datetime | None = None) -> dict[str, str]:
    """The same for several facts, in one query; those that say nothing are left out."""
    book = _read(locale, at or clock.now(), Piece.objects.filter(sort=PieceSort.FACT, key__in=keys)) if keys else None
    return {key: shows for key, shows in book.facts().items() if shows} if book else {}


def book(locale: str, *, at: datetime | None = None, with_archived: bool = False) -> Book:
    """Every fact and block that is in use, in one query."""
    pieces = Piece.objects.all() if with_archived else Piece.objects.filter(archived_at=None)
    return _read(locale, at or clock.now(), pieces)


def book_for(*texts: str, locale: str, at: datetime | None = None, with_archived: bool = False) -> Book:
    """What these texts need: a book, or without a query an empty one where they hold no placeholder."""
    at = at or clock.now()
    if placeholders.is_free_of_them(*texts):
        return Book(locale, at)
    wanted = placeholders.mentioned(*texts)
    pieces = Piece.objects.all() if with_archived else Piece.objects.filter(archived_at=None)
    # All facts where a block is among them: which it holds is not known before it is read.
    in_blocks = Q(sort=PieceSort.FACT) if any(sort == BLOCK for sort, _key in wanted) else Q()
    keys = Q(key__in={key for _sort, key in wanted})
    return _read(locale, at, pieces.filter(keys | in_blocks if in_blocks else keys))


def fill(title: str, summary: str, body: str, *, locale: str, at: datetime | None = None) -> Filled:
    """A text as customers would read it at `at` (now)."""
    return book_for(title, summary, body, locale=locale, at=at).fill(title, summary, body)


def in_force(at: datetime) -> QuerySet[PieceVersion]:
    """The version that counts at `at`, of the piece of an outer query's `piece_id`; a subquery of one row."""
    come = PieceVersion.objects.filter(piece=OuterRef("piece_id"), withdrawn_at=None, effective_at__lte=at)
    return come.order_by("-effective_at", "-pk")[:1]


def scheduled(at: datetime) -> QuerySet[PieceVersion]:
    """Versions whose moment has not come, the next one first."""
    return PieceVersion.objects.filter(withdrawn_at=None, effective_at__gt=at).order_by("effective_at", "pk")


def shown(piece: Piece, version: PieceVersion | None, locale: str) -> str:
    """What this version says in `locale`."""
    return _shown(piece, version.values, locale) if version else ""


def _read(locale: str, at: datetime, pieces: QuerySet[Piece]) -> Book:
    """One query: the version in force and those to come."""
    current = in_force(at).values("pk")
    rows = (
        PieceVersion.objects.filter(piece__in=pieces, withdrawn_at=None)
        .filter(Q(effective_at__gt=at) | Q(pk=Subquery(current)))
        .select_related("piece")
        .order_by("piece__name", "piece_id", "effective_at", "pk")
    )
    sayings: dict[tuple[str, str], Saying] = {}
    for piece, versions in _by_piece(rows):
        now = next((version for version in versions if version.effective_at <= at), None)
        then = next((version for version in versions if version.effective_at > at), None)
        sayings[piece.sort, piece.key] = Saying(
            piece,
            now,
            shown(piece, now, locale),
            shown(piece, then, locale),
            then.effective_at if then else None,
        )
    return Book(locale, at, sayings)


def _by_piece(rows: Iterable[PieceVersion]) -> Iterator[tuple[Piece, list[PieceVersion]]]:
    found: dict[int, list[PieceVersion]] = {}
    for row in rows:
        found.setdefault(row.piece_id, []).append(row)
    return ((versions[0].piece, versions) for versions in found.values())


def _shown(piece: Piece, values: Mapping[str, Any], locale: str) -> str:
    own = values.get(locale)
    if own is None:
        own = values.get(EVERYWHERE)
    return "" if own is None else fact_kinds.show(piece.kind, own, locale)

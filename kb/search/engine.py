"""What every search engine of ours can do. Pure: knows no Django, no Whoosh.

An engine ranks documents by their words. What goes beyond one engine's index (meaning, pins, what visitors clicked,
what may be seen right now) is laid over its hits by query.py, the same over every engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Protocol

from kb.search.understanding import NO_SYNONYMS, Synonyms

PUBLIC = "public"


class IndexDamaged(Exception):
    """There is no index, or its files are not as they were written. Rebuild it from the database."""


class EngineUnavailable(Exception):
    """The engine's server does not answer, or answers with an error."""


@dataclass(frozen=True)
class Document:
    """What the index keeps of an article. `version` only grows; an older one never overwrites a newer one."""

    id: int
    version: int
    lang: str
    title: str
    body: str
    category: int = 0
    visibility: str = PUBLIC


def body_of(summary: str, text: str, headings: Iterable[str]) -> str:
    """What is searched as an article's body. Headings come twice: they say what the passage under them is about."""
    return "\n".join(part for part in (summary, text, *headings) if part)


@dataclass(frozen=True)
class SearchRequest:
    """`categories` empty means all. `excluded` ids are never among the hits nor counted.

    `is_verbatim` leaves mistyped words as they are. `max_terms` keeps only so many of the rarest words, for texts far
    longer than a query. `explain` fills Hit.why. A phrase "in quotes" keeps documents that have all of its words; who
    asks checks that they stand side by side (Results.phrases).
    """

    text: str
    lang: str
    k: int = 10
    offset: int = 0
    categories: frozenset[int] = frozenset()
    visibility: frozenset[str] = frozenset({PUBLIC})
    excluded: frozenset[int] = frozenset()
    synonyms: Synonyms = NO_SYNONYMS
    is_verbatim: bool = False
    max_terms: int | None = None
    explain: bool = False


class Hit(NamedTuple):
    """`why` maps each stem that the document was found by to what it adds to the score; empty unless asked for."""

    id: int
    version: int
    score: float
    why: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Results:
    """Best first. `total` counts all documents that share a word with the query and pass its filters.

    `corrected` is the query as it was really run, and empty where that is the query as given. `terms` are the word
    stems that were looked for, to mark them in snippets. `phrases` are the quoted ones, as stems in order. `known` is
    the share (0 to 1) of the query's telling words that the collection knows as they were typed. `counts` tells how
    many of `total` are in each category, category filter aside.
    """

    hits: tuple[Hit, ...]
    total: int
    corrected: str = ""
    terms: frozenset[str] = frozenset()
    phrases: tuple[tuple[str, ...], ...] = ()
    known: float = 1.0
    counts: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Drift:
    """How the index differs from the database: ids that it lacks, has in an old version, has though they are gone."""

    missing: tuple[int, ...] = ()
    stale: tuple[int, ...] = ()
    ghost: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.stale or self.ghost)


@dataclass(frozen=True)
class Stats:
    generation: int
    documents: Mapping[str, int] = field(default_factory=dict)  # by language
    bytes: int = 0
    position: int = 0  # how far into the outbox the index has read


class Engine(Protocol):
    """Writing calls come from one process at a time (indexing.py sees to it); reading ones from any thread.

    Reading calls raise IndexDamaged or EngineUnavailable.
    """

    name: str  # with the version of its ranking, such as "whoosh/3": written beside every logged search

    def index(self, docs: Iterable[Document]) -> int:
        """Take these into the next commit; returns how many were newer than what the index has."""

    def delete(self, ids: Iterable[int]) -> None:
        """Leave these out of the next commit."""

    def commit(self, *, position: int) -> int:
        """Make the changes visible, all at once; returns the new generation. `position` is kept with them."""

    def rebuild(self, docs: Iterable[Document], *, position: int) -> int:
        """A new index in place of the old one, which serves until the swap; returns the new generation."""

    def generation(self) -> int:
        """Grows with every commit; 0 where there is no index."""

    def search(self, request: SearchRequest) -> Results: ...

    def known(self, text: str, lang: str) -> float:
        """The share of the text's telling words that this language's documents have; 0 where it has no document."""

    def suggest(self, prefix: str, lang: str, *, limit: int = 8) -> Sequence[Hit]:
        """Public documents with a word in the title that starts so, for search as one types."""

    def correct(self, text: str, lang: str) -> str:
        """The text with words that the collection does not know replaced by likely ones."""

    def similar(self, id: int, lang: str, *, limit: int = 3) -> Sequence[Hit]:
        """Public documents about the same, without the document itself."""

    def verify(self, versions: Mapping[int, int]) -> Drift:
        """Compare with the database's {id: version} of everything published."""

    def stats(self) -> Stats: ...

    def close(self) -> None: ...

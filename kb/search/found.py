"""What a search gives to pages, the API and the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Result:
    """One answer as a page shows it. `url` is the article's own, in its own language. `why` only where asked for."""

    article_id: int
    title: str
    url: str
    category_name: str
    snippet_html: SafeString
    locale: str = ""
    is_pinned: bool = False
    is_staff_only: bool = False
    score: float = 0.0
    why: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Featured:
    """A passage that clearly answers the query, shown on top. `url` leads to its heading in the article."""

    article_id: int
    title: str
    url: str
    heading: str
    answer_html: SafeString


@dataclass(frozen=True)
class Facet:
    """A category that some of the answers are in."""

    id: int
    slug: str
    name: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Found:
    """What a search found. `total` counts all answers; `corrected` is the query as it was run, where that differs.

    `other_locale` is the language of the answers where that is not the page's. `engine` and `is_fallback` tell who
    answered; `ranking` the arm of the test of learnt ranking ("" where it is off); `error` why there is no answer.
    """

    results: tuple[Result, ...]
    total: int
    corrected: str = ""
    text: str = ""
    key: str = ""
    featured: Featured | None = None
    facets: tuple[Facet, ...] = ()
    other_locale: str = ""
    engine: str = ""
    is_fallback: bool = False
    ranking: str = ""
    took_ms: float = 0.0
    error: str = ""

"""What customers see of search: the page of answers, and the list under a search box."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.utils.translation import get_language, get_language_info
from django.views.decorators.http import require_safe

from core import clock, ratelimit, roles, visitors
from core.events import fire
from kb import addresses, events, live, selectors
from kb.models import CategoryText, SearchKind
from kb.search import log, query, suggest
from kb.search.query import Facet, Found, Result
from kb.views import asking

_SHOWN = 10  # answers a page
_MOST = 10  # pages
_CARRIED = 400  # characters that go along to the contact form
# What one network may ask as it types: a full office's worth, far below what would hurt.
_SUGGESTIONS_A_MINUTE = 1200


@dataclass(frozen=True)
class Asked:
    """What the address of a search page asks for. `page` counts from 1; `search` is the search that it goes on with."""

    text: str
    locale: str
    page: int = 1
    categories: frozenset[int] = frozenset()
    is_verbatim: bool = False
    is_as_customer: bool = False  # staff who want to see what customers see
    search: uuid.UUID | None = None

    @property
    def offset(self) -> int:
        return (self.page - 1) * _SHOWN

    def address(self, **changed: Any) -> str:
        """This search's page with `changed` of its parameters; back on the first page unless `page` is among them."""
        given = {"q": self.text, "in": sorted(self.categories), "verbatim": self.is_verbatim, "lang": self.locale}
        given |= {"as": "customer" if self.is_as_customer else ""} | changed
        if given["lang"] == get_language():
            del given["lang"]
        kept = {name: int(value) if value is True else value for name, value in given.items() if value}
        return f"{addresses.here('help:search')}?{urlencode(kept, doseq=True)}"


@dataclass(frozen=True)
class Answer:
    """One row. `url` tells which search led to the article; `language` names it where it is not the page's."""

    result: Result
    url: str
    language: str


@dataclass(frozen=True)
class Chip:
    """A category to narrow the answers to, or to widen them from."""

    facet: Facet
    url: str


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    asked = _asked(request)
    visitor = visitors.of(request)
    is_staff = not asked.is_as_customer and bool(roles.roles_of(request.user))
    found = query.find(
        asked.text,
        locale=asked.locale,
        k=_SHOWN,
        offset=asked.offset,
        categories=asked.categories,
        is_staff=is_staff,
        is_verbatim=asked.is_verbatim,
        visitor=visitor.id,
        count_categories=True,
    )
    search_id = _record(request, asked, found, visitor)
    context = {
        "query": asked.text[: query.MAX_QUERY],
        "asked": asked,
        "found": found,
        "is_long": len(asked.text) > query.MAX_QUERY,
        "contact_query": f"?{urlencode({'q': asked.text[:_CARRIED]})}" if asked.text else "",
        "kept": [("lang", asked.locale)] if asked.locale != get_language() else [],
        **_answers(asked, found, search_id),
        **_ways_on(asked, found, search_id, is_staff=is_staff),
    }
    return render(request, "help/search.html", context, status=503 if found.error else 200)


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """The list under a search box, as a fragment. 429 where a network asks too often; the box works without."""
    network = ratelimit.network_of(request)
    if network and not ratelimit.allow(
        f"search-suggest:{network}", limit=_SUGGESTIONS_A_MINUTE, per=timedelta(minutes=1)
    ):
        return HttpResponse(status=429, headers={"Retry-After": "30"})
    found = suggest.suggest(_text(request)[: query.MAX_QUERY], locale=get_language())
    context = {
        "queries": [
            {"text": text, "url": f"{addresses.here('help:search')}?{urlencode({'q': text})}"} for text in found.queries
        ],
        "articles": found.articles,
        "number": len(found.queries) + len(found.articles),
    }
    response = render(request, "help/search_suggest.html", context)
    patch_cache_control(response, private=True, max_age=60)
    return response


def _asked(request: HttpRequest) -> Asked:
    """The address read with forbearance: what makes no sense is left out."""
    given = request.GET
    locale = given.get("lang", "")
    return Asked(
        text=_text(request),
        locale=locale if locale and locale in selectors.locales() else get_language(),
        page=min(max(asking.number(given.get("page")), 1), _MOST),
        categories=frozenset(filter(None, map(asking.number, given.getlist("in")[:50]))),
        is_verbatim=given.get("verbatim") == "1",
        is_as_customer=given.get("as") == "customer",
        search=_continued(given.get("s", "")),
    )


def _text(request: HttpRequest) -> str:
    return query.readable(request.GET.get("q", ""))


def _continued(id: str) -> uuid.UUID | None:
    """A made-up id does no harm: a click counts only for who made the search."""
    try:
        return uuid.UUID(id)
    except ValueError:
        return None


def _record(request: HttpRequest, asked: Asked, found: Found, visitor: visitors.Visitor) -> uuid.UUID | None:
    """The id under which this search is logged. To see more of the same is no new search."""
    if not asked.text or request.method != "GET":
        return None
    if asked.page > 1 and asked.search:
        return asked.search
    search_id = log.record(
        found,
        kind=SearchKind.PAGE,
        visitor=visitor.id,
        locale=asked.locale,
        categories=asked.categories,
        is_verbatim=asked.is_verbatim,
    )
    if visitor.id and asked.page == 1 and not asked.categories:
        fire(
            events.searched,
            events.Searched(
                at=clock.now(),
                visitor=visitor.id,
                is_returning=not visitor.is_new,
                query=asked.text[: query.MAX_QUERY],
                locale=asked.locale,
                total=found.total,
                shown=tuple(result.article_id for result in found.results),
                corrected=found.corrected,
                search_id=search_id,
            ),
        )
    return search_id


def _answers(asked: Asked, found: Found, search_id: uuid.UUID | None) -> dict[str, Any]:
    """The rows of the page. The featured answer stands for its article's own row."""
    featured = found.featured if asked.page == 1 else None
    rows = [
        Answer(
            result,
            _with_via(result.url, search_id, asked.offset + place),
            _language_name(result.locale) if result.locale not in ("", get_language()) else "",
        )
        for place, result in enumerate(found.results, start=1)
        if featured is None or result.article_id != featured.article_id
    ]
    return {
        "answers": rows,
        "featured": featured,
        "featured_url": _with_via(featured.url, search_id, 0) if featured else "",
        **_language_of(asked, found),
    }


def _language_of(asked: Asked, found: Found) -> dict[str, Any]:
    """Where the words were another language's: its name, whether the answers are in it too, and the page in it."""
    code = found.other_locale
    if not code:
        return {}
    with translation.override(code):
        is_ours = code in dict(settings.LANGUAGES)
        url = f"{addresses.here('help:search')}?{urlencode({'q': asked.text})}" if is_ours else ""
    return {
        "other_language": _language_name(code),
        "is_translated": not any(result.locale == code for result in found.results),
        "other_url": url,
    }


def _ways_on(asked: Asked, found: Found, search_id: uuid.UUID | None, *, is_staff: bool) -> dict[str, Any]:
    """Where one may go from here: other words, other categories, more answers, another language."""
    # One category alone narrows nothing. Chosen ones stand first: on a phone the row runs out of sight.
    facets = found.facets if len(found.facets) > 1 or asked.categories else ()
    is_more = asked.offset + len(found.results) < found.total and asked.page < _MOST and found.results
    more = {"s": search_id.hex} if search_id else {}
    locales = selectors.locales() if is_staff and asked.text else []
    return {
        "verbatim_url": asked.address(verbatim=True),
        "chips": [
            Chip(facet, asked.address(**{"in": sorted(asked.categories ^ {facet.id})}))
            for facet in sorted(facets, key=lambda facet: not facet.is_chosen)
        ],
        "clear_url": asked.address(**{"in": []}) if asked.categories else "",
        "more_url": asked.address(page=asked.page + 1, **more) if is_more else "",
        "before_url": asked.address(page=asked.page - 1, **more) if asked.page > 1 else "",
        "first": asked.offset + 1,
        "last": asked.offset + len(found.results),
        "languages": [
            {"name": _language_name(code), "url": asked.address(lang=code), "is_chosen": code == asked.locale}
            for code in locales
        ]
        if len(locales) > 1
        else [],
        "categories": [] if found.results else _categories(get_language()),
    }


def _categories(locale: str) -> list[CategoryText]:
    """Every shelf with something on it: counted once, since a shop with many articles waits for that."""
    count = live.count()
    kept = live.shelf.recall(key := ("shelves", locale))
    if kept is None or not kept.is_good(count):
        kept = live.shelf.keep(key, list(selectors.category_texts(locale)), count)
    return cast("list[CategoryText]", kept.facts)


def _with_via(url: str, search_id: uuid.UUID | None, position: int) -> str:
    if search_id is None:
        return url
    path, _, fragment = url.partition("#")
    return f"{path}?via={log.via(search_id, position)}" + (f"#{fragment}" if fragment else "")


def _language_name(code: str) -> str:
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:  # one that Django has no name for
        return code

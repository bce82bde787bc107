"""/api/v1/: search and suggestions for programs. Their shapes are in docs/api.yaml, made from what stands here."""

from __future__ import annotations

from html import unescape
from typing import Any, ClassVar

from django.conf import settings
from django.http import Http404
from django.utils.html import strip_tags
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core import api
from core.api_views import View
from core.models import Scope
from kb.api_shapes import Asked, SearchAsked, SearchShape, SuggestAsked, SuggestShape, problems
from kb.models import Category, SearchKind
from kb.search import log, query, suggest
from kb.search.query import Facet, Featured, Found, Result

_PROBLEMS = problems({400: "A parameter cannot be used; `errors` names it.", 503: "Search cannot answer now."})


class _View(View):
    """What only staff may read needs a key."""

    http_method_names: ClassVar[list[str]] = ["get", "head"]


class Search(_View):
    limit_name, a_minute = "search", 120

    @extend_schema(
        operation_id="search",
        summary="Articles that answer a question, best first",
        description="Public articles for everybody; with a key of scope `search:read` those for staff, too.",
        parameters=[SearchAsked],
        responses={200: SearchShape, **_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        asked = _read(SearchAsked, request)
        is_staff = api.has_scope(request, Scope.SEARCH_READ)
        if asked["explain"] and not is_staff:
            return api.problem(
                403,
                "No permission",
                f"explain: send an API key with the scope {Scope.SEARCH_READ.value}, or leave it out.",
            )
        keys = dict(Category.objects.values_list("pk", "key"))
        categories = _chosen(asked.get("category"), keys)
        found = query.find(
            asked["q"],
            locale=asked["lang"],
            k=asked["limit"],
            offset=asked["offset"],
            categories=categories,
            is_staff=is_staff,
            is_verbatim=asked["verbatim"],
            explain=asked["explain"],
            count_categories=True,
        )
        if not asked["offset"]:  # to see more of the same is no new search
            log.record(
                found,
                kind=SearchKind.API,
                visitor="",
                locale=asked["lang"],
                categories=categories,
                is_verbatim=asked["verbatim"],
            )
        if found.error:
            return api.problem(503, "Search cannot answer now", "Try again in half a minute.", Retry_After="30")
        return Response(_search(found, asked, keys))


class Suggest(_View):
    limit_name, a_minute = "suggest", 600

    @extend_schema(
        operation_id="suggest",
        summary="What a reader may mean who is still typing",
        description="Public articles by the beginnings of their titles' words, and what others searched with success.",
        parameters=[SuggestAsked],
        responses={200: SuggestShape, **{key: value for key, value in _PROBLEMS.items() if key[0] in (400, 401, 429)}},
    )
    def get(self, request: Request) -> Response:
        asked = _read(SuggestAsked, request)
        found = suggest.suggest(asked["q"][: query.MAX_QUERY], locale=asked["lang"])
        return Response(
            {
                "articles": [
                    # Without the mark of who searched: no visitor did.
                    {"id": each.article_id, "title": each.title, "url": _absolute(each.url.partition("?")[0])}
                    for each in found.articles
                ],
                "queries": list(found.queries),
            }
        )


class Unknown(_View):
    """Any other address under /api/v1/: says so as the API says everything."""

    limit_name, a_minute = "unknown", 60
    schema = None

    def get(self, request: Request, rest: str) -> Response:
        raise Http404


def _read(shape: type[Asked], request: Request) -> dict[str, Any]:
    given = shape(data=request.query_params)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _chosen(key: str | None, keys: dict[int, str]) -> frozenset[int]:
    if key is None:
        return frozenset()
    chosen = frozenset(pk for pk, known in keys.items() if known == key)
    if not chosen:
        raise ValidationError(
            {"category": f"There is no such category. Use one of: {', '.join(sorted(keys.values()))}."}
        )
    return chosen


def _search(found: Found, asked: dict[str, Any], keys: dict[int, str]) -> dict[str, Any]:
    return {
        "query": found.text,
        "corrected": found.corrected,
        "lang": asked["lang"],
        "answered_lang": found.other_locale or asked["lang"],
        "total": found.total,
        "featured": _featured(found.featured) if found.featured and not asked["offset"] else None,
        "results": [_result(result, with_why=asked["explain"]) for result in found.results],
        "categories": [_category(facet, keys) for facet in found.facets if facet.id in keys],
        "engine": found.engine,
        "took_ms": round(found.took_ms, 2),
    }


def _result(result: Result, *, with_why: bool) -> dict[str, Any]:
    shown = {
        "id": result.article_id,
        "title": result.title,
        "url": _absolute(result.url),
        "category": result.category_name,
        "lang": result.locale,
        "snippet": unescape(strip_tags(result.snippet_html)),
        "snippet_html": str(result.snippet_html),
        "is_pinned": result.is_pinned,
        "is_staff_only": result.is_staff_only,
    }
    return shown | {"score": result.score, "why": dict(result.why)} if with_why else shown


def _featured(featured: Featured) -> dict[str, Any]:
    return {
        "id": featured.article_id,
        "title": featured.title,
        "url": _absolute(featured.url),
        "heading": featured.heading,
        "answer_html": str(featured.answer_html),
    }


def _category(facet: Facet, keys: dict[int, str]) -> dict[str, Any]:
    return {"key": keys[facet.id], "name": facet.name, "count": facet.count}


def _absolute(path: str) -> str:
    return f"{settings.SITE_URL}{path}"

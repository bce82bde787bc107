"""/api/v1/: search and suggestions for programs. Their shapes are in docs/api.yaml, made from what stands here."""

from __future__ import annotations

from html import unescape
from typing import Any, ClassVar

from django.conf import settings
from django.http import Http404
from django.utils import translation
from django.utils.html import strip_tags
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import api
from core.models import Scope
from kb.models import Category, SearchKind
from kb.search import log, query, suggest
from kb.search.query import Facet, Featured, Found, Result

_LONGEST = 2_000  # characters of a query
_MOST = 50  # answers at once
_DEEPEST = 1_000  # answers that can be paged through


# --- What may be asked ---


class _Asked(serializers.Serializer[Any]):
    q = serializers.CharField(
        max_length=_LONGEST,
        help_text="What to search for, in the reader's own words.",
        error_messages={
            "required": "Say what to search for, such as ?q=late+parcel.",
            "blank": "Say what to search for, such as ?q=late+parcel.",
            "max_length": f"Send at most {_LONGEST:,} characters.",
        },
    )
    lang = serializers.CharField(
        required=False, help_text="The reader's language, one of the site's. Without it the site's own."
    )

    def validate_lang(self, lang: str) -> str:
        known = [code for code, _name in settings.LANGUAGES]
        if lang.lower() not in known:
            raise ValidationError(f"This site does not have that language. Use one of: {', '.join(known)}.")
        return lang.lower()

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"lang": settings.LANGUAGE_CODE} | given


class SearchAsked(_Asked):
    category = serializers.CharField(
        required=False, help_text="Only answers of this category, by its key, such as `delivery`."
    )
    limit = serializers.IntegerField(min_value=1, max_value=_MOST, default=10)
    offset = serializers.IntegerField(min_value=0, max_value=_DEEPEST, default=0, help_text="Answers to leave out.")
    verbatim = serializers.BooleanField(default=False, help_text="Correct nothing.")
    explain = serializers.BooleanField(
        default=False, help_text="Tell by which stems each answer was found. Needs a key with `search:read`."
    )


class SuggestAsked(_Asked):
    pass


# --- What is answered ---


class ResultShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    url = serializers.URLField()
    category = serializers.CharField(help_text="Its name, in the reader's language.")
    lang = serializers.CharField()
    snippet = serializers.CharField(help_text="The passage that answers, as plain text.")
    snippet_html = serializers.CharField(help_text="The same, made safe, with the words marked by <mark>.")
    is_pinned = serializers.BooleanField(help_text="Put on top by an editor.")
    is_staff_only = serializers.BooleanField()
    score = serializers.FloatField(required=False, help_text="Only with explain.")
    why = serializers.DictField(
        child=serializers.FloatField(), required=False, help_text="What each stem adds to the score. Only with explain."
    )


class FeaturedShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    url = serializers.URLField(help_text="Leads to the passage.")
    heading = serializers.CharField()
    answer_html = serializers.CharField()


class CategoryShape(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="For the parameter `category`.")
    name = serializers.CharField()
    count = serializers.IntegerField()


class SearchShape(serializers.Serializer[Any]):
    query = serializers.CharField()
    corrected = serializers.CharField(help_text="The query as it was run, where that differs; else empty.")
    lang = serializers.CharField()
    answered_lang = serializers.CharField(help_text="The language of the answers; the query's, where it has answers.")
    total = serializers.IntegerField()
    featured = FeaturedShape(allow_null=True, help_text="A passage that clearly answers the query.")
    results = ResultShape(many=True)
    categories = CategoryShape(many=True, help_text="How many answers each category has, without the filter.")
    engine = serializers.CharField()
    took_ms = serializers.FloatField()


class SuggestedArticle(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    url = serializers.URLField()


class SuggestShape(serializers.Serializer[Any]):
    articles = SuggestedArticle(many=True)
    queries = serializers.ListField(child=serializers.CharField(), help_text="What others searched with success.")


class ProblemError(serializers.Serializer[Any]):
    parameter = serializers.CharField()
    problem = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do.")
    errors = ProblemError(many=True, required=False)


_PROBLEMS = {
    (status, api.PROBLEM): OpenApiResponse(Problem, description=description)
    for status, description in (
        (400, "A parameter cannot be used; `errors` names it."),
        (401, "The API key is not known or has been revoked."),
        (403, "The API key lacks the scope, or there is none."),
        (429, "Too many requests; wait for Retry-After seconds."),
        (503, "Search cannot answer now."),
    )
}


class _View(APIView):
    """Open to everybody; what only staff may read needs a key. In English whatever the reader's browser speaks."""

    permission_classes = [api.Everybody]
    throttle_classes = [api.Limit]
    http_method_names: ClassVar[list[str]] = ["get", "head"]
    limit_name: ClassVar[str]
    a_minute: ClassVar[int]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with translation.override("en"):
            return super().dispatch(request, *args, **kwargs)


class Search(_View):
    limit_name, a_minute = "search", 120

    @extend_schema(
        operation_id="search",
        summary="Articles that answer a question, best first",
        parameters=[SearchAsked],
        responses={200: SearchShape, **_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        asked = _read(SearchAsked, request)
        is_staff = api.has_scope(request, Scope.SEARCH_READ)
        if asked["explain"] and not is_staff:
            return api.problem(
                403, "No permission", f"explain: send an API key with the scope {Scope.SEARCH_READ.value}, or leave it out."
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


def _read(shape: type[_Asked], request: Request) -> dict[str, Any]:
    given = shape(data=request.query_params)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _chosen(key: str | None, keys: dict[int, str]) -> frozenset[int]:
    if key is None:
        return frozenset()
    chosen = frozenset(pk for pk, known in keys.items() if known == key)
    if not chosen:
        raise ValidationError({"category": f"There is no such category. Use one of: {', '.join(sorted(keys.values()))}."})
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

"""What may be asked of /api/v1/, and the shapes of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from core import api

_LONGEST = 2_000  # characters of a query
_MOST = 50  # answers at once
_DEEPEST = 1_000  # answers that can be paged through
# --- What may be asked ---


class Asked(serializers.Serializer[Any]):
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


class SearchAsked(Asked):
    category = serializers.CharField(
        required=False, help_text="Only answers of this category, by its key, such as `delivery`."
    )
    limit = serializers.IntegerField(min_value=1, max_value=_MOST, default=10)
    offset = serializers.IntegerField(min_value=0, max_value=_DEEPEST, default=0, help_text="Answers to leave out.")
    verbatim = serializers.BooleanField(default=False, help_text="Correct nothing.")
    explain = serializers.BooleanField(
        default=False, help_text="Tell by which stems each answer was found. Needs a key with `search:read`."
    )


class SuggestAsked(Asked):
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


_OF_KEYS = {
    401: "The API key is not known or has been revoked.",
    403: "The API key lacks the scope, or there is none.",
    429: "Too many requests; wait for Retry-After seconds.",
}


def problems(own: Mapping[int, str] | None = None) -> dict[tuple[int, str], OpenApiResponse]:
    """For an endpoint's documentation: the refusals that keys and limits bring about, and its `own`, by status."""
    said = sorted({**_OF_KEYS, **(own or {})}.items())
    return {(status, api.PROBLEM): OpenApiResponse(Problem, description=text) for status, text in said}

"""What is asked of OpenSearch: the query language's JSON for weighted stems. Pure.

Lucene's BM25 leaves out the factor k1 + 1, which a boost puts back: scores are of the same size as the other engines'.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kb.search import scoring
from kb.search.engine import PUBLIC, SearchRequest
from kb.search.opensearch_template import token
from kb.search.understanding import STOP_IN_TITLE, Term, Understood

Json = dict[str, Any]

WINDOW = 10_000  # as deep as a server lets us look (index.max_result_window)
_BY_SCORE = [{"_score": "desc"}, {"id": "asc"}]
_CANDIDATES = 50  # of a word's beginning, before their order is made
_FIELDS = ["id", "version"]


def ranked(request: SearchRequest, understood: Understood, terms: Mapping[Term, float]) -> Json:
    """The search itself. The category filter comes after the counting, so that counts are without it."""
    start = min(request.offset, WINDOW)
    return {
        "query": {
            "bool": {
                **_any(terms),
                "filter": [
                    {"terms": {"visibility": sorted(request.visibility)}},
                    *(_has(stem) for stem in sorted({stem for phrase in understood.phrases for stem in phrase})),
                ],
                "must_not": [{"terms": {"id": sorted(request.excluded)}}] if request.excluded else [],
            }
        },
        **({"post_filter": {"terms": {"category": sorted(request.categories)}}} if request.categories else {}),
        "aggs": {"categories": {"terms": {"field": "category", "size": 1000}}},
        "from": start,
        "size": min(request.k, WINDOW - start),
        "sort": _BY_SCORE,
        "track_total_hits": True,
        "_source": False,
        "docvalue_fields": _FIELDS,
    }


def shares(terms: Mapping[Term, float], ids: Collection[int]) -> list[Json]:
    """For each term what it alone adds to the score of these documents, in the order of `terms`."""
    return [
        {
            "query": {"bool": {**_any({term: weight}), "filter": [{"terms": {"id": sorted(ids)}}]}},
            "size": len(ids),
            "_source": False,
            "docvalue_fields": ["id"],
        }
        for term, weight in terms.items()
    ]


def public(terms: Mapping[Term, float], *, size: int, without: int) -> Json:
    """Public documents with any of the terms, best first."""
    return {
        "query": {
            "bool": {
                **_any(terms),
                "filter": [{"term": {"visibility": PUBLIC}}],
                "must_not": [{"term": {"id": without}}],
            }
        },
        "size": size,
        "sort": _BY_SCORE,
        "_source": False,
        "docvalue_fields": _FIELDS,
    }


def starting(prefix: str, terms: Mapping[Term, float]) -> Json:
    """Public documents with a word of the title that begins so and, where there are terms, with any of them."""
    return {
        "query": {
            "bool": {
                "filter": [{"term": {"visibility": PUBLIC}}, {"prefix": {"starts": {"value": prefix}}}],
                "must": [{"bool": _any(terms)}] if terms else [],
                "should": [{"prefix": {"first": {"value": prefix}}}],  # a title that begins so is worth 1 more
            }
        },
        "size": _CANDIDATES,
        "sort": _BY_SCORE,
        "_source": ["starts"],
        "docvalue_fields": _FIELDS,
    }


def lexicon(after: Json | None) -> Json:
    """A page of the words of a language, each with how many documents hold it."""
    words: Json = {"size": WINDOW, "sources": [{"word": {"terms": {"field": "words"}}}]}
    return {
        "size": 0,
        "track_total_hits": True,
        "aggs": {"words": {"composite": words | ({"after": after} if after else {})}},
    }


def _any(terms: Mapping[Term, float]) -> Json:
    """At least one of the terms, each worth its weight."""
    clauses = [
        {"term": {field: {"value": token(term.stem), "boost": boost}}}
        for term, weight in terms.items()
        for field, field_weight in scoring.FIELD_WEIGHTS.items()
        if (boost := weight * field_weight * (scoring.K1 + 1) * _of_stop_word(term, field)) > 0
    ]
    return {"should": clauses, "minimum_should_match": 1}


def _of_stop_word(term: Term, field: str) -> float:
    if not term.is_minor:
        return 1.0
    return STOP_IN_TITLE if field == "title" else 0.0


def _has(stem: str) -> Json:
    fields = [{"term": {field: token(stem)}} for field in scoring.FIELD_WEIGHTS]
    return {"bool": {"should": fields, "minimum_should_match": 1}}

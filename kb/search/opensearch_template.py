"""How an article lies in OpenSearch: the index template, and a document from ours. Pure.

The stems are ours (analysis.py), sent as tokens between spaces: so every engine reads a text the same way, codes such
as 5.7.134 stay whole, and one template serves every language.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from kb.search import analysis, scoring
from kb.search.engine import Document

_LONGEST_WORD = 64  # letters; nothing longer is corrected to or begun with
_LONGEST_TOKEN = 255
_GIST_WORDS = 40  # of a document's own stems are kept to find similar ones

SETTINGS: dict[str, Any] = {
    "number_of_shards": 1,  # the statistics behind BM25 are a shard's own
    "auto_expand_replicas": "0-1",
    "refresh_interval": "-1",  # a commit shows its changes, and nothing else does
    # A deletion is remembered so long, so that a slow writer cannot bring the article back.
    "gc_deletes": "1h",
    "similarity": {"help": {"type": "BM25", "k1": scoring.K1, "b": scoring.B}},
    "analysis": {"analyzer": {"stems": {"type": "custom", "tokenizer": "whitespace"}}},
}
_STEMS = {"type": "text", "analyzer": "stems", "similarity": "help", "index_options": "freqs"}
_WORDS = {"type": "keyword", "ignore_above": _LONGEST_WORD}
MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "id": {"type": "long"},
        "version": {"type": "long"},
        "lang": {"type": "keyword"},
        "category": {"type": "long"},
        "visibility": {"type": "keyword"},
        "title": _STEMS,
        "body": _STEMS,
        "words": _WORDS,  # each once, as written: the lexicon
        "starts": _WORDS,  # the title's, in order: what is suggested as one types
        "first": _WORDS,  # of them
        "gist": {"type": "object", "enabled": False},
    },
}


def template(prefix: str) -> dict[str, Any]:
    """The index template of every index that holds articles."""
    return {
        "index_patterns": [f"{prefix}-docs-*"],
        "template": {"settings": SETTINGS, "mappings": MAPPINGS},
        "_meta": {"description": "Preempt's help articles; see kb/search/opensearch_template.py"},
    }


def source(doc: Document) -> dict[str, Any]:
    """A document as it is sent to the server."""
    language = analysis.for_language(doc.lang)
    starts = language.words(doc.title)
    return {
        "id": doc.id,
        "version": doc.version,
        "lang": doc.lang,
        "category": doc.category,
        "visibility": doc.visibility,
        "title": " ".join(map(token, language.stems(doc.title))),
        "body": " ".join(map(token, language.stems(doc.body))),
        "words": sorted({*language.words(doc.title), *language.words(doc.body)}),
        "starts": starts,
        "first": starts[:1],
        "gist": _gist(doc),
    }


def token(stem: str) -> str:
    """A stem as it stands in the index. The tokeniser would cut a longer one into several."""
    if len(stem) <= _LONGEST_TOKEN:
        return stem
    return hashlib.sha256(stem.encode()).hexdigest()


def _gist(doc: Document) -> dict[str, int]:
    """The document's most frequent telling stems and how often it has them; a title's words count three times."""
    language = analysis.for_language(doc.lang)
    counts = Counter(
        language.stem(word)
        for word in [*language.words(doc.title) * 3, *language.words(doc.body)]
        # Words of two letters tell little, but of two signs (Chinese, Japanese, Korean) they are the usual ones.
        if (len(word) > 2 or not word.isascii()) and not language.is_stop(word) and not word.isdigit()
    )
    return dict(counts.most_common(_GIST_WORDS))

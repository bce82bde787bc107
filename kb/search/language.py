"""One language of the index as it is searched: words understood, documents ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kb.search import analysis, scoring
from kb.search.engine import PUBLIC, Hit, Results, SearchRequest
from kb.search.impacts import ImpactCache
from kb.search.lexicon import Lexicon
from kb.search.scoring import Filters
from kb.search.segments import Floats, Held, Ints
from kb.search.understanding import Term, Understood, understand

_GIST_USED = 10  # of a document's most frequent words serve to find similar ones
_ANYBODY = Filters(visibility=frozenset({PUBLIC}))


class Language:
    """One language of one generation, read-only. Thread-safe."""

    def __init__(self, held: Sequence[Held], lang: str, cache: ImpactCache) -> None:
        self.analysis = analysis.for_language(lang)
        self.held = held
        self.collection = scoring.Collection(held, cache)
        self.lexicon = Lexicon([one.segment.words for one in held], lang, knows=self.collection.has)

    def understand(self, request: SearchRequest) -> Understood:
        return understand(request.text, self.analysis, self.lexicon, request.synonyms, is_verbatim=request.is_verbatim)

    def known(self, text: str) -> float:
        """See engine.Engine; 0 where there is no document."""
        if not self.collection.count:
            return 0.0
        return understand(text, self.analysis, self.lexicon, is_verbatim=True).known

    def search(self, request: SearchRequest) -> Results:
        understood = self.understand(request)
        terms = understood.terms
        if request.max_terms is not None and len(terms) > request.max_terms:
            terms = self._rarest(terms, request.max_terms)
        filters = Filters(
            visibility=request.visibility,
            categories=request.categories,
            excluded=request.excluded,
            required=frozenset(stem for phrase in understood.phrases for stem in phrase)
            if understood.phrases
            else frozenset(),
        )
        ranked = self.collection.top(terms, request.offset + request.k, filters)
        numbers = ranked.numbers[request.offset :]
        hits = self._hits(numbers, ranked.scores[request.offset :])
        if request.explain:
            hits = [
                hit._replace(why=self.collection.why(terms, number))
                for hit, number in zip(hits, numbers.tolist(), strict=True)
            ]
        return Results(
            hits=tuple(hits),
            total=ranked.total,
            corrected=understood.corrected,
            terms=understood.meant,
            phrases=understood.phrases,
            known=understood.known,
            counts=ranked.counts,
        )

    def versions(self) -> dict[int, int]:
        """{id: version} of every live document."""
        live = self.collection.is_live
        return dict(zip(self.collection.ids[live].tolist(), self.collection.versions[live].tolist(), strict=True))

    def similar(self, id: int, limit: int) -> list[Hit]:
        """Public documents about the same."""
        if (number := self.collection.number(id)) < 0:
            return []
        segment, offset = next(
            (one.segment, offset)
            for one, offset in zip(self.held, self.collection.offsets, strict=False)
            if number < offset + len(one.segment)
        )
        gist = segment.gist(number - offset)
        frequencies = {stem: self.collection.rough_frequency(stem) for stem, _ in gist}
        weighed = {
            Term(stem): count * scoring.idf(self.collection.count, frequencies[stem])
            for stem, count in gist
            if frequencies[stem] > 1  # a word of this document alone leads nowhere
        }
        strongest = dict(sorted(weighed.items(), key=lambda item: -item[1])[:_GIST_USED])
        ranked = self.collection.top(strongest, limit + 1, _ANYBODY)
        others = ranked.numbers != number
        return self._hits(ranked.numbers[others][:limit], ranked.scores[others])

    def suggest(self, prefix: str, limit: int) -> list[Hit]:
        """Public documents with a word in the title that starts like the last one, and any of the words before it."""
        *others, last = self.analysis.words(prefix) or [""]
        if not last:
            return []
        scores = np.zeros(len(self.collection.ids), np.float32)
        for one, offset in zip(self.held, self.collection.offsets, strict=False):
            numbers, places = one.segment.title_words_starting_with(last)
            # The earlier in the title, the better; of two such words in one title the earlier counts.
            np.maximum.at(scores, numbers.astype(np.int64) + offset, 1 / (1 + places.astype(np.float32)))
        if others:
            terms = understand(" ".join(others), self.analysis, self.lexicon, is_verbatim=True).terms
            before = self.collection.scores(terms)[: len(scores)]
            scores = np.where((scores > 0) & (before > 0), scores + before, np.float32(0))
        best = self.collection.best(scores, limit, _ANYBODY)
        return self._hits(best.numbers, best.scores)

    def _rarest(self, terms: Mapping[Term, float], count: int) -> dict[Term, float]:
        """The `count` terms that tell documents apart best; words that no document has tell nothing."""
        telling = [term for term in terms if not term.is_minor and self.collection.has(term.stem)]
        telling.sort(key=lambda term: self.collection.rough_frequency(term.stem))
        return {term: terms[term] for term in telling[:count]}

    def _hits(self, numbers: Ints, scores: Floats) -> list[Hit]:
        ids, versions = self.collection.ids[numbers].tolist(), self.collection.versions[numbers].tolist()
        return list(map(Hit, ids, versions, scores.tolist()))

"""A query's text → the weighted stems to look for. Pure, and the same for every engine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kb.search.analysis import Analysis

SYNONYM_WEIGHT = 0.5
COMPOUND_WEIGHT = 0.5  # of a compound's part, and of a compound that the query's word is part of
STOP_IN_TITLE = 0.5  # what a stop word in a title is worth, beside telling words of the query
FIRST_GUESS = 0.8  # the least weight of a first guess at a mistyped word
_MOST_GUESSED = 12  # unknown words of a query that are corrected: in a text with more, they are no slips
_MOST_WORDS = 300  # different ones, and
_MOST_READ = 4_000  # characters of a text are looked at: what follows changes nothing but the time
_LONGEST_PHRASE = 12  # stems: what is longer in quotes is a quotation in a message, not a phrase to be found
_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]+)["“”„«»]')


class Term(NamedTuple):
    """A stem as a query uses it. `is_minor`: a stop word beside telling words, which counts in titles only."""

    stem: str
    is_minor: bool = False


class Lexicon(Protocol):
    """The words that one language's documents hold now."""

    def knows(self, stem: str) -> bool:
        """Whether a document has this stem."""

    def guess(self, word: str) -> Sequence[tuple[str, float]]:
        """Likely words for a mistyped one, best first, each with its weight for a search; empty where none is near."""

    def compounds(self, word: str) -> Sequence[str]:
        """Words that this one is the head or the first part of (de, nl …); empty where words do not join."""

    def parts(self, word: str) -> Sequence[str]:
        """The known words that a compound is made of; empty where it is none."""


class Synonyms:
    """A locale's synonyms: from one run of words to others, each as its own analysis reads it."""

    def __init__(self, pairs: Iterable[tuple[str, str]], language: Analysis) -> None:
        self._alternatives: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for source, target in pairs:
            key, alternative = tuple(language.stems(source)), tuple(language.stems(target))
            if key and alternative and key != alternative:
                self._alternatives.setdefault(key, []).append(alternative)
        self._longest = max(map(len, self._alternatives), default=0)

    def of(self, stems: Sequence[str]) -> list[str]:
        """The stems of every alternative to a run of these stems."""
        found: list[str] = []
        for length in range(1, min(self._longest, len(stems)) + 1):
            for start in range(len(stems) - length + 1):
                for alternative in self._alternatives.get(tuple(stems[start : start + length]), ()):
                    found += alternative
        return found


class _NoSynonyms(Synonyms):
    def __init__(self) -> None:
        self._alternatives, self._longest = {}, 0


NO_SYNONYMS: Synonyms = _NoSynonyms()


@dataclass(frozen=True)
class Understood:
    """`terms` to look for and their weights; `meant` those of them to mark in texts; `phrases` the quoted, as stems.

    `corrected` is empty where nothing was. `known` is the share of telling words known as typed, 1 where there is none.
    """

    terms: Mapping[Term, float]
    meant: frozenset[str]
    phrases: tuple[tuple[str, ...], ...]
    corrected: str
    known: float


def understand(
    text: str, language: Analysis, lexicon: Lexicon, synonyms: Synonyms = NO_SYNONYMS, *, is_verbatim: bool = False
) -> Understood:
    """Correct, expand and weigh the words of a query. Words inside quotes are never corrected."""
    quotations = (tuple(language.stems(quoted)) for quoted in _QUOTED.findall(text[:_MOST_READ]))
    phrases = tuple(stems for stems in quotations if 0 < len(stems) <= _LONGEST_PHRASE)
    quoted_stems = {stem for phrase in phrases for stem in phrase}
    tokens = language.tokens(text[:_MOST_READ])
    weights: dict[str, float] = {}
    first: dict[str, str] = {}  # each word as typed: as understood, by its best guess
    corrected, last = "", 0
    telling = known = guessed = 0
    for token in tokens:
        word = token.word
        if word not in first:
            if len(first) == _MOST_WORDS:
                break
            is_stop = language.is_stop(word)
            is_known = is_stop or lexicon.knows(language.stem(word))
            if not is_stop and not token.is_extra:
                telling += 1
                known += is_known
            is_as_meant = is_known or token.is_extra or is_verbatim or language.stem(word) in quoted_stems
            guesses = [] if is_as_meant or guessed >= _MOST_GUESSED else lexicon.guess(word)
            guessed += not is_as_meant
            if guesses and language.is_stop(guesses[0][0]):
                guesses = []  # a mistyped "what" tells nothing
            if not is_known and not guesses:
                for part in lexicon.parts(word):
                    weights[part] = max(COMPOUND_WEIGHT, weights.get(part, 0.0))
            for guess, weight in guesses or [(word, 1.0)]:
                weights[guess] = max(weight, weights.get(guess, 0.0))
            first[word] = guesses[0][0] if guesses else word
        if first[word] != word:
            corrected += text[last : token.start] + first[word]
            last = token.end
    if last:
        corrected += text[last:]
    for word in first.values():
        for compound in lexicon.compounds(word):
            weights[compound] = max(COMPOUND_WEIGHT, weights.get(compound, 0.0))
    has_content = any(not language.is_stop(word) for word in weights)
    terms: dict[Term, float] = {}
    for word, weight in weights.items():
        if stem := language.stem(word):
            term = Term(stem, is_minor=has_content and language.is_stop(word))
            terms[term] = max(weight, terms.get(term, 0.0))
    for stem in synonyms.of([language.stem(first[token.word]) for token in tokens if token.word in first]):
        terms.setdefault(Term(stem), SYNONYM_WEIGHT)
    return Understood(
        terms=terms,
        # Marked in snippets: what was meant, not the second guesses.
        meant=frozenset(term.stem for term, weight in terms.items() if weight >= FIRST_GUESS and not term.is_minor),
        phrases=phrases,
        corrected=corrected,
        known=known / telling if telling else 1.0,
    )

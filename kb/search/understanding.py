"""A query's text → the weighted stems to look for. Pure, and the same for every engine."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kb.search.analysis import LONGEST_QUERY, Analysis, Token

SYNONYM_WEIGHT = 0.5
COMPOUND_WEIGHT = 0.5  # of a compound's part, and of a compound that the query's word is part of
STOP_IN_TITLE = 0.5  # what a stop word in a title is worth, beside telling words of the query
FIRST_GUESS = 0.8  # the least weight of a first guess at a mistyped word
_MOST_GUESSED = 12  # unknown words of a query that are corrected: in a text with more, they are no slips
_MOST_WORDS = 300  # different ones are looked at
_LONGEST_PHRASE = 12  # stems: what is longer in quotes is a quotation in a message, not a phrase to be found
_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]+)["“”„«»]')


class Term(NamedTuple):
    """A stem as a query uses it. `is_minor`: a stop word beside telling words, which counts in titles only."""

    stem: str
    is_minor: bool = False


class Lexicon(Protocol):
    """The words that one language's documents hold now. `joins`: whether the language writes compounds as one word."""

    joins: bool

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

    def __bool__(self) -> bool:
        return bool(self._alternatives)

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
    read = text[:LONGEST_QUERY]
    quotations = (tuple(language.stems(quoted)) for quoted in _QUOTED.findall(read))
    phrases = tuple(stems for stems in quotations if 0 < len(stems) <= _LONGEST_PHRASE)
    quoted_stems = {stem for phrase in phrases for stem in phrase}
    stem_of, stop_words, knows = language.stem, language.stop_words, lexicon.knows
    weights: dict[str, float] = {}
    instead: dict[str, str] = {}  # of a mistyped word, its best guess
    telling = known = guessed = 0
    words = language.distinct(read)
    for word, is_extra in itertools.islice(words.items(), _MOST_WORDS):
        if word in stop_words:
            weights[word] = 1.0
            continue
        stem = stem_of(word)
        is_known = knows(stem)
        if not is_extra:
            telling += 1
            known += is_known
        if is_known or is_extra or is_verbatim or stem in quoted_stems:
            guesses: Sequence[tuple[str, float]] = ()
        else:
            guesses = lexicon.guess(word) if guessed < _MOST_GUESSED else ()
            guessed += 1
            if guesses and guesses[0][0] in stop_words:
                guesses = ()  # a mistyped "what" tells nothing
        if guesses:
            instead[word] = guesses[0][0]
            for guess, weight in guesses:
                weights[guess] = max(weight, weights.get(guess, 0.0))
        else:
            weights[word] = 1.0
            if not is_known:
                for part in lexicon.parts(word):
                    weights[part] = max(COMPOUND_WEIGHT, weights.get(part, 0.0))
    if lexicon.joins:
        for word in itertools.islice(words, _MOST_WORDS):
            for compound in lexicon.compounds(instead.get(word, word)):
                weights[compound] = max(COMPOUND_WEIGHT, weights.get(compound, 0.0))
    has_content = not stop_words.issuperset(weights)
    terms: dict[Term, float] = {}
    for word, weight in weights.items():
        if stem := stem_of(word):
            term = Term(stem, has_content and word in stop_words)
            terms[term] = max(weight, terms[term]) if term in terms else weight
    if synonyms:
        typed = (token.word for token in language.tokens(read))
        for stem in synonyms.of([stem_of(instead.get(word, word)) for word in typed]):
            terms.setdefault(Term(stem), SYNONYM_WEIGHT)
    return Understood(
        terms=terms,
        # Marked in snippets: what was meant, not the second guesses.
        meant=frozenset([term.stem for term, weight in terms.items() if weight >= FIRST_GUESS and not term.is_minor]),
        phrases=phrases,
        corrected=_corrected(text, language.tokens(read), instead) if instead else "",
        known=known / telling if telling else 1.0,
    )


def _corrected(text: str, tokens: Iterable[Token], instead: Mapping[str, str]) -> str:
    """The text with the best guess in place of each mistyped word."""
    corrected, last = "", 0
    for token in tokens:
        if token.word in instead:
            corrected += text[last : token.start] + instead[token.word]
            last = token.end
    return corrected + text[last:]

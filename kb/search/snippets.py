"""The sentences of a text that answer a query best, with its words marked. Pure; what comes out is safe HTML."""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from kb.search import analysis
from kb.search.passages import Block, passages

_LENGTH = 200  # characters; a little more where a sentence ends there
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
_IN_HEADING = 0.6  # what a word is worth that the heading has and the sentences have not
_AT_START = 0.5  # more, where the first sentence has it
_LATER = 0.01  # less, for each sentence before


@dataclass(frozen=True)
class _Sentence:
    """`stems` are all its stems, stop words' too. `part` numbers the passage that it stands in."""

    text: str
    stems: frozenset[str]
    part: int = 0
    heading: str = ""
    heading_stems: frozenset[str] = frozenset()


def snippet(text: str, terms: Set[str], *, lang: str, length: int = _LENGTH) -> str:
    """About `length` characters of plain `text` around the words whose stems are `terms`; else its beginning."""
    return _chosen(_plain_sentences(text, lang), terms, lang, length)


def best(article_html: str, terms: Set[str], *, lang: str, length: int = _LENGTH) -> str:
    """The same of an article's frozen HTML; a heading that has words of the query leads its sentences in."""
    return _chosen(_sentences(article_html, lang), terms, lang, length)


def holds(text: str, terms: Set[str], *, lang: str) -> bool:
    """Whether the text has all of the words whose stems are `terms`."""
    return bool(text) and terms <= _stems(text, lang)


def _chosen(sentences: Sequence[_Sentence], terms: Set[str], lang: str, length: int) -> str:
    if not sentences:
        return ""
    found = [sentence.stems & terms for sentence in sentences]
    # A word that stands everywhere in the article does not tell where the answer is.
    weight = {term: 1 / (1 + math.log(count)) for term, count in Counter(t for met in found for t in met).items()}
    best_start, best_score = 0, -1.0
    for start, sentence in enumerate(sentences):
        if not found[start] and not sentence.heading_stems & terms:
            continue  # what follows it is better quoted from its own beginning
        end = start + _window(sentences, start, length)
        met = frozenset().union(*found[start:end])
        led_in = (sentence.heading_stems & terms) - met
        score = sum(weight[term] for term in met) + _AT_START * sum(weight[term] for term in found[start])
        score += _IN_HEADING * sum(weight.get(term, 1.0) for term in led_in) - _LATER * min(start, 40)
        if score > best_score:
            best_start, best_score = start, score
    window = sentences[best_start : best_start + _window(sentences, best_start, length)]
    language = analysis.for_language(lang)
    body = _cut(_joined([sentence.text for sentence in window]), terms, language, length)
    heading = window[0].heading
    if heading and window[0].heading_stems & terms - frozenset().union(*(sentence.stems for sentence in window)):
        body = f"{heading.rstrip('.:')}{'' if heading[-1] in '?!？！' else ':'} {body}"
    return _marked(body, terms, language)


@lru_cache(maxsize=2048)  # summaries, a few hundred bytes each
def _stems(text: str, lang: str) -> frozenset[str]:
    return frozenset(analysis.for_language(lang).stems(text))


@lru_cache(maxsize=256)  # an article quoted once will be again; a few tens of kilobytes each
def _sentences(article_html: str, lang: str) -> tuple[_Sentence, ...]:
    language = analysis.for_language(lang)
    found = []
    for part, passage in enumerate(passages(article_html)):
        heading_stems = frozenset(language.stems(passage.heading))
        for block in passage.blocks:
            found += [
                _Sentence(text, frozenset(language.stems(text)), part, passage.heading, heading_stems)
                for text in _texts(block)
            ]
    return tuple(found)


def _plain_sentences(text: str, lang: str) -> list[_Sentence]:
    language = analysis.for_language(lang)
    return [_Sentence(part, frozenset(language.stems(part))) for part in _split(text)]


def _texts(block: Block) -> list[str]:
    """A block's sentences; the steps of a numbered list with their numbers."""
    if block.tag == "ol":
        return [f"{number}. {line}" for number, line in enumerate(block.lines, start=1)]
    return [sentence for line in block.lines for sentence in _split(line)]


def _split(text: str) -> list[str]:
    return [sentence for part in _SENTENCE.split(text) if (sentence := part.strip())]


def _window(sentences: Sequence[_Sentence], start: int, length: int) -> int:
    """How many sentences from `start` on fit, all under one heading; at least one."""
    first = sentences[start]
    size, count = len(first.text), 1
    while start + count < len(sentences):
        following = sentences[start + count]
        if following.part != first.part or size + 1 + len(following.text) > length:
            break
        size += 1 + len(following.text)
        count += 1
    return count


def _joined(sentences: Sequence[str]) -> str:
    """List items and table rows end without a stop; a dot keeps them apart."""
    return "".join(
        sentence + ("" if last else " " if sentence[-1] in ".!?…:;,。！？" else " · ")
        for sentence, last in zip(sentences, [False] * (len(sentences) - 1) + [True], strict=True)
    )


def _cut(text: str, terms: Set[str], language: analysis.Analysis, length: int) -> str:
    """A long sentence cut at words around its first wanted one."""
    if len(text) <= length * 1.25:
        return text
    first = next((start for start, _end, stem in language.spans(text) if stem in terms), 0)
    start = text.find(" ", max(0, first - length // 3)) + 1 if first > length // 3 else 0
    end = text.rfind(" ", start + 1, start + length)
    end = end if end > start else start + length
    return ("… " if start else "") + text[start:end].rstrip(" ,;:") + (" …" if end < len(text) else "")


def _marked(text: str, terms: Set[str], language: analysis.Analysis) -> str:
    """Spans may overlap where a language is read by pairs of characters; what touches is marked as one."""
    marks: list[list[int]] = []
    for start, end, stem in language.spans(text):
        if stem not in terms:
            continue
        if marks and start < marks[-1][1]:
            marks[-1][1] = max(end, marks[-1][1])
        else:
            marks.append([start, end])
    parts, last = [], 0
    for start, end in marks:
        parts += [html.escape(text[last:start]), f"<mark>{html.escape(text[start:end])}</mark>"]
        last = end
    return "".join([*parts, html.escape(text[last:])])

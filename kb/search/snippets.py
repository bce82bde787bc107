"""The sentences of a text that answer a query best, with its words marked. Pure; what comes out is safe HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Set

from kb.search import analysis

_LENGTH = 200  # characters; a little more where a sentence ends there
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_WORD = re.compile(r"\w+(?:[.'’]?\w+)*")


def snippet(text: str, terms: Set[str], *, lang: str, length: int = _LENGTH) -> str:
    """About `length` characters of `text` around the words whose stems are `terms`; its beginning where it has none."""
    language = analysis.for_language(lang)
    sentences = [sentence for sentence in (part.strip() for part in _SENTENCE.split(text)) if sentence]
    if not sentences:
        return ""
    found = [_stems_in(sentence, language) & terms for sentence in sentences]
    best, best_score = 0, -1.0
    for start in range(len(sentences)):
        window = _window(sentences, start, length)
        met = set().union(*found[start : start + window])
        # Many different words first, then words early in the snippet, then sentences early in the text.
        score = len(met) + 0.5 * len(found[start]) - 0.01 * min(start, 40)
        if score > best_score:
            best, best_score = start, score
    chosen = _joined(sentences[best : best + _window(sentences, best, length)])
    return _marked(_cut(chosen, terms, language, length), terms, language)


def holds(text: str, terms: Set[str], *, lang: str) -> bool:
    """Whether the text has all of the words whose stems are `terms`."""
    return bool(text) and terms <= _stems_in(text, analysis.for_language(lang))


def _window(sentences: list[str], start: int, length: int) -> int:
    """How many sentences from `start` on fit; at least one."""
    size, count = len(sentences[start]), 1
    while start + count < len(sentences) and size + 1 + len(sentences[start + count]) <= length:
        size += 1 + len(sentences[start + count])
        count += 1
    return count


def _joined(sentences: list[str]) -> str:
    """Headings and list items end without a stop; a dot keeps them apart."""
    return "".join(
        sentence + ("" if last else " " if sentence[-1] in ".!?…:;," else " · ")
        for sentence, last in zip(sentences, [False] * (len(sentences) - 1) + [True], strict=True)
    )


def _cut(text: str, terms: Set[str], language: analysis.Analysis, length: int) -> str:
    """A long sentence cut at words around its first wanted one."""
    if len(text) <= length * 1.25:
        return text
    first = next((match.start() for match in _WORD.finditer(text) if _stem(match[0], language) in terms), 0)
    start = text.find(" ", max(0, first - length // 3)) + 1 if first > length // 3 else 0
    end = text.rfind(" ", start + 1, start + length)
    end = end if end > start else start + length
    return ("… " if start else "") + text[start:end].rstrip(" ,;:") + (" …" if end < len(text) else "")


def _marked(text: str, terms: Set[str], language: analysis.Analysis) -> str:
    parts, last = [], 0
    for match in _WORD.finditer(text):
        if _stem(match[0], language) in terms:
            parts += [html.escape(text[last : match.start()]), f"<mark>{html.escape(match[0])}</mark>"]
            last = match.end()
    return "".join([*parts, html.escape(text[last:])])


def _stems_in(text: str, language: analysis.Analysis) -> set[str]:
    return {_stem(word, language) for word in _WORD.findall(text)}


def _stem(word: str, language: analysis.Analysis) -> str:
    """The stem of one word as the index has it; empty for a stop word."""
    read = analysis.words(word)
    return language.stem(read[0]) if len(read) == 1 and not language.is_stop(read[0]) else ""

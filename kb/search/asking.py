"""Putting a question to the engine: to the chosen one, else to the database; in the page's language or a better one."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from kb import search
from kb.search import analysis
from kb.search.engine import Engine, EngineUnavailable, IndexDamaged, Results, SearchRequest

logger = logging.getLogger("preempt.search")

# Another language is the query's where it knows this share of its telling words, and this much more than the page's.
_KNOWN_ENOUGH = 0.6
_KNOWN_MORE = 0.4


class NoAnswer(Exception):
    """Neither the chosen engine nor the database can answer. The text says why."""


@dataclass(frozen=True)
class Answer:
    """`lang` is the language that was searched; `engine` who answered."""

    results: Results
    lang: str
    engine: Engine
    is_fallback: bool = False


def ask(request: SearchRequest) -> Answer:
    """The chosen engine's answer; the database's where that one cannot. Raises NoAnswer."""
    chosen = search.engine()
    try:
        return Answer(chosen.search(request), request.lang, chosen)
    except (IndexDamaged, EngineUnavailable) as error:
        logger.error("search engine cannot answer", extra={"engine": chosen.name, "reason": str(error)})
        why = f"{chosen.name}: {error}"
    database = search.database()
    try:
        return Answer(database.search(request), request.lang, database, is_fallback=True)
    except (IndexDamaged, EngineUnavailable) as error:
        logger.error("search engine cannot answer", extra={"engine": database.name, "reason": str(error)})
        raise NoAnswer(f"{why}; {database.name}: {error}") from error


def again(answer: Answer, request: SearchRequest) -> Answer:
    """Another question to whom has answered the last one. Raises NoAnswer."""
    try:
        return replace(answer, results=answer.engine.search(request), lang=request.lang)
    except (IndexDamaged, EngineUnavailable) as error:
        if answer.is_fallback:
            raise NoAnswer(f"{answer.engine.name}: {error}") from error
        return ask(request)


def better_language(answer: Answer, text: str, others: Iterable[str]) -> str:
    """The language of `others` that knows clearly more of the text than the one that was searched; else empty."""
    # An answer without hits says nothing of what the language knows: it may have no article at all.
    own = answer.results.known if answer.results.hits else _known(answer.engine, text, answer.lang)
    if own > 1 - _KNOWN_MORE:
        return ""
    known = {lang: _known(answer.engine, text, lang) for lang in others if lang != answer.lang}
    best = max(known, key=lambda lang: known[lang], default="")
    return best if best and known[best] >= max(_KNOWN_ENOUGH, own + _KNOWN_MORE) else ""


def is_foreign_word_corrected(answer: Answer, text: str, others: Iterable[str]) -> bool:
    """Whether a word was taken for a slip though another language has it: then nothing should be corrected."""
    language = analysis.for_language(answer.lang)
    kept = set(language.words(answer.results.corrected))
    gone = [word for word in language.words(text) if word not in kept]
    return any(
        not analysis.for_language(lang).is_stop(word) and _known(answer.engine, word, lang) == 1.0
        for lang in others
        if lang != answer.lang
        for word in gone
    )


def _known(engine: Engine, text: str, lang: str) -> float:
    """As the engine says; 0 where the text has not one telling word in that language, or the engine has gone."""
    language = analysis.for_language(lang)
    if all(language.is_stop(word) for word in language.words(text)):
        return 0.0
    try:
        return engine.known(text, lang)
    except (IndexDamaged, EngineUnavailable):
        return 0.0

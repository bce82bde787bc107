"""A whole message, as written into the contact form → the articles that may answer it, or none.

The engine is asked three times: with the subject, the sentences that ask for something, and the whole message. An
article is offered only where it shares several telling words with the message: one that does not fit costs the
customer a detour, and costs us their trust in the next one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from kb.models import Visibility
from kb.search import analysis, asking, log, reading, tuning
from kb.search.asking import Answer
from kb.search.engine import SearchRequest
from kb.search.reading import Row
from kb.search.tuning import Placed

_LONGEST = 2_000  # characters; who writes more has said by then what it is about
_SUBJECT_LENGTH = 120  # of a first line, where it is one
_MOST_TERMS = 24  # of a message's rarest words
_POOL = 30
# Telling words that an article must share with a message (fewer where it has fewer). One in the article's title counts
# twice, and three times where it stands in the subject or in a sentence that asks.
_LEAST_SHARED = 3
_LOOKED_AT = 2  # times the articles wanted
_WEIGHTS = {"subject": 0.5, "asking": 0.5, "whole": 1.0}

_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_GREETING = re.compile(
    r"^(hi|hello|hey|dear|good (morning|afternoon|evening)|hola|buenos días|buenas( tardes| noches)?|estimad[oa]s?)\b"
    r"[^.!?\n]{0,40}?[,.!\n]\s*",
    re.IGNORECASE,
)
_SIGN_OFF = re.compile(
    r"^\s*(--|(many |kind |best |warm )?(thanks|regards|wishes)|thank you|yours|cheers|sincerely|sent from my|"
    r"(muchas )?gracias|(un )?saludos?|atentamente|enviado desde)\b[^\n]{0,40}$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^\s*>|^\s*(on .{5,80} wrote|el .{5,80} escribió):\s*$|^-{2,}\s*original message", re.IGNORECASE)
_ASKS = re.compile(
    r"\?|please|\b(want|need|help|would like|i'd like|how|can you|could you|can i|could i)\b"
    r"|¿|\b(quiero|quisiera|necesito|podéis|puedo|por favor)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Message:
    """What of a message says what it is about. `asking` holds the sentences that ask for something."""

    subject: str
    asking: str
    whole: str


@dataclass(frozen=True)
class Offer:
    """An article that may answer the message; `terms` are the message's words, as stems, to mark in it."""

    row: Row
    terms: frozenset[str]


def read(text: str) -> Message:
    """A message without greeting, signature, earlier mails, addresses and numbers. Pure."""
    lines: list[str] = []
    for line in log.masked(text[:_LONGEST]).replace(log.MASK, " ").splitlines():
        if _QUOTED.search(line) or (lines and _SIGN_OFF.search(line)):
            break  # what follows was said before, or is a signature
        lines.append(_GREETING.sub("", line.strip()))
    said = [line for line in lines if line]
    has_subject = len(said) > 1 and len(said[0]) <= _SUBJECT_LENGTH
    sentences = [part for line in said[has_subject:] for part in _SENTENCE.split(line) if part.strip()]
    return Message(
        subject=said[0] if has_subject else "",
        asking=" ".join(part for part in sentences if _ASKS.search(part)),
        whole="\n".join(said),
    )


def offers(text: str, *, locale: str, limit: int = 3) -> list[Offer]:
    """The public articles that fit a message, best first; one query. Raises asking.NoAnswer."""
    message = read(text.replace("\0", " ").encode(errors="replace").decode())
    if not message.whole:
        return []
    rules = tuning.rules()
    hidden = rules.placed(locale, "")
    whole = asking.ask(_request(message.whole, locale, rules, hidden))
    lang = asking.better_language(whole, message.whole, [code for code, _name in settings.LANGUAGES]) or locale
    if lang != locale:
        whole = asking.again(whole, _request(message.whole, lang, rules, hidden))
    ranked = _ranked(message, whole, rules, hidden)[: limit * _LOOKED_AT]
    rows = reading.rows(ranked, with_text=True, locale=locale if lang != locale else "")
    # Of a translation the words cannot be compared with the message; the original was found by them.
    shared = {id: _shared(rows[id], message, lang) for id in ranked if id in rows}
    least = min(_LEAST_SHARED, len(_stems(message.whole, lang)))
    fitting = [id for id in shared if shared[id] >= least or rows[id].locale != lang]
    return [Offer(rows[id], whole.results.terms) for id in fitting[:limit]]


def _request(text: str, lang: str, rules: tuning.Rules, placed: Placed) -> SearchRequest:
    return SearchRequest(
        text=text,
        lang=lang,
        k=_POOL,
        visibility=frozenset({Visibility.PUBLIC}),
        excluded=placed.hidden,
        synonyms=rules.synonyms(lang),
        max_terms=_MOST_TERMS,
    )


def _ranked(message: Message, whole: Answer, rules: tuning.Rules, placed: Placed) -> Sequence[int]:
    """Article ids by the sum of their scores in the three searches, each as a share of its best."""
    scores: dict[int, float] = defaultdict(float)
    answers = {"whole": whole}
    for name in ("subject", "asking"):
        if text := getattr(message, name):
            answers[name] = asking.again(whole, _request(text, whole.lang, rules, placed))
    for name, answer in answers.items():
        hits = answer.results.hits
        for hit in hits:
            scores[hit.id] += _WEIGHTS[name] * hit.score / (hits[0].score or 1.0)
    return sorted(scores, key=lambda id: (-scores[id], id))


def _shared(row: Row, message: Message, lang: str) -> int:
    language, said = analysis.for_language(lang), _stems(message.whole, lang)
    own = {stem for part in row.texts for stem in language.stems(part)}
    title = set(language.stems(row.title))
    asked = _stems(f"{message.subject}\n{message.asking}", lang)
    return len(own & said) + len(title & said) + len(title & asked)


def _stems(text: str, lang: str) -> set[str]:
    language = analysis.for_language(lang)
    return {language.stem(word) for word in language.words(text) if not language.is_stop(word)}

"""Text → words → stems, the same for documents and queries; a mismatch would cost more than any tuning wins. Pure.

A word is a run of letters and digits. What stays whole beside its parts: numbers such as 5.7.134, codes such as
ERR_42 or PR-1204 (also found as pr1204), words with a hyphen (e-mail: email, e, mail). Writing without spaces (Chinese,
Japanese, Korean, Thai) is read as pairs of characters, Chinese characters singly too, in every language's texts.
Accents are folded after stemming, for people leave them out when they search.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import Stemmer

from kb.search.stop_words import STOP_WORDS

LONGEST_QUERY = 4_000  # characters of a text that are looked at: what follows changes nothing but the time
_LONGEST = 60  # characters of a word; what is longer is no word, and is cut
_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PAIRED = f"{_HAN}\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\u1100-\u11ff\u3130-\u318f\uac00-\ud7af\u0e01-\u0e5b"
# Combining marks belong to the letter before them (é typed as two characters, Arabic vowel signs).
_LETTER = rf"[^\W{_PAIRED}](?:[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]*)"
_WORD = re.compile(rf"(?P<run>[{_PAIRED}]+)|{_LETTER}+(?:[.'’‘-]?{_LETTER}+)*")
# The same for texts that need no more: of ASCII, or of letters that are taken as they stand.
_ASCII_WORD = re.compile(r"\w+(?:[.'-]?\w+)*", re.ASCII)
_UNICODE_WORD = re.compile(_ASCII_WORD.pattern)
_SPACED = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) in "_.'-")}
_PAIRED_CHARACTER = re.compile(f"[{_PAIRED}]")
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_BEYOND_ASCII = re.compile("[^\\x00-\\x7f]+")
# Where a text has one of these, its words are more than runs of characters.
_TAKEN_APART = re.compile(f"[{_PAIRED}\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_MARKS = re.compile(r"[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640]")  # Arabic vowel signs and the stretcher

_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish",
    "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish", "yi": "yiddish",
}  # fmt: skip

# Endings whose accent the stemmer needs to see, as they are typed without it.
_WITH_ACCENT = {
    "es": (("cion", "ción"), ("sion", "sión")),
    "ca": (("cio", "ció"), ("sio", "sió")),
    "pt": (("coes", "ções"), ("cao", "ção"), ("soes", "sões"), ("sao", "são"), ("avel", "ável"), ("ivel", "ível")),
    "fr": (("tee", "tée"), ("tees", "tées")),
    "it": (("ita", "ità"),),
}
# Letters that Unicode does not take apart.
_FOLDED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i"})
_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ؤ": "و", "ئ": "ي"})


_ELISIONS = {
    "fr": re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quelqu)'"),
    "it": re.compile(r"^(?:[cdlmstv]|un|all|dall|dell|nell|sull|quest|quell|dov|com)'"),
    "ca": re.compile(r"^[dlmnst]'"),
}


class Token(NamedTuple):
    """A word and where it stands, in characters of the text as given.

    `is_extra`: looked for beside others at the same place, which say better whether the text is known.
    """

    start: int
    end: int
    word: str
    is_extra: bool = False


def _tokens(text: str) -> Sequence[Token]:
    return _kept_tokens(text) if len(text) <= LONGEST_QUERY else _read_tokens(text)


def _read_tokens(text: str) -> tuple[Token, ...]:
    found: list[Token] = []
    for match in (_ASCII_WORD if text.isascii() else _WORD).finditer(text):
        given = match[0]
        start, end = match.span()
        if match.lastgroup:
            found += _paired(given, start)
        elif "-" in given:
            found += _hyphened(given, start)
        elif word := _normal(given):
            found.append(Token(start, end, word))
    return tuple(found)


# A query is asked for again: by each language that it may be in, and to be corrected.
_kept_tokens = lru_cache(maxsize=8)(_read_tokens)


class Analysis:
    """One language's way from words to stems."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.stop_words = frozenset(STOP_WORDS.get(lang, "").split())
        name = _STEMMERS.get(lang, "")
        # Shared between threads: a call is one step under the interpreter's lock.
        self._stemmer = Stemmer.Stemmer(name) if name in Stemmer.algorithms() else None
        self._elision = _ELISIONS.get(lang)
        self._endings = _WITH_ACCENT.get(lang, ())
        self.stem = lru_cache(maxsize=100_000)(self._stem)

    def _stem(self, word: str) -> str:
        if _PAIRED_CHARACTER.match(word):
            return word  # a mark there makes another letter
        if self._stemmer is None or not word[:1].isalpha():
            return fold(word)
        if self.lang == "ar":
            word = word.translate(_ARABIC)
        for plain, accented in self._endings:
            if word.endswith(plain) and len(word) > len(plain) + 2:
                word = word[: -len(plain)] + accented
                break
        return fold(self._stemmer.stemWord(word)) or fold(word)

    def is_stop(self, word: str) -> bool:
        return word in self.stop_words

    def tokens(self, text: str) -> Sequence[Token]:
        """The words of a text in order, in lower case, compatibility forms folded, without l' and the like."""
        found = _tokens(text)
        if self._elision is not None and "'" in text.replace("’", "'"):
            return [token._replace(word=self._elision.sub("", token.word) or token.word) for token in found]
        return found

    def distinct(self, text: str) -> dict[str, bool]:
        """The words of a text in order, each once; and whether it `is_extra` (Token) where it first stands."""
        if text.isascii() and "-" not in text and (self._elision is None or "'" not in text):
            return dict.fromkeys(_ascii_words(text.lower()), False)
        seen: dict[str, bool] = {}
        for token in self.tokens(text):
            seen.setdefault(token.word, token.is_extra)
        return seen

    def words(self, text: str) -> list[str]:
        """The words of a text in order, as this language is searched by them."""
        if (found := self._plain_words(text)) is not None:
            return found
        found = []
        for line in text.splitlines():  # no word goes over a line's end, and most lines are plain
            plain = self._plain_words(line)
            found += [token.word for token in self.tokens(line)] if plain is None else plain
        return found

    def _plain_words(self, text: str) -> list[str] | None:
        """Those of a text whose letters are taken as they stand; else None."""
        plain = text if text.isascii() else _BEYOND_ASCII.sub(_without_signs, text)
        if plain.isascii():
            words = _ascii_words(plain.lower())
        elif _TAKEN_APART.search(plain) is None and unicodedata.is_normalized("NFKC", plain):
            words = list(chain.from_iterable(map(_as_indexed, _UNICODE_WORD.findall(plain))))
        else:
            return None
        if self._elision is not None and "'" in plain:
            return [self._elision.sub("", word) or word for word in words]
        return words

    def stems(self, text: str) -> list[str]:
        """The stems of all words, stop words too, in order."""
        return list(map(self.stem, self.words(text)))

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Where each word of a text stands, and its stem: (start, end, stem), in characters of the text as given.

        In writing without spaces they overlap; the parts of a word with a hyphen follow the whole.
        """
        return [(token.start, token.end, self.stem(token.word)) for token in self.tokens(text)]


def fold(word: str) -> str:
    """Without accents: `devolucion` finds `devolución`."""
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word.translate(_FOLDED))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """The words of a text whose language is not known."""
    return [token.word for token in _tokens(text)]


@lru_cache
def for_language(lang: str) -> Analysis:
    """`lang` is a locale such as en or pt-br; the region does not matter for stems."""
    base = lang.partition("-")[0].lower()
    return Analysis(base) if base == lang else for_language(base)


def _ascii_words(text: str) -> list[str]:
    """The words of a text of ASCII in lower case. Most are nothing but letters, and need no expression."""
    words: list[str] = []
    for part in text.translate(_SPACED).split():
        word = part.strip(".'-")
        if word.isalnum() and len(word) <= _LONGEST:
            words.append(word)
        else:
            words.extend(chain.from_iterable(map(_as_indexed, _ASCII_WORD.findall(word))))
    return words


def _as_indexed(word: str) -> list[str]:
    if "-" in word:
        return [token.word for token in _hyphened(word, 0)]
    return [word.lower().removesuffix("'s")[:_LONGEST]]


def _without_signs(run: re.Match[str]) -> str:
    return _without_sign(run[0])


@lru_cache(maxsize=10_000)
def _without_sign(run: str) -> str:
    """What no word is made of (dashes, quotes, emoji) as spaces, a word's own apostrophe as it is typed."""
    return "".join("'" if char in "’‘" else char if char.isalnum() or _TAKEN_APART.match(char) else " " for char in run)


def _normal(text: str) -> str:
    if text.isascii():  # most are, and queries should not wait for the others
        return text.lower().removesuffix("'s")[:_LONGEST]
    word = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("‘", "'")
    return _MARKS.sub("", word).removesuffix("'s")[:_LONGEST]


def _hyphened(text: str, start: int) -> list[Token]:
    """The whole without its hyphens, then the parts."""
    found = [Token(start, start + len(text), _normal(text.replace("-", "")), is_extra=True)]
    at = 0
    for part in text.split("-"):
        if word := _normal(part):
            found.append(Token(start + at, start + at + len(part), word))
        at += len(part) + 1
    return found


def _paired(run: str, start: int) -> list[Token]:
    """Pairs of neighbours, and single characters where they are Chinese or alone."""
    found: list[Token] = []
    # Most are written as they are indexed, and then so is each part of them.
    normal = str if unicodedata.is_normalized("NFKC", run) else _normal
    han = {match.start() for match in _HAN_CHARACTER.finditer(run)}
    for at, char in enumerate(run):
        if len(run) == 1 or at in han:
            found.append(Token(start + at, start + at + 1, normal(char), is_extra=len(run) > 1))
        if at + 1 < len(run):
            found.append(Token(start + at, start + at + 2, normal(run[at : at + 2])))
    return [token for token in found if token.word]

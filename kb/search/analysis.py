"""Text → words → stems, the same for documents and queries; a mismatch would cost more than any tuning wins. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import Stemmer

# Keeps 5.7.134, 3d and foo_bar whole; an apostrophe joins (don't, l'été).
_WORD = re.compile(r"\w+(?:[.'’]?\w+)*")

_STOP = {
    "en": """a an and are as at be by can for from has have how i if in is it its me my of on or our that the this to
        was we what when where which will with you your do does did am im u there their they them then than so not no
        any some would could should don't doesn't didn't can't i'm i've it's what's you're""",
    "es": """a al algo ante antes como con contra cual cuando de del desde donde e el ella ellos en entre era eran es
        esa ese eso esta este esto está estoy fue ha han has hasta hay he la las le les lo los me mi mis muy más no nos
        nuestra nuestro o os para pero por porque puede puedo que qué quien se ser si sin sobre son su sus te tengo ti
        tu tus un una uno unos y ya yo cómo cuál cuándo dónde""",
}
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
    "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


def words(text: str) -> list[str]:
    """The words of a text in order, in lower case, compatibility forms folded."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    return [word.removesuffix("'s") for word in _WORD.findall(text)]


class Analysis:
    """One language's way from words to stems."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.stop_words = frozenset(_STOP.get(lang, "").split())
        name = _STEMMERS.get(lang, "")
        # Shared between threads: a call is one step under the interpreter's lock.
        self._stemmer = Stemmer.Stemmer(name) if name in Stemmer.algorithms() else None
        self.stem = lru_cache(maxsize=100_000)(self._stem)

    def _stem(self, word: str) -> str:
        if self._stemmer is None:
            return _without_accents(word)
        return _without_accents(self._stemmer.stemWord(word))

    def is_stop(self, word: str) -> bool:
        return word in self.stop_words

    def words(self, text: str) -> list[str]:
        """The words of a text in order, as this language is searched by them."""
        return words(text)

    def stems(self, text: str) -> list[str]:
        """The stems of all words, stop words too, in order."""
        return [self.stem(word) for word in self.words(text)]

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Where each word of a text stands, and its stem: (start, end, stem), in characters of the text as given."""
        found = []
        for match in _WORD.finditer(text):
            read = self.words(match[0])
            if len(read) == 1:
                found.append((match.start(), match.end(), self.stem(read[0])))
        return found


def _without_accents(word: str) -> str:
    """People leave accents out when they search: `devolucion` finds `devolución`."""
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache
def for_language(lang: str) -> Analysis:
    """`lang` is a locale such as en or pt-br; the region does not matter for stems."""
    base = lang.partition("-")[0].lower()
    return Analysis(base) if base == lang else for_language(base)

"""What is asked of a report or a list: its days, and what it is narrowed to.

Each says which words it understands (Words). Any other word is refused: numbers of everybody under a narrower label
mislead. A screen's links to its files carry what the screen is narrowed to (of_screen()).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.utils.datastructures import MultiValueDict
from django.utils.text import slugify
from django.utils.translation import gettext as _

from analytics import periods
from analytics.periods import Period

DAYS = ("from", "to", "days")  # every report understands them
WINDOW, COMPARE, LOCALE, SOURCE = "window", "compare", "locale", "source"
Check = Callable[[str], bool]
_OF_THE_VIEW = ("page", "older", "sort", "count")  # of a screen's address: what it shows first, not what it is of
_LONGEST = 60  # letters of what it is narrowed to, in a file's name
_AT_MOST = 60  # values of one word


def one_of(*values: str) -> Check:
    return lambda text: text in values


def is_text(text: str) -> bool:
    return len(text) <= 500


def is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


@dataclass(frozen=True)
class Words:
    """What can be asked beside the days: `period`, words of a period; `own`, those of its own with what each may be.
    Without one of `needs` there is no answer; of `several` there may be more than one. `beside`: words of its screen
    that narrow something else on it."""

    period: tuple[str, ...] = (WINDOW,)
    own: Mapping[str, Check] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    several: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*DAYS, *self.period, *self.own)


@dataclass(frozen=True)
class Wrong:
    """A word that cannot be used, and the sentence that says why."""

    word: str
    why: str


@dataclass(frozen=True)
class Asked:
    """What a report is of. `narrowed` has its own words only; `of_period` those that say something of its days."""

    period: Period
    narrowed: MultiValueDict[str, str]
    of_period: Mapping[str, str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What an address of it says."""
        return [*self.of_period.items(), *self.narrowings]

    @property
    def narrowings(self) -> list[tuple[str, str]]:
        return [(name, value) for name, values in self.narrowed.lists() for value in values]

    @property
    def query(self) -> str:
        return urlencode(self.pairs)

    @property
    def noted(self) -> dict[str, str]:
        """For the audit log, which keeps nothing that customers wrote."""
        return {word: "words" if word in ("key", "q") else value for word, value in self.pairs}

    def file(self, *names: str) -> str:
        """The name of a CSV file of it, which says what it is narrowed to."""
        segment = [value for name, value in self.of_period.items() if name in (LOCALE, SOURCE)]
        own = slugify(" ".join([*segment, *(f"{name} {value}" for name, value in self.narrowings)]))[:_LONGEST]
        days = f"{self.period.first}-{self.period.last}"
        return "-".join([*names, days, *([own] if own else [])]) + ".csv"


def read(words: Words, parameters: MultiValueDict[str, str], *, name: str, now: datetime) -> tuple[Asked, list[Wrong]]:
    """What is asked of `name`, and what of it cannot be used: that is left out of it. Empty words say nothing."""
    given = {key: [value for value in values if value.strip()] for key, values in parameters.lists()}
    given = {key: values for key, values in given.items() if values}
    wrong = [Wrong(key, _unknown(name, key, words)) for key in given if key not in words.all]
    period, sentences = periods.read(
        {key: values[-1] for key, values in given.items() if key in (*DAYS, *words.period)}, now=now
    )
    wrong += [Wrong("period", sentence) for sentence in sentences]
    narrowed: MultiValueDict[str, str] = MultiValueDict()
    for key, check in words.own.items():
        values = given.get(key, [])
        wrong += [Wrong(key, why) for why in _values_wrong(words, key, values, check)]
        if values and not any(one.word == key for one in wrong):
            narrowed.setlist(key, values)
    wrong += [
        Wrong(key, _("Say which: “%(name)s” is told of one “%(word)s” at a time.") % {"name": name, "word": key})
        for key in words.needs
        if key not in given
    ]
    return Asked(period, narrowed, _of_period(period, words)), wrong


def of_screen(
    words: Words, period: Period | None, parameters: MultiValueDict[str, str], **more: object
) -> list[tuple[str, str]]:
    """What the link of a screen to its files says: the screen's days, and all that it is narrowed to. What the files
    do not understand goes with it, so that they refuse it and nobody gets wider numbers. `more`: what the screen is of
    beside its address."""
    own = {key: str(value) for key, value in more.items() if value not in (None, "")}
    given = [
        (key, value)
        for key, values in parameters.lists()
        if key not in (*periods.NAMES, *_OF_THE_VIEW, *words.beside, *own)
        for value in values
        if value
    ]
    return [*(_of_period(period, words).items() if period else ()), *own.items(), *given]


def sentences(wrong: Iterable[Wrong]) -> list[str]:
    return [one.why for one in wrong]


def _of_period(period: Period, words: Words) -> dict[str, str]:
    """The words of its address that this report or list understands."""
    return {key: value for key, value in period.query.items() if key in (*DAYS, *words.period)}


def _values_wrong(words: Words, key: str, values: list[str], check: Check) -> list[str]:
    if len(values) > (_AT_MOST if key in words.several else 1):
        return [_("“%(word)s” was given too often.") % {"word": key}]
    return [
        _("“%(text)s” is nothing to choose for “%(name)s”.") % {"text": text[:40].replace("\0", ""), "name": key}
        for text in values
        if "\0" in text or not check(text)
    ]


def _unknown(name: str, word: str, words: Words) -> str:
    return _("“%(name)s” cannot be narrowed by “%(word)s”: its numbers would be of more. It understands %(known)s.") % {
        "name": name,
        "word": word[:40].replace("\0", ""),
        "known": ", ".join(words.all),
    }

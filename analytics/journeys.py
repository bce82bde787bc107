"""Events of one visitor -> journeys: help-seeking until 30 idle minutes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter, eq
from typing import NamedTuple

# The words of analytics.models.EventKind; a test holds the two together.
HELP, SEARCH, READ, VOTE = "help", "search", "read", "vote"
FORM, SUGGESTED, ANSWERED = "form", "suggested", "answered"
ORDER = "order"  # no help-seeking by itself
KINDS = (HELP, SEARCH, READ, VOTE, FORM, SUGGESTED, ANSWERED)
PLACES = {kind: place for place, kind in enumerate(KINDS)}
_AT = attrgetter("at")


class HelpEvent(NamedTuple):
    """One thing that a visitor did in the help centre or on the contact form; `kind` is one of KINDS. A tuple, since a
    rebuild makes one of each of ten million rows."""

    kind: str
    at: datetime
    is_returning: bool = False  # the browser brought its id back
    article_id: int | None = None
    revision_id: int | None = None
    topic: str = ""
    is_helpful: bool | None = None  # of a vote; True of ANSWERED
    variant_id: int | None = None  # of a test
    locale: str = ""

    def sort_key(self) -> tuple[datetime, int, int, int, bool, str, bool, int, str]:
        """By content alone, so that the order of arrival cannot matter; a read precedes its vote."""
        return (
            self.at,
            PLACES[self.kind],
            self.article_id or 0,
            self.revision_id or 0,
            bool(self.is_helpful),
            self.topic,
            self.is_returning,
            self.variant_id or 0,
            self.locale,
        )


@dataclass(frozen=True, slots=True)
class Journey:
    """One visitor's help-seeking. `votes` are its words on articles ("a suggestion was the answer" is a yes), also
    where they came later."""

    events: tuple[HelpEvent, ...]
    votes: tuple[HelpEvent, ...]

    @property
    def started_at(self) -> datetime:
        return self.events[0].at

    @property
    def ended_at(self) -> datetime:
        return self.events[-1].at

    @property
    def entry(self) -> str:
        """By what it began: the kind of its first event."""
        return self.events[0].kind

    def entry_after(self, orders: Iterable[datetime], *, idle: timedelta) -> str:
        """The same; ORDER where the visitor had looked at an order (at one of these moments) just before."""
        return ORDER if any(at <= self.started_at <= at + idle for at in orders) else self.entry

    @property
    def reads(self) -> tuple[HelpEvent, ...]:
        return tuple([event for event in self.events if event.kind == READ])

    @property
    def searches(self) -> int:
        return len([event for event in self.events if event.kind == SEARCH])

    @property
    def topic(self) -> str:
        """That of the last article read; else what the last search or category was most likely about; else empty."""
        for kinds in ((READ,), (SEARCH, HELP)):
            for event in reversed(self.events):
                if event.kind in kinds and (event.topic or event.kind == READ):
                    return event.topic
        return ""

    @property
    def locale(self) -> str:
        """Of the last reading; where nothing was read, of the first event that has one."""
        for event in (*reversed(self.reads), *self.events):
            if event.locale:
                return event.locale
        return ""

    @property
    def form_opened_at(self) -> datetime | None:
        """When the contact form was first opened; None where it was not."""
        return next((event.at for event in self.events if event.kind in (FORM, SUGGESTED, ANSWERED)), None)


def build(events: Iterable[HelpEvent], *, idle: timedelta) -> list[Journey]:
    """The journeys of one visitor's events, oldest first; any order in, doubles dropped.

    A vote that comes after the idle time belongs to the journey that read its article: a page left open is no new
    help-seeking.
    """
    spells: list[list[HelpEvent]] = []
    late: list[tuple[int, HelpEvent]] = []  # (index of the spell that read the article, its vote)
    for event in _in_order(events):
        if spells and event.at - spells[-1][-1].at <= idle:
            spells[-1].append(event)
        elif event.kind == VOTE and (home := _reader(spells, event)) is not None:
            late.append((home, event))
        else:
            spells.append([event])
    votes = [[event for event in spell if event.kind in (VOTE, ANSWERED)] for spell in spells]
    for home, vote in late:
        votes[home].append(vote)
    return [Journey(tuple(spell), tuple(cast)) for spell, cast in zip(spells, votes, strict=True)]


def _in_order(events: Iterable[HelpEvent]) -> list[HelpEvent]:
    """Each once, as sort_key() has them, which is asked only where two are of one moment."""
    ordered = sorted(dict.fromkeys(events), key=_AT)
    moments = [event.at for event in ordered]
    if any(map(eq, moments, islice(moments, 1, None))):
        ordered.sort(key=HelpEvent.sort_key)
    return ordered


def _reader(spells: list[list[HelpEvent]], vote: HelpEvent) -> int | None:
    """The last spell in which the article of `vote` was read."""
    for index in range(len(spells) - 1, -1, -1):
        if any(event.kind == READ and event.article_id == vote.article_id for event in spells[index]):
            return index
    return None

"""What to do first: candidates by the contacts a week that stand behind them at the least. Pure.

One unit for all, the lower bound of each one's interval: one of one reader leads nothing. It says how much is there to
look at, not that doing it would prevent so much; that takes a group kept without it at random.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MOST = 3
# Of less than a contact in two weeks nobody is told to do anything.
LEAST_A_WEEK = 0.5


class Kind(StrEnum):
    """What there is to do something about."""

    SILENT_SOURCE = "silent_source"
    LATE_CONTACTS = "late_contacts"
    NO_ARTICLE = "no_article"
    FAILING_SEARCHES = "failing_searches"
    FAILING_ARTICLE = "failing_article"
    READY_TEST = "ready_test"
    HOLD_OUT_SHOWS = "hold_out_shows"
    NO_HOLD_OUT = "no_hold_out"
    OVERDUE = "overdue"


# What makes the numbers below it wrong goes before what they say.
_FAULTS = (Kind.SILENT_SOURCE, Kind.LATE_CONTACTS)
# Where nothing is known of how many stand behind it: what somebody was promised first.
_UNKNOWN = (Kind.OVERDUE, Kind.READY_TEST, Kind.NO_HOLD_OUT)


@dataclass(frozen=True)
class Place:
    """Where it is done, and which roles may open that."""

    url: str
    label: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Candidate:
    """`says`: one sentence with its number and what it is of. `a_week`: contacts at the lower bound; None: unknown.

    `key` and `locale` name it for whoever dismisses it. `is_settled`: it was dismissed, or somebody is at it.
    """

    kind: Kind
    key: str
    says: str
    a_week: float | None
    places: tuple[Place, ...]
    locale: str = ""
    is_settled: bool = False

    @property
    def is_fault(self) -> bool:
        return self.kind in _FAULTS

    def place_for(self, roles: Iterable[str]) -> Place | None:
        """The first place that somebody with these roles may open."""
        mine = set(roles)
        return next((place for place in self.places if place.roles & mine), None)


def rank(candidates: Iterable[Candidate], *, most: int = MOST) -> list[Candidate]:
    """The first few: one fault of the numbers at most, then by contacts a week, then what nothing is known of."""
    open_ones = [each for each in candidates if not each.is_settled]
    faults = sorted(
        (each for each in open_ones if each.is_fault), key=lambda each: (_FAULTS.index(each.kind), each.key)
    )
    known = [each for each in open_ones if not each.is_fault and (each.a_week or 0) >= LEAST_A_WEEK]
    known.sort(key=lambda each: (-(each.a_week or 0), each.kind, each.key))
    unknown = [each for each in open_ones if not each.is_fault and each.a_week is None]
    unknown.sort(key=lambda each: (_UNKNOWN.index(each.kind) if each.kind in _UNKNOWN else len(_UNKNOWN), each.key))
    return [*faults[:1], *known, *unknown][:most]

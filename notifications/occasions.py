"""What there is to write about: troubles, an order's milestones, and what follows from a mail of ours; by what people
may choose not to hear of.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from notifications.delays import DelayKind
from notifications.models import MILESTONES, EpisodeKind, Rule, SkipReason

Kind = EpisodeKind

TROUBLES = tuple(Kind(kind.value) for kind in DelayKind)
FOLLOW_UPS = (Kind.DELAYED_AGAIN, Kind.BACK_ON_TRACK, Kind.CORRECTED)
# About the order, in however many parcels it comes.
OF_ORDER = (Kind.ORDER_CONFIRMED,)
# Mails that say that something is late or lost. What follows, follows from one of these that was really sent.
ALARMS = (
    Kind.NOT_HANDED_OVER,
    Kind.PROMISE_PASSED,
    Kind.NO_SCAN,
    Kind.CARRIER_EXCEPTION,
    Kind.EXPECTED_LATE,
    Kind.LIKELY_LOST,
    Kind.DELAYED_AGAIN,
)
# Of these, those that say that it will come late. A parcel that then comes in time makes them untrue.
FORETELLING = (Kind.EXPECTED_LATE, Kind.DELAYED_AGAIN)
ALL_CLEAR = (Kind.BACK_ON_TRACK, Kind.CORRECTED)


class Category(StrEnum):
    """What a person may choose to hear of, or not."""

    ORDER_UPDATES = "order_updates"
    DELAY_NOTICES = "delay_notices"
    BACK_ON_TRACK = "back_on_track"


_CATEGORY = {
    **dict.fromkeys((*ALARMS, Kind.RETURNED, Kind.INCIDENT), Category.DELAY_NOTICES),
    **dict.fromkeys((*MILESTONES, Kind.HELD_FOR_PICKUP), Category.ORDER_UPDATES),
    **dict.fromkeys(ALL_CLEAR, Category.BACK_ON_TRACK),
}


_SCOPE = {kind.value: category.value for kind, category in _CATEGORY.items()}


def scope_of(kind: str) -> str:
    """The category of a kind of episode; anything else (a category, "all") is its own."""
    return _SCOPE.get(kind, kind)


def kinds_of(scope: str) -> list[str]:
    """The kinds of episode that a category covers."""
    return [kind.value for kind, category in _CATEGORY.items() if category == scope]


@dataclass(frozen=True)
class Occasion:
    """Something to write about that is no trouble, found at a look. `promised_by` as in models.Episode.

    `since` is when it happened, None where nobody says. After `news_for` it is no news.
    """

    kind: EpisodeKind
    promised_by: datetime
    since: datetime | None
    news_for: timedelta
    lacks_a_fact: bool = False

    def why_silent(self, *, now: datetime) -> SkipReason | None:
        """Why nobody is written to about it, or None."""
        if self.since is None or now - self.since > self.news_for:
            return SkipReason.LONG_AGO
        return SkipReason.NOT_KNOWN if self.lacks_a_fact else None


def wanted(kinds: Collection[str] = (*MILESTONES, *FOLLOW_UPS)) -> frozenset[str]:
    """Those of `kinds` that an active rule is about. Of the others no episode is opened. One query."""
    return frozenset(Rule.objects.filter(is_active=True, kind__in=list(kinds)).values_list("kind", flat=True))

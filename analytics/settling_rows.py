"""What is known of visitors, from one ordered stream of rows, and their journeys as rows to write.

Whatever the size of the history, no more than some thousand visitors are in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby
from operator import itemgetter

from analytics import attribution, journeys, outcomes
from analytics.streams import Row

_TIE = ""

_help_event = partial(tuple.__new__, journeys.HelpEvent)  # what HelpEvent._make does, in half the time


@dataclass(slots=True)
class Visitor:
    """All that decides about one visitor's journeys."""

    id: str
    events: list[journeys.HelpEvent] = field(default_factory=list)
    ties: list[datetime] = field(default_factory=list)
    orders: list[datetime] = field(default_factory=list)  # when they looked at one
    contacts: dict[int, tuple[tuple[int, int], outcomes.Contact]] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        """A row of settling_sql.KNOWN_OF_ALL that is no help event."""
        _visitor, kind, at, *_, topic, _is_yes, _variant, _locale, number, reason, source, txid, pk = row
        if kind == _TIE:
            self.ties.append(at)
        elif kind == journeys.ORDER:
            self.orders.append(at)
        elif number not in self.contacts or self.contacts[number][0] < (txid, pk):
            # Of rows about one contact the newest counts. Ids begin anew one day; transactions do not.
            self.contacts[number] = (txid, pk), outcomes.Contact(number, at, topic, reason or "", source or "")


def visitors(rows: Iterable[Row]) -> Iterator[Visitor]:
    """Those who have a help event, in the order of their ids."""
    for who, theirs in groupby(rows, key=itemgetter(0)):
        visitor = Visitor(who)
        for row in theirs:
            if row[1] in journeys.PLACES:
                visitor.events.append(_help_event(row[1:10]))
            else:
                visitor.take(row)
        if visitor.events:
            yield visitor


def journeys_of(visitor: Visitor, terms: outcomes.Terms, *, idle: timedelta, since: datetime) -> Iterator[Row]:
    """The visitor's journeys that began `since`, decided: rows of KEY and FACTS."""
    contacts = [contact for _, contact in visitor.contacts.values()]
    for journey in journeys.build(visitor.events, idle=idle):
        if journey.started_at >= since:
            decision = outcomes.decide_on(journey, contacts=contacts, ties=visitor.ties, terms=terms)
            yield _row(visitor.id, journey, decision, journey.entry_after(visitor.orders, idle=idle))


# What _row() fills, in its order: a visitor's journey is found by the first two.
KEY = ("visitor", "started_at")
FACTS = (
    "ended_at",
    "topic",
    "reads",
    "last_article_id",
    "last_revision_id",
    "last_variant_id",
    "locale",
    "entry",
    "searches",
    "vote",
    "is_linkable",
    "is_contradicted",
    "outcomes",
    "contact_id",
    "contact_reason",
    "contact_channel",
    "decide_at",
)


def _row(visitor: str, journey: journeys.Journey, decision: outcomes.Decision, entry: str) -> Row:
    last = attribution.last_read(decision.reads)
    contact = decision.contact
    return (
        visitor,
        journey.started_at,
        journey.ended_at,
        journey.topic,
        str(attribution.articles(decision.reads)),
        last.article_id if last else None,
        last.revision_id if last else None,
        last.variant_id if last else None,
        journey.locale,
        entry,
        journey.searches,
        decision.vote,
        decision.is_linkable,
        decision.is_contradicted,
        _as_json(tuple(decision.outcomes.items())),
        contact.id if contact else None,
        contact.reason if contact else "",
        contact.channel if contact else "",
        decision.decide_at,
    )


@lru_cache(maxsize=10_000)
def _as_json(outcomes_: tuple[tuple[int, str], ...]) -> str:
    return "{" + ", ".join(f'"{days}": "{outcome}"' for days, outcome in outcomes_) + "}"

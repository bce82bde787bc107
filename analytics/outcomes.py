"""How a journey ended: exactly one outcome for each window, the first that fits (docs/metrics.md). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics import attribution
from analytics.journeys import VOTE, HelpEvent, Journey

# The words of analytics.models.Outcome, in the order in which they are tried; a test holds the two together.
CONTACTED, CONTACTED_OTHER, DENIED, CONFIRMED = "contacted", "contacted_other", "denied", "confirmed"
SILENT, EMPTY, UNLINKABLE = "silent", "empty", "unlinkable"

# A source of contacts that has brought nothing for so long is taken as disconnected; otherwise one old import would
# keep every later journey from being decided.
QUIET = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact of the journey's visitor, or of a person whom that visitor is tied to. An empty topic is uncoded."""

    id: int
    at: datetime
    topic: str = ""
    reason: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """A source of contacts besides our own form: its first contact, and up to when its contacts are in."""

    since: datetime
    until: datetime

    def is_connected(self, start: datetime, due: datetime) -> bool:
        """Whether contacts about a journey from `start` could have come by this source until `due`."""
        return self.since <= due and start <= self.until + QUIET


def watermark(feeds: Iterable[Feed], *, now: datetime) -> datetime:
    """Up to when all contacts are in: no journey's window is over after this moment, whatever the clock says."""
    return min([now, *(feed.until for feed in feeds if now < feed.until + QUIET)])


@dataclass(frozen=True, slots=True)
class Decision:
    """What is known about a journey at one moment. `outcomes` has no entry for a window (days) that is not over."""

    outcomes: Mapping[int, str]
    is_linkable: bool
    is_contradicted: bool
    vote: str  # yes | no | empty
    contact: Contact | None  # that decided the longest of the windows
    reads: tuple[HelpEvent, ...]  # those that share in the outcome
    decide_at: datetime | None  # when the next window is over by the clock; None where none is open


@dataclass(frozen=True, slots=True)
class Terms:
    """What all decisions of one moment have in common."""

    feeds: tuple[Feed, ...]
    windows: tuple[tuple[int, timedelta], ...]  # days, the shortest first
    in_until: datetime  # watermark()

    @classmethod
    def of(cls, *, feeds: Iterable[Feed], windows: Iterable[int], now: datetime) -> Terms:
        feeds = tuple(feeds)
        return cls(feeds, tuple((days, timedelta(days=days)) for days in sorted(windows)), watermark(feeds, now=now))


def decide(
    journey: Journey,
    *,
    contacts: Iterable[Contact],
    ties: Iterable[datetime],
    feeds: Iterable[Feed],
    windows: Sequence[int],
    now: datetime,
) -> Decision:
    """Decide `journey` for each of `windows` (days).

    `ties` are the moments since which we have known the visitor as a person. A window is over when its last moment has
    passed and every connected feed has brought its contacts up to then (watermark()).
    """
    return decide_on(journey, contacts=contacts, ties=ties, terms=Terms.of(feeds=feeds, windows=windows, now=now))


def decide_on(journey: Journey, *, contacts: Iterable[Contact], ties: Iterable[datetime], terms: Terms) -> Decision:
    """decide(), for many journeys of one moment."""
    since, ended_at = journey.started_at, journey.ended_at
    contacts = sorted(
        [contact for contact in contacts if contact.at >= since], key=lambda contact: (contact.at, contact.id)
    )
    longest = ended_at + terms.windows[-1][1]
    reads = attribution.credited(journey, contact_at=next((c.at for c in contacts if c.at <= ended_at), None))
    is_linkable = _is_linkable(journey, contacts, ties, terms.feeds, longest)
    otherwise = EMPTY if not reads else SILENT if is_linkable else UNLINKABLE
    is_silent = not contacts and not journey.votes

    outcomes: dict[int, str] = {}
    decide_at: datetime | None = None
    for days, window in terms.windows:
        due = ended_at + window
        if due > terms.in_until:
            decide_at = due
            break
        outcomes[days] = otherwise if is_silent else _outcome(journey, contacts, reads, due) or otherwise

    same, other = _first_contacts(contacts, reads, longest) if contacts else (None, None)
    return Decision(
        outcomes=outcomes,
        is_linkable=is_linkable,
        is_contradicted=same is not None and _vote(journey, until=same.at) == "yes",
        vote=_vote(journey, until=longest),
        contact=same or other,
        reads=reads,
        decide_at=decide_at,
    )


def _outcome(journey: Journey, contacts: list[Contact], reads: tuple[HelpEvent, ...], due: datetime) -> str:
    """What a contact or a vote until `due` makes of it; empty where there was none."""
    same, other = _first_contacts(contacts, reads, due)
    if same:
        return CONTACTED
    if other:
        return CONTACTED_OTHER
    vote = _vote(journey, until=due)
    return CONFIRMED if vote == "yes" else DENIED if vote else ""


def _first_contacts(
    contacts: list[Contact], reads: tuple[HelpEvent, ...], due: datetime
) -> tuple[Contact | None, Contact | None]:
    """The first contact before `due` on the journey's topic, and the first on another.

    "Another topic" needs evidence: where the contact is uncoded or nothing was read it counts as the same, so that
    poor coding never makes an article look better.
    """
    last = attribution.last_read(reads)
    topic = last.topic if last else ""
    within = [contact for contact in contacts if contact.at < due]
    same = next((c for c in within if not c.topic or not topic or c.topic == topic), None)
    other = next((c for c in within if c.topic and topic and c.topic != topic), None)
    return same, other


def _vote(journey: Journey, *, until: datetime) -> str:
    """The latest word on each article counts; one standing no is a no."""
    if not journey.votes:
        return ""
    words = {
        vote.article_id: vote.is_helpful for vote in sorted(journey.votes, key=HelpEvent.sort_key) if vote.at < until
    }
    if not words:
        return ""
    return "yes" if all(words.values()) else "no"


def _is_linkable(
    journey: Journey, contacts: list[Contact], ties: Iterable[datetime], feeds: Iterable[Feed], due: datetime
) -> bool:
    """Whether we would have known of a contact, judged by nothing that a contact itself brings about.

    Only what was known before the contact form was first opened (or a contact came) is evidence: the way to the form
    brings the id back and ties it to a person, so that later evidence would pick the journeys that ended in a contact.
    A vote is no evidence either; it is an outcome.
    """
    back = [event.at for event in journey.events if event.is_returning and event.kind != VOTE]
    if not back:
        return False
    cuts = [at for at in (journey.form_opened_at, contacts[0].at if contacts else None) if at is not None]
    cut = min(cuts, default=None)

    def is_before(at: datetime) -> bool:
        return at <= journey.ended_at and (cut is None or at < cut)

    if not is_before(back[0]):
        return False
    if not any(feed.is_connected(journey.started_at, due) for feed in feeds):
        return True
    return any(is_before(tie) for tie in ties)

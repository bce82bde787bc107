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
    feeds = list(feeds)
    contacts = sorted(
        (contact for contact in contacts if contact.at >= journey.started_at),
        key=lambda contact: (contact.at, contact.id),
    )
    in_until = watermark(feeds, now=now)
    longest = journey.ended_at + timedelta(days=max(windows))
    during = next((contact.at for contact in contacts if contact.at <= journey.ended_at), None)
    reads = attribution.credited(journey, contact_at=during)
    is_linkable = _is_linkable(journey, contacts, ties, feeds, longest)

    outcomes: dict[int, str] = {}
    decide_at: datetime | None = None
    for days in sorted(windows):
        due = journey.ended_at + timedelta(days=days)
        if due > in_until:
            decide_at = decide_at or due
        else:
            outcomes[days] = _outcome(journey, contacts, reads, due, is_linkable=is_linkable)

    same, other = _first_contacts(contacts, reads, longest)
    return Decision(
        outcomes=outcomes,
        is_linkable=is_linkable,
        is_contradicted=same is not None and _vote(journey, until=same.at) == "yes",
        vote=_vote(journey, until=longest),
        contact=same or other,
        reads=reads,
        decide_at=decide_at,
    )


def _outcome(
    journey: Journey, contacts: list[Contact], reads: tuple[HelpEvent, ...], due: datetime, *, is_linkable: bool
) -> str:
    same, other = _first_contacts(contacts, reads, due)
    vote = _vote(journey, until=due)
    if same:
        return CONTACTED
    if other:
        return CONTACTED_OTHER
    if vote:
        return CONFIRMED if vote == "yes" else DENIED
    if not reads:
        return EMPTY
    return SILENT if is_linkable else UNLINKABLE


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
    words = {
        vote.article_id: vote.is_helpful for vote in sorted(journey.votes, key=HelpEvent.sort_key) if vote.at < until
    }
    if not words:
        return ""
    return "yes" if all(words.values()) else "no"


def _is_linkable(
    journey: Journey, contacts: list[Contact], ties: Iterable[datetime], feeds: list[Feed], due: datetime
) -> bool:
    """Whether we would have known of a contact, judged by nothing that a contact itself brings about.

    Only what was known before the contact form was first opened (or a contact came) is evidence: the way to the form
    brings the id back and ties it to a person, so that later evidence would pick the journeys that ended in a contact.
    A vote is no evidence either; it is an outcome.
    """
    cuts = [at for at in (journey.form_opened_at, contacts[0].at if contacts else None) if at is not None]
    cut = min(cuts, default=None)

    def is_before(at: datetime) -> bool:
        return at <= journey.ended_at and (cut is None or at < cut)

    is_back = any(event.is_returning and event.kind != VOTE and is_before(event.at) for event in journey.events)
    if not is_back:
        return False
    if not any(feed.is_connected(journey.started_at, due) for feed in feeds):
        return True
    return any(is_before(tie) for tie in ties)

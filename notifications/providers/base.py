"""Our words for what a mail provider takes, answers and reports. A provider's own words stop at its adapter.

Sending code knows only this module: it calls `deliver()`, and decides by the Fate of a DeliveryError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, eq=False)
class Shape:
    """What mails of one text have in common: the texts around their slots, one more than there are slots."""

    text: tuple[str, ...]
    html: tuple[str, ...]


@dataclass(frozen=True)
class Mail:
    """One rendered mail to one address.

    `message_id` (a uuid's text) and `attempt` (from 1) are all that travels with it beside the mail itself:
    by them the provider's events find their way back, and there is no personal data in them.
    """

    message_id: str
    attempt: int
    to_address: str
    to_name: str
    from_address: str
    from_name: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    reply_to: str = ""  # an address, where answers go elsewhere than to from_address
    made_from: str = ""  # names the text and language; mails of one text differ in a few words only
    # Where it is known: of text and html, what is the same in others of the same Shape, and what is in its slots.
    shape: Shape | None = field(default=None, compare=False, repr=False)
    slots: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Accepted:
    """The provider said that it has the mail and will try to deliver it."""

    provider_msg_id: str  # empty where the provider gave none


class Fate(Enum):
    """What became of a mail that was not accepted."""

    NOT_SENT = "not_sent"  # provably never handed over (DNS, connect, TLS, body cut short): try again
    BUSY = "busy"  # the provider took nothing now (429, 503): try again, not before retry_after
    LATER = "later"  # this recipient cannot be written to now (SMTP's 450): try again; the provider is well
    REJECTED = "rejected"  # this mail will never be taken as it is (400 and its kin)
    CIRCUIT = "circuit"  # nothing of ours is taken (401, 403): open the circuit, give the attempt back
    TOO_LARGE = "too_large"  # 413: a batch is split; a single mail will never be taken
    UNKNOWN = "unknown"  # handed over or not, nobody can tell yet: wait for the provider's events


class DeliveryError(Exception):
    """deliver() did not end in Accepted. The text tells an operator why, without personal data."""

    def __init__(self, message: str, *, fate: Fate, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.fate = fate
        self.retry_after = retry_after  # seconds from now, only with BUSY and only if the provider said so

    @property
    def permanent(self) -> bool:
        """Whether the same mail would fail the same way for ever."""
        return self.fate in (Fate.REJECTED, Fate.TOO_LARGE)


@dataclass(frozen=True)
class Capabilities:
    """What sending code must know of a provider before it calls it."""

    timeout_seconds: float  # the longest that deliver() may take before it gives up
    most_together: int = 1  # mails in one request; more than one only of a BatchProvider
    most_at_once: int = 1  # requests under way at the same time


class Provider(Protocol):
    """One way to hand mails over. Safe to call from several threads at once."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def deliver(self, mail: Mail) -> Accepted:
        """Hand over one mail, once: never retried in here. Raises DeliveryError unless it is accepted."""
        ...

    def has(self, message_id: str, attempt: int) -> bool | None:
        """Whether this attempt's mail was accepted, so that UNKNOWN can be settled; None where it cannot be asked."""
        ...


@runtime_checkable
class BatchProvider(Provider, Protocol):
    """A provider that takes many mails in one request."""

    def together(self, mails: Sequence[Mail]) -> list[list[Mail]]:
        """The mails in groups that one request can carry. Every mail is in one of them."""
        ...

    def deliver_many(self, mails: Sequence[Mail]) -> Accepted:
        """Hand over one such group: the provider takes all of it or none. Raises DeliveryError for all of it."""
        ...


class DeliveryKind(Enum):
    """What a provider reports about a mail that it accepted."""

    PROCESSED = "processed"  # it is about to try
    DEFERRED = "deferred"  # the mailbox's server said "later"; the provider tries again
    DELIVERED = "delivered"  # the mailbox's server took it
    BOUNCED = "bounced"  # the mailbox's server refused it; see ProviderEvent.permanent
    DROPPED = "dropped"  # the provider itself gave up without trying, e.g. a known dead address
    COMPLAINED = "complained"  # the person pressed "this is spam"
    UNSUBSCRIBED = "unsubscribed"  # the person opted out on the provider's side
    OPENED = "opened"  # some program loaded the mail's images
    CLICKED = "clicked"  # some program followed a link
    UNKNOWN = "unknown"  # a word that we do not know; it stands in `reason`


@dataclass(frozen=True)
class ProviderEvent:
    """One report of a provider, in our words. The same event may come twice: `event_id` is what tells."""

    provider: str
    event_id: str
    kind: DeliveryKind
    at: datetime  # aware
    message_id: str | None  # ours, from Mail; None where the provider lost it or the mail is not ours
    attempt: int | None
    address: str
    reason: str = ""
    provider_msg_id: str = ""  # Accepted.provider_msg_id, where the provider repeats it
    permanent: bool = False  # with BOUNCED and DROPPED: for the address's sake, as against this mail's or this once


@dataclass(frozen=True)
class BadEvent:
    """A row of a provider's report that cannot be read. Its siblings are not affected."""

    provider: str
    index: int  # place in the report, from 0
    reason: str  # what is wrong, naming the field
    row: str  # as it came, as JSON text, cut at 2,000 characters

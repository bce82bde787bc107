"""What every source that posts to us is made of: one `Source` a module, its words turned into facts by dict data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifications.intake.facts import Fact

MIB = 1024 * 1024

Headers = Mapping[str, str]  # names in small letters
Verify = Callable[[bytes, Headers, Sequence[str], datetime], bool]
DedupeId = Callable[[bytes, Headers], str]
Read = Callable[[Any, Headers], list[Fact]]
IsGreeting = Callable[[bytes], bool]


def never(body: bytes) -> bool:
    """Of a source that signs whatever it sends."""
    return False


class Unreadable(Exception):
    """A payload that is not what its source documents. The text says which field, what is wrong, what was found."""


@dataclass(frozen=True)
class Source:
    """A webhook of one provider.

    verify(raw body, headers, secrets, now): whether one of the secrets signed it; constant time, over the raw bytes,
        False without a secret. Several secrets are valid while one is being rotated.
    dedupe_id(raw body, headers): the source's own id of this delivery, the same when it is delivered again.
    read(payload, headers): the facts in a JSON payload, none where it is about nothing of ours (then it is ignored).
        Raises Unreadable.
    is_greeting(raw body): whether an unsigned call only asks if somebody is there. It is answered and not kept.
    """

    name: str  # as in its webhook's address and in Order.source
    title: str  # as people write it
    verify: Verify
    dedupe_id: DedupeId
    read: Read
    kept_headers: tuple[str, ...] = ()  # stored beside the body, for reading and for looking into trouble
    largest: int = MIB  # bytes
    is_greeting: IsGreeting = never

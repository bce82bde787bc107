"""Many mails in one request of SendGrid: what they share is the content, what differs goes in as substitutions.

The mails come rendered, each with its own facts. Who made them may say what they have in common (base.Shape); where
nobody does, they are cut at tags and lines: then they are the same words but for a name, a number or a link.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sendgrid.helpers import mail as helpers

from notifications.providers.base import Mail, Shape
from notifications.providers.sendgrid_events import ATTEMPT_ARG, MESSAGE_ARG

MOST = 1000  # personalizations of a request, says SendGrid's API reference
MOST_SUBSTITUTED = 9_000  # bytes of one recipient's substitutions; SendGrid takes 10,000
MOST_BYTES = 20 * 1024 * 1024  # of a request; SendGrid takes 30 MB
_AS_JSON = 3  # a byte of UTF-8 is at most so many of JSON (two of "é" are six of "\u00e9")
# Never in a mail of ours: SendGrid replaces it wherever it stands, in what it has replaced too.
MARK = "-preempt-"
_PIECE = re.compile(r"<[^<>]*>|[^<>]+|[<>]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class _Cut:
    """A mail in pieces: what it shares with all of its shape, and what stands in its slots."""

    shape: Shape
    slots: tuple[str, ...]


def together(mails: Sequence[Mail]) -> list[list[Mail]]:
    """The mails in groups, each of which one request can carry; every mail is in one of them, in its order."""
    groups: dict[object, list[Mail]] = defaultdict(list)
    for place, mail in enumerate(mails):
        if MARK in mail.text or MARK in mail.html:
            groups[place].append(mail)
        else:
            groups[_kind(mail)].append(mail)
    found: list[list[Mail]] = []
    for group in groups.values():
        for at in range(0, len(group), MOST):
            found += _that_fit(group[at : at + MOST])
    return found


def payload(mails: Sequence[Mail]) -> dict[str, Any]:
    """The request's JSON for a group of together()."""
    first, cuts = mails[0], [_cut(mail) for mail in mails]
    differing = {place: _key(place) for place in _differing(cuts)}
    sender = helpers.From()
    sender.email, sender.name = first.from_address, first.from_name or None
    message = helpers.Mail(from_email=sender)
    keyed = [differing.get(place, piece) for place, piece in enumerate(cuts[0].slots)]
    shape = cuts[0].shape
    split = len(shape.text) - 1
    for mime_type, texts, slots in (
        (helpers.MimeType.text, shape.text, keyed[:split]),
        (helpers.MimeType.html, shape.html, keyed[split:]),
    ):
        if content := _whole(texts, slots):
            message.add_content(helpers.Content(mime_type, content))
    if first.reply_to:
        message.reply_to = helpers.ReplyTo(first.reply_to)
    for category in first.categories:
        message.add_category(helpers.Category(category))
    message.tracking_settings = untracked()
    result: dict[str, Any] = message.get()
    result["personalizations"] = [_personalization(mail, cut, differing) for mail, cut in zip(mails, cuts, strict=True)]
    return result


def untracked() -> helpers.TrackingSettings:
    """An account's subscription tracking would put SendGrid's own List-Unsubscribe in place of ours, and its click
    tracking would send the customer's signed links through another host.
    """
    return helpers.TrackingSettings(
        click_tracking=helpers.ClickTracking(enable=False, enable_text=False),
        subscription_tracking=helpers.SubscriptionTracking(enable=False),
    )


def _personalization(mail: Mail, cut: _Cut, differing: Mapping[int, str]) -> dict[str, Any]:
    """Without the package's helpers: they make an object of each substitution, which costs more than all the rest."""
    to = {"email": mail.to_address, **({"name": mail.to_name} if mail.to_name else {})}
    made: dict[str, Any] = {
        "to": [to],
        "subject": mail.subject,
        "custom_args": {MESSAGE_ARG: mail.message_id, ATTEMPT_ARG: str(mail.attempt)},
    }
    if mail.headers:
        made["headers"] = dict(mail.headers)
    if differing:
        made["substitutions"] = {key: cut.slots[place] for place, key in differing.items()}
    return made


def _that_fit(group: Sequence[Mail]) -> list[list[Mail]]:
    """The group as it is, or in halves until the substitutions of each, and of all, are small enough; at last alone."""
    if len(group) > 1:
        cuts = [_cut(mail) for mail in group]
        differing = _differing(cuts)
        keys = sum(len(_key(at)) for at in differing)
        sizes = [keys + len("".join([cut.slots[at] for at in differing]).encode()) for cut in cuts]
        if max(sizes) > MOST_SUBSTITUTED or _AS_JSON * sum(sizes) > MOST_BYTES:
            half = len(group) // 2
            return _that_fit(group[:half]) + _that_fit(group[half:])
    return [list(group)]


def _kind(mail: Mail) -> tuple[object, ...]:
    """Mails of the same kind may share a request: they differ in words, not in how many pieces they have."""
    sender = (mail.from_address, mail.from_name, mail.reply_to)
    return (*sender, mail.made_from, mail.categories, _cut(mail).shape)


def _cut(mail: Mail) -> _Cut:
    if mail.shape is not None:
        return _Cut(mail.shape, mail.slots)
    return _cut_at_tags(mail.text, mail.html)


# Asked for three times on the way of one mail.
@functools.lru_cache(maxsize=128)
def _cut_at_tags(text: str, html: str) -> _Cut:
    lines, tags = _LINE.findall(text), _PIECE.findall(html)
    return _Cut(_nothing_shared(len(lines), len(tags)), (*lines, *tags))


@functools.lru_cache(maxsize=128)
def _nothing_shared(lines: int, tags: int) -> Shape:
    """The shape of mails with so many pieces, of which nobody knows what they have in common."""
    return Shape(("",) * (lines + 1), ("",) * (tags + 1))


def _whole(texts: Sequence[str], slots: Sequence[str]) -> str:
    every = [""] * (len(texts) + len(slots))
    every[::2], every[1::2] = texts, slots
    return "".join(every)


def _differing(cuts: Sequence[_Cut]) -> list[int]:
    """The places at which not all have the same piece."""
    return [place for place, found in enumerate(zip(*(cut.slots for cut in cuts), strict=True)) if len(set(found)) > 1]


def _key(place: int) -> str:
    return f"{MARK}{place}-"

"""Many mails in one request of SendGrid: what they share is the content, what differs goes in as substitutions.

The mails come rendered, each with its own facts. Cut at tags and lines they are the same words but for a name, a number
or a link, whatever the template; so nothing here knows of templates.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sendgrid.helpers import mail as helpers

from notifications.providers.base import Mail
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
    """A mail in pieces, which are the mail again when they are put together."""

    text: tuple[str, ...]
    html: tuple[str, ...]

    @functools.cached_property
    def pieces(self) -> tuple[str, ...]:
        return self.text + self.html


def together(mails: Sequence[Mail]) -> list[list[Mail]]:
    """The mails in groups, each of which one request can carry; every mail is in one of them, in its order."""
    groups: dict[object, list[Mail]] = defaultdict(list)
    for place, mail in enumerate(mails):
        if MARK in mail.text or MARK in mail.html:
            groups[place].append(mail)
        else:
            groups[_shape(mail)].append(mail)
    found: list[list[Mail]] = []
    for group in groups.values():
        for at in range(0, len(group), MOST):
            found += _that_fit(group[at : at + MOST])
    return found


def payload(mails: Sequence[Mail]) -> dict[str, Any]:
    """The request's JSON for a group of together()."""
    first, cuts = mails[0], [_cut(mail.text, mail.html) for mail in mails]
    differing = {place: _key(place) for place in _differing(cuts)}
    sender = helpers.From()
    sender.email, sender.name = first.from_address, first.from_name or None
    message = helpers.Mail(from_email=sender)
    keyed = [differing.get(place, piece) for place, piece in enumerate(cuts[0].pieces)]
    split = len(cuts[0].text)
    for mime_type, pieces in ((helpers.MimeType.text, keyed[:split]), (helpers.MimeType.html, keyed[split:])):
        if pieces:
            message.add_content(helpers.Content(mime_type, "".join(pieces)))
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
        made["substitutions"] = {key: cut.pieces[place] for place, key in differing.items()}
    return made


def _that_fit(group: Sequence[Mail]) -> list[list[Mail]]:
    """The group as it is, or in halves until the substitutions of each, and of all, are small enough; at last alone."""
    if len(group) > 1:
        cuts = [_cut(mail.text, mail.html) for mail in group]
        differing = _differing(cuts)
        sizes = [sum(len(_key(at)) + len(cut.pieces[at].encode()) for at in differing) for cut in cuts]
        if max(sizes) > MOST_SUBSTITUTED or _AS_JSON * sum(sizes) > MOST_BYTES:
            half = len(group) // 2
            return _that_fit(group[:half]) + _that_fit(group[half:])
    return [list(group)]


def _shape(mail: Mail) -> tuple[object, ...]:
    """Mails of the same shape may share a request: they differ in words, not in how many pieces they have."""
    cut = _cut(mail.text, mail.html)
    sender = (mail.from_address, mail.from_name, mail.reply_to)
    return (*sender, mail.made_from, mail.categories, len(cut.text), len(cut.html))


# Asked for three times on the way of one mail.
@functools.lru_cache(maxsize=128)
def _cut(text: str, html: str) -> _Cut:
    return _Cut(tuple(_LINE.findall(text)), tuple(_PIECE.findall(html)))


def _differing(cuts: Sequence[_Cut]) -> list[int]:
    """The places at which not all have the same piece."""
    return [place for place, found in enumerate(zip(*(cut.pieces for cut in cuts), strict=True)) if len(set(found)) > 1]


def _key(place: int) -> str:
    return f"{MARK}{place}-"

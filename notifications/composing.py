"""A message and today's facts into the mail that goes out."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings

from core import brand, clock, languages
from notifications import delays, mail_kinds, mail_templates, mail_versions, parcel_data
from notifications.mail_crowd import Crowd
from notifications.mail_facts import NAMES, About
from notifications.mail_kinds import Kind
from notifications.models import EpisodeKind, MailVersion, Message, Shipment, ShipmentState
from notifications.providers.base import Mail


class CannotCompose(Exception):
    """This message cannot be made into a mail. The text says why and what to do; others are not affected."""


def compose(message: Message, *, attempt: int, crowd: Crowd | None = None) -> Mail:
    """The mail of a message as its order and parcel stand now. Raises CannotCompose.

    `message` needs its rule, customer, episode, shipment and order at hand. Which text it is made from is decided once
    and left in `message.mail_version`, and in `asserted` the day that it names: whoever asked stores them. `crowd` are
    the shipments of all mails that are made together.
    """
    customer, look = message.customer, brand.current()
    about = About(
        message.episode.shipment, look=look, locale=message.locale, now=clock.now(), message=message, crowd=crowd
    )
    try:
        version = _version(message, about)
        rendered = fill(version, about)
    except mail_templates.MailTemplateError as error:
        raise CannotCompose(str(error)) from error
    message.mail_version = version
    if "expected_by" in mail_kinds.KINDS[version.template].needs:
        message.asserted = {**message.asserted, "expected_by": about["expected_by"].isoformat()}
    return Mail(
        message_id=str(message.pk),
        attempt=attempt,
        to_address=customer.email,
        to_name=" ".join(filter(None, (customer.first_name, customer.last_name))),
        from_address=settings.MAIL_FROM,
        from_name=look.mail_sender,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        headers=mail_templates.unsubscribe_headers(about["unsubscribe_url"]),
        categories=(message.rule.key,),
        made_from=f"{version.pk}:{rendered.locale}",
        shape=rendered.shape,
        slots=rendered.slots,
    )


def many(messages: Sequence[Message]) -> contextlib.AbstractContextManager[None]:
    """Within the block these are made: what most of them need is set up once, the language of the first."""
    locale = messages[0].locale if messages else ""
    return mail_templates.speaking(languages.nearest(locale) or settings.LANGUAGE_CODE)


def fill(version: MailVersion, about: About) -> mail_templates.Rendered:
    """A version of a text about an order. Raises MailTemplateError."""
    parts = mail_versions.parts(version)
    context = {name: about[name] for name in _wanted(parts.reads)}
    if "parcel_data" in parts.reads:
        order = about.order
        data = parcel_data.of(about, country=order.ship_to_country, region=order.ship_to_region)
        context["parcel_data"] = parcel_data.script_text(data)
    return mail_templates.fill(parts, version.locale, {**context, "brand": about.look, "facts": about.crowd.facts})


@functools.lru_cache(maxsize=256)
def _wanted(reads: frozenset[str]) -> tuple[str, ...]:
    """The facts that a text asks for, of those that there are."""
    return tuple(mail_templates.REQUIRED | (reads & NAMES))


def _version(message: Message, about: About) -> MailVersion:
    """The text of a message: the one that it was made from before, else the one in use of the mail that fits."""
    kind = mail_kinds.called(message.rule.template)
    if kind is None:
        raise CannotCompose(f"There is no mail {message.rule.template!r}. Choose another for the rule.")
    if message.mail_version is not None:
        before = mail_kinds.KINDS[message.mail_version.template]
        if not mail_kinds.refusal(before, about):
            return message.mail_version
    why = ""
    for one in _most_telling(kind):
        if not (why := mail_kinds.refusal(one, about)):
            return about.crowd.version(one.name, message.locale)
    raise CannotCompose(f"The mail {kind.title!r} would not be true: {why}.")


def _most_telling(kind: Kind) -> Iterator[Kind]:
    for name in kind.instead:
        yield mail_kinds.KINDS[name]
    yield kind


def _goes_on(message: Message, shipment: Shipment) -> bool:
    """An incident says nothing to who has the parcel already, unless it is about delivered ones."""
    wanted = message.asserted.get("state", "")
    has_ended = shipment.state in (ShipmentState.DELIVERED, ShipmentState.RETURNED) and shipment.state != wanted
    return message.episode.closed_at is None and shipment.order.cancelled_at is None and not has_ended


def is_still_true(message: Message, crowd: Crowd, *, now: datetime) -> bool:
    """Whether what the message says holds at `now`: its episode goes on, with the promise that it names.

    Its shipment is one of the crowd's.
    """
    asserted, episode = message.asserted, message.episode
    if asserted["kind"] == EpisodeKind.INCIDENT:
        return _goes_on(message, episode.shipment)
    kind = delays.DelayKind(asserted["kind"])
    promised_by = datetime.fromisoformat(asserted["promised_by"])
    if episode.closed_at is not None:
        return False
    return delays.why_closed(crowd.parcels[episode.shipment_id], kind, promised_by, now=now) is None

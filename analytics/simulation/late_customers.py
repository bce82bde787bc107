"""Customers whose parcel is late: some write to us, fewer of those whom we told first."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from analytics.simulation.browser import PHONE, Browser, PageError
from analytics.simulation.script import Script
from core import clock
from notifications import links
from notifications.models import Arm, Message, MessageState, Order

_ORDER_NUMBER = re.compile(r"\bFH-\d{6}\b")
_HAS_THE_MAIL = (MessageState.ACCEPTED, MessageState.DELIVERED)


@dataclass(frozen=True)
class Patience:
    """What the simulator knows of late customers: who contacts us, by arm, and who opens the mail's link."""

    contacts_untold: float = 0.36
    contacts_told: float = 0.17
    opens_link: float = 0.55


def live(messages: Iterable[Message], script: Script, *, patience: Patience, seed: int) -> Counter[str]:
    """What these customers do in the days after; `messages` with customer and order at hand. Counts what was done.

    Somebody whose mail never went out is as impatient as somebody held out.
    """
    done: Counter[str] = Counter()
    for message in messages:
        rng = random.Random(f"{seed}:{message.dedupe_key}")  # noqa: S311  a simulation, not a secret
        was_told = message.arm == Arm.NOTIFY and message.state in _HAS_THE_MAIL
        try:
            _live(message, script, patience, rng, was_told, done)
        except PageError as error:
            done[f"failed: {error}"] += 1
    return done


def _live(
    message: Message, script: Script, patience: Patience, rng: random.Random, was_told: bool, done: Counter[str]
) -> None:
    customer, order = message.customer, message.episode.shipment.order
    address = f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
    browser = Browser(agent=PHONE, address=address)
    at = message.eligible_at + timedelta(hours=rng.uniform(0.3, 20))
    locale = customer.locale
    if was_told and rng.random() < patience.opens_link:
        with clock.frozen(at):
            browser.open(urlsplit(links.order_url(order, locale=locale)).path)
        done["opened the order page"] += 1
        at += timedelta(minutes=rng.uniform(1, 5))
    if rng.random() >= (patience.contacts_told if was_told else patience.contacts_untold):
        return
    at += timedelta(hours=rng.uniform(0.2, 70))
    if at > clock.now():
        return  # will write, but has not yet
    letter = script.letter_about("order_status", locale, rng)
    with clock.frozen(at):
        form = browser.open(f"/{locale}/contact/").form_with("email", "message")
    with clock.frozen(at + timedelta(minutes=2)):
        browser.submit(
            form,
            name=customer.first_name,
            email=customer.email,
            subject=_about(order, letter.subject),
            message=_about(order, letter.message),
            order_number=order.number,
        )
    done["wrote to us about a late parcel"] += 1


def _about(order: Order, text: str) -> str:
    """The letter's words with this order's number where they name one."""
    return _ORDER_NUMBER.sub(order.number, text)

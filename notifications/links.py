"""The signed links to a person's pages: an order, what we write about, stop writing.

A link says how many revocations there were when it was made; a later one makes it void. Nothing else of it is stored.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import reverse
from django.utils import translation

from core import crypto
from notifications.models import LinkRevocation, Order

# In our e-mails: as long as somebody may wonder about the order.
ORDER_LINK_AGE = timedelta(days=60)
# Asked for on the site: time to open the mail. It may be opened more than once, since mailboxes look first.
ORDER_LOOKUP_AGE = timedelta(minutes=15)
PREFERENCES_LINK_AGE = timedelta(days=730)
# Long: a mail is kept for years, and the link in it must still stop us. Not revocable: all it can do is stop us.
UNSUBSCRIBE_LINK_AGE = timedelta(days=3650)

_TOKEN = "-token-"  # noqa: S105 - where one will stand
LINK, LOOKUP, BROWSER = "link", "lookup", "browser"
_AGES = {LINK: ORDER_LINK_AGE, LOOKUP: ORDER_LOOKUP_AGE, BROWSER: ORDER_LOOKUP_AGE}


class RevokedLink(crypto.BadLink):
    """The link is ours and was stopped, by the customer or by ops."""


@dataclass(frozen=True)
class OrderLink:
    """What a link to an order's page says: which order, and how its reader came by it (LINK, LOOKUP or BROWSER).

    `generation` is the number of revocations that there were.
    """

    order_id: int
    how: str
    generation: int


@dataclass(frozen=True)
class PreferencesLink:
    """Whose choices a link opens, and in which language."""

    person: str
    locale: str
    generation: int


@dataclass(frozen=True)
class UnsubscribeLink:
    """Whom to stop writing to, about which kind of trouble, and in which language to say so."""

    person: str
    scope: str
    locale: str


@dataclass(frozen=True)
class Revocations:
    """How often the links of some orders and people were revoked: what is not here was not."""

    of_orders: Counter[int]  # alone
    of_people: Counter[str]  # all that they had

    def generation_of(self, order: Order) -> int:
        person = order.customer.person
        return self.of_orders[order.pk] + (self.of_people[person] if person else 0)


def revocations_of(orders: Collection[int], people: Collection[str]) -> Revocations:
    """All that generations of these are counted from, in one query."""
    found = Revocations(Counter(), Counter())
    about = Q(order__any_of=orders) | Q(order=None, person__any_of=people)
    for order_id, person in LinkRevocation.objects.filter(about).values_list("order_id", "person"):
        if order_id is None:
            found.of_people[person] += 1
        else:
            found.of_orders[order_id] += 1
    return found


def order_token(order: Order, *, how: str = LINK, revocations: Revocations | None = None) -> str:
    """What stands in the address of the order's page. `order` needs its customer. `revocations`: if they are known."""
    generation = revocations.generation_of(order) if revocations else generation_of(order)
    return crypto.sign("order", [order.pk, how, generation])


def order_url(order: Order, *, locale: str, how: str = LINK, revocations: Revocations | None = None) -> str:
    """The absolute address of the order's page, for a mail: good for as long as `how` says."""
    token = order_token(order, how=how, revocations=revocations)
    return _address("orders:order", _language(locale), token)


def read_order_link(token: str) -> OrderLink:
    """What the token says, whether or not it has been revoked (see check_order_link).

    Raises crypto.ExpiredLink, with the OrderLink as its value, or crypto.BadLink.
    """
    try:
        said = crypto.unsign("order", token, max_age=ORDER_LINK_AGE)
    except crypto.ExpiredLink as expired:
        raise crypto.ExpiredLink("order", _order_link(expired.value)) from expired
    link = _order_link(said)
    try:
        crypto.unsign("order", token, max_age=_AGES[link.how])
    except crypto.ExpiredLink as expired:
        raise crypto.ExpiredLink("order", link) from expired
    return link


def check_order_link(link: OrderLink, order: Order) -> None:
    """Raises RevokedLink where the link was made before a revocation. `order` needs its customer."""
    if link.generation != generation_of(order):
        raise RevokedLink("order")


def generation_of(order: Order) -> int:
    """How often the links to an order were revoked, alone or with all of its customer's."""
    people = [order.customer.person] if order.customer.person else []
    return revocations_of([order.pk], people).generation_of(order)


def preferences_token(person: str, *, locale: str, revocations: Revocations | None = None) -> str:
    """What stands in the address of a person's choices. `revocations`: if they are known."""
    generation = revocations.of_people[person] if revocations else _generation_of_person(person)
    return crypto.sign("preferences", [person, _language(locale), generation])


def preferences_url(person: str, *, locale: str, revocations: Revocations | None = None) -> str:
    """The absolute address of what we write to a person about."""
    token = preferences_token(person, locale=locale, revocations=revocations)
    return _address("orders:preferences", _language(locale), token)


def read_preferences_link(token: str) -> PreferencesLink:
    """Raises crypto.ExpiredLink, RevokedLink or crypto.BadLink."""
    link = PreferencesLink(*crypto.unsign("preferences", token, max_age=PREFERENCES_LINK_AGE))
    if link.generation != _generation_of_person(link.person):
        raise RevokedLink("preferences")
    return link


def revoke_order(order: Order, *, at: datetime, by: User | None) -> None:
    """Make void every link to this order made so far, and every browser's way to it. `by` nobody: the customer."""
    LinkRevocation.objects.create(order=order, at=at, by=by, is_by_customer=by is None)


def revoke_person(person: str, *, at: datetime, by: User | None) -> None:
    """The same for all orders of a person, and for the links to their choices."""
    if not person:
        raise ValueError("nobody's links cannot be revoked")
    LinkRevocation.objects.create(person=person, at=at, by=by, is_by_customer=by is None)


def unsubscribe_url(person: str, *, scope: str, locale: str) -> str:
    """The absolute address that stops mails of one kind to one person, without sign-in."""
    language = _language(locale)
    return _address("unsubscribe", language, crypto.sign("unsubscribe", [person, scope, language]))


def read_unsubscribe_link(token: str) -> UnsubscribeLink:
    """Raises crypto.ExpiredLink or crypto.BadLink."""
    return UnsubscribeLink(*crypto.unsign("unsubscribe", token, max_age=UNSUBSCRIBE_LINK_AGE))


def contact_url(*, locale: str) -> str:
    """The absolute address of the contact form."""
    return settings.SITE_URL + _path("contacts:form", _language(locale), is_signed=False)


def _order_link(said: Any) -> OrderLink:
    match said:
        case [int() as order_id, str() as how, int() as generation] if how in _AGES:
            return OrderLink(order_id, how, generation)
    raise crypto.BadLink("order")


def _generation_of_person(person: str) -> int:
    return LinkRevocation.objects.filter(order=None, person=person).count()


def _language(locale: str) -> str:
    """The language of ours that is nearest to a customer's locale."""
    try:
        return translation.get_supported_language_variant(locale)
    except LookupError:
        return settings.LANGUAGE_CODE


def _address(name: str, language: str, token: str) -> str:
    return settings.SITE_URL + _path(name, language, is_signed=True).replace(_TOKEN, token)


@functools.lru_cache(maxsize=64)
def _path(name: str, language: str, *, is_signed: bool) -> str:
    """The path of a page in a language; of a signed one with _TOKEN where a token stands, which needs no quoting."""
    with translation.override(language):
        return reverse(name, args=[_TOKEN] if is_signed else [])

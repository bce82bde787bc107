"""The signed links in our mails: to an order's page, and to stop writing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from core import crypto
from notifications.models import Order

ORDER_LINK_AGE = timedelta(days=60)
# Long: a mail is kept for years, and the link in it must still stop us.
UNSUBSCRIBE_LINK_AGE = timedelta(days=3650)


@dataclass(frozen=True)
class OrderLink:
    """What a link to an order's page says: which order, and how its reader came by it (link or lookup)."""

    order_id: int
    how: str


@dataclass(frozen=True)
class UnsubscribeLink:
    """Whom to stop writing to, about which kind of trouble, and in which language to say so."""

    person: str
    scope: str
    locale: str


def order_url(order: Order, *, locale: str, how: str = "link") -> str:
    """The absolute address of the order's page, good for ORDER_LINK_AGE."""
    token = crypto.sign("order", [order.pk, how])
    with translation.override(_language(locale)):
        return settings.SITE_URL + reverse("orders:order", args=[token])


def read_order_link(token: str) -> OrderLink:
    """Raises crypto.ExpiredLink or crypto.BadLink."""
    order_id, how = crypto.unsign("order", token, max_age=ORDER_LINK_AGE)
    return OrderLink(order_id, how)


def unsubscribe_url(person: str, *, scope: str, locale: str) -> str:
    """The absolute address that stops mails of one kind to one person, without sign-in."""
    token = crypto.sign("unsubscribe", [person, scope, _language(locale)])
    return settings.SITE_URL + reverse("unsubscribe", args=[token])


def read_unsubscribe_link(token: str) -> UnsubscribeLink:
    """Raises crypto.ExpiredLink or crypto.BadLink."""
    return UnsubscribeLink(*crypto.unsign("unsubscribe", token, max_age=UNSUBSCRIBE_LINK_AGE))


def contact_url(*, locale: str) -> str:
    """The absolute address of the contact form."""
    with translation.override(_language(locale)):
        return settings.SITE_URL + reverse("contacts:form")


def _language(locale: str) -> str:
    """The language of ours that is nearest to a customer's locale."""
    try:
        return translation.get_supported_language_variant(locale)
    except LookupError:
        return settings.LANGUAGE_CODE

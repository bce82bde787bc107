"""A message and today's facts into the mail that goes out."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation

from notifications import delays, links, mail_templates, tracking
from notifications.models import Customer, Message, Shipment, TrackingEvent
from notifications.providers.base import Mail


class CannotCompose(Exception):
    """This message cannot be made into a mail. The text says why and what to do; others are not affected."""


def compose(message: Message, *, attempt: int) -> Mail:
    """The mail of a message as its order and parcel stand now. Raises CannotCompose.

    `message` needs its rule, customer, episode, shipment and order at hand.
    """
    customer, shipment = message.customer, message.episode.shipment
    order = shipment.order
    unsubscribe_url = links.unsubscribe_url(message.person, scope=message.rule.kind, locale=message.locale)
    last = TrackingEvent.objects.filter(shipment=shipment, is_dated=True, oddity="").exclude(state="").first()
    try:
        rendered = mail_templates.render(
            message.rule.template,
            message.locale,
            {
                "shop_name": settings.SHOP_NAME,
                "customer_first_name": customer.first_name,
                "order_number": order.number,
                "promised_by": day_of(order.promised_deliver_by or message.episode.promised_by, customer),
                "order_url": links.order_url(order, locale=message.locale),
                "contact_url": links.contact_url(locale=message.locale),
                "unsubscribe_url": unsubscribe_url,
                "handed_over": tracking.facts_of(shipment).is_handed_over,
                "last_event_text": event_text(last, locale=message.locale) if last else "",
                "last_event_at": last.at if last else None,
            },
        )
    except mail_templates.MailTemplateError as error:
        raise CannotCompose(str(error)) from error
    return Mail(
        message_id=str(message.pk),
        attempt=attempt,
        to_address=customer.email,
        to_name=" ".join(filter(None, (customer.first_name, customer.last_name))),
        from_address=settings.MAIL_FROM,
        from_name=settings.SHOP_NAME,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        headers=mail_templates.unsubscribe_headers(unsubscribe_url),
        categories=(message.rule.key,),
    )


def event_text(event: TrackingEvent, *, locale: str = "") -> str:
    """What a carrier reported, in the customer's words."""
    if event.text:
        return event.text
    with translation.override(locale or translation.get_language()):
        return str(event.get_state_display())


def day_of(moment: datetime, customer: Customer) -> date:
    """The calendar day of a promise where the customer is (else where the shop is)."""
    return timezone.localtime(moment, ZoneInfo(customer.time_zone or settings.SHOP_TIME_ZONE)).date()


def is_still_true(message: Message, shipment: Shipment, *, now: datetime) -> bool:
    """Whether what the message says holds at `now`: its episode goes on, with the promise that it names."""
    asserted = message.asserted
    kind = delays.DelayKind(asserted["kind"])
    promised_by = datetime.fromisoformat(asserted["promised_by"])
    if message.episode.closed_at is not None:
        return False
    return delays.why_closed(tracking.facts_of(shipment), kind, promised_by, now=now) is None

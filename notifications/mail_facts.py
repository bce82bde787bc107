"""What a mail can say of an order and its parcel, read as it is asked for: most mails need little of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation

from core.brand_look import Look
from notifications import carriers, delays, forecasts, incident_texts, links, told, tracking
from notifications.mail_crowd import Crowd
from notifications.models import Customer, Incident, Message, Shipment, ShipmentState, TrackingEvent
from notifications.occasions import FORETELLING
from notifications.order_texts import OF_REASON

_MOST_ITEMS = 20


class About(Mapping[str, Any]):
    """The facts of a mail about a shipment (with its order and customer), by the names of mail_kinds.VARIABLES.

    `message` is the one that the mail is made for, None in a preview. A shipment that is not saved stands for an order
    of which no parcel is known yet. `crowd` are those that mails are made about at the same time.
    """

    def __init__(
        self,
        shipment: Shipment,
        *,
        look: Look,
        locale: str,
        now: datetime,
        message: Message | None = None,
        crowd: Crowd | None = None,
    ) -> None:
        self.shipment, self.order, self.customer = shipment, shipment.order, shipment.order.customer
        self.look, self.locale, self.now, self.message = look, locale, now, message
        # Whose words the mail `incident` says.
        self.incident: Incident | None = message.episode.incident if message and message.episode.incident_id else None
        self.crowd = crowd or Crowd([shipment])
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = _READ[name](self)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_READ)

    def __len__(self) -> int:
        return len(_READ)


def day_of(moment: datetime, customer: Customer) -> date:
    """The calendar day of a promise where the customer is (else where the shop is)."""
    return timezone.localtime(moment, ZoneInfo(customer.time_zone or settings.SHOP_TIME_ZONE)).date()


def event_text(event: TrackingEvent, *, locale: str = "") -> str:
    """What a carrier reported, in the customer's words."""
    if event.text:
        return event.text
    with translation.override(locale or translation.get_language()):
        return str(event.get_state_display())


def _harmless(name: str) -> str:
    """In a preview: a link that opens nobody's order and stops nobody's mail."""
    return f"{settings.SITE_URL}/{name}/preview/"


def _shop_day(moment: datetime) -> date:
    return timezone.localtime(moment, ZoneInfo(settings.SHOP_TIME_ZONE)).date()


def _promised_by(about: About) -> date | None:
    moment = about.order.promised_deliver_by
    if moment is None and about.message is not None and about.message.episode.incident_id is None:
        moment = about.message.episode.promised_by
    return day_of(moment, about.customer) if moment else None


def _expected(about: About) -> tuple[date, bool] | None:
    """The day by which it comes, and whether the carrier says so: never one that has passed."""
    said = about.shipment.expected_by
    if said is not None:
        day = day_of(said, about.customer)
        return (day, True) if day >= about["today"] else None
    if not about.shipment.pk or about.shipment.state == ShipmentState.DELIVERED:
        return None
    forecast = about.crowd.forecasts.get(about.shipment.pk)
    found = forecasts.named(forecast, about["today"], handed_over_at=about.shipment.handed_over_at)
    return (about["today"] + timedelta(days=found.high), False) if found else None


def _last_event(about: About) -> TrackingEvent | None:
    return about.crowd.last_events.get(about.shipment.pk)


def _why(about: About) -> str:
    """What the carrier last gave as the reason, while its trouble goes on."""
    if about.shipment.state not in (ShipmentState.EXCEPTION, ShipmentState.ATTEMPT_FAILED):
        return ""
    event = about["last_event"]
    if event is None or event.state != about.shipment.state or event.reason not in OF_REASON:
        return ""
    with translation.override(about.locale):
        return str(OF_REASON[event.reason])


def _next_update_by(about: About) -> datetime | None:
    if about.incident is not None and about.incident.next_update_at:
        return about.incident.next_update_at
    due = about.crowd.next_updates.get(about.order.pk)
    return due if due is not None and due > about.now else None


def _pickup_place(about: About) -> str:
    event = about["last_event"]
    return event.place if event is not None and event.state == ShipmentState.AVAILABLE_FOR_PICKUP else ""


def _told(about: About) -> Message | None:
    """Our last mail to this person that something is wrong with this parcel, if a provider took it and none since has
    taken it back.
    """
    if not about.shipment.pk or not about.customer.person:
        return None
    own = about.message.pk if about.message is not None else None
    heard = about.crowd.alarms.get(about.shipment.pk, ())
    return told.standing(one for one in heard if one.person == about.customer.person and one.pk != own)


def _told_day(about: About) -> date | None:
    alarm = about["told"]
    return told.day_named(alarm) if alarm else None


def _came_in_time(about: About) -> bool:
    """Although our mail said that it would be late."""
    alarm = about["told"]
    if alarm is None or alarm.episode.kind not in FORETELLING or not about["promised_by"]:
        return False
    return about["delivered_on"] is not None and about["delivered_on"] <= about["promised_by"]


def _items(about: About) -> list[str]:
    return about.crowd.items.get(about.order.pk, [])[:_MOST_ITEMS]


def _troubles(about: About) -> frozenset[str]:
    facts = about.crowd.parcels.get(about.shipment.pk) or tracking.facts_of(about.shipment)
    return frozenset(delay.kind.value for delay in delays.find_delays(facts, now=about.now))


def _silent_days(about: About) -> int | None:
    return (about["today"] - about["last_event_on"]).days if about["last_event_on"] else None


def _incident_said(about: About) -> tuple[str, list[str]]:
    text = incident_texts.for_locale(about.incident, about.locale) if about.incident else None
    if text is None:
        return "", []
    try:
        return incident_texts.filled(text, about)
    except ValueError:
        return "", []  # the mail's needs refuse it, and say so


_READ: dict[str, Callable[[About], Any]] = {
    "customer_first_name": lambda about: about.customer.first_name,
    "shop_name": lambda about: about.look.name,
    "order_number": lambda about: about.order.number,
    "order_url": lambda about: (
        links.order_url(about.order, locale=about.locale, revocations=about.crowd.revocations)
        if about.message
        else _harmless("orders")
    ),
    "contact_url": lambda about: links.contact_url(locale=about.locale),
    "preferences_url": lambda about: (
        links.preferences_url(about.customer.person, locale=about.locale, revocations=about.crowd.revocations)
        if about.message
        else _harmless("preferences")
    ),
    "unsubscribe_url": lambda about: (
        links.unsubscribe_url(about.customer.person, scope=about.message.rule.kind, locale=about.locale)
        if about.message
        else _harmless("u")
    ),
    "today": lambda about: _shop_day(about.now),
    "items": _items,
    "placed_on": lambda about: day_of(about.order.placed_at, about.customer),
    "promised_by": _promised_by,
    "days_late": lambda about: max(0, (about["today"] - about["promised_by"]).days) if about["promised_by"] else 0,
    "expected": _expected,
    "expected_by": lambda about: about["expected"][0] if about["expected"] else None,
    "expected_by_carrier": lambda about: bool(about["expected"] and about["expected"][1]),
    "why": _why,
    "next_update_by": _next_update_by,
    "handed_over": lambda about: tracking.facts_of(about.shipment).is_handed_over,
    "is_cancelled": lambda about: about.order.cancelled_at is not None,
    "state": lambda about: about.shipment.state,
    "troubles": _troubles,
    "carrier": lambda about: about.shipment.carrier,
    "tracking_no": lambda about: about.shipment.tracking_no,
    "tracking_url": lambda about: carriers.tracking_page(about.shipment.carrier, about.shipment.tracking_no),
    "last_event": _last_event,
    "last_event_text": lambda about: (
        event_text(about["last_event"], locale=about.locale) if about["last_event"] else ""
    ),
    "last_event_at": lambda about: about["last_event"].at if about["last_event"] else None,
    "last_event_on": lambda about: _shop_day(about["last_event_at"]) if about["last_event_at"] else None,
    "silent_days": _silent_days,
    "pickup_place": _pickup_place,
    "delivered_on": lambda about: (
        day_of(about.shipment.delivered_at, about.customer) if about.shipment.delivered_at else None
    ),
    "incident_said": _incident_said,
    "incident_subject": lambda about: about["incident_said"][0],
    "incident_paragraphs": lambda about: about["incident_said"][1],
    "told": _told,
    "told_on": lambda about: _shop_day(about["told"].sent_at) if about["told"] else None,
    "told_day": _told_day,
    "came_in_time": _came_in_time,
    "came_before_told": lambda about: bool(
        about["told"] and about.shipment.delivered_at and about.shipment.delivered_at < about["told"].sent_at
    ),
}
NAMES = frozenset(_READ)

"""What a customer sees of an order: plain sentences, drawn from the facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Prefetch
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kb import selectors as kb_selectors
from notifications import (
    carriers,
    delays,
    expectations,
    forecasts,
    mail_facts,
    next_updates,
    order_states,
    timeline,
    tracking,
    transit,
)
from notifications.expectations import Expectation, Tables
from notifications.models import Order, Shipment, ShipmentLine, ShipmentState
from notifications.order_states import OrderState
from notifications.order_texts import OF_ORDER, Words

# No day can be named for such a parcel: it has come, goes back, waits, or the usual times do not hold.
_WITHOUT_DAY = (
    ShipmentState.DELIVERED,
    ShipmentState.RETURNED,
    ShipmentState.AVAILABLE_FOR_PICKUP,
    ShipmentState.ATTEMPT_FAILED,
    ShipmentState.EXCEPTION,
)


@dataclass(frozen=True)
class Expected:
    """When a parcel should come. `text` are the likeliest days, `likely` how sure that is; both may be empty."""

    text: str
    likely: str
    is_after_promise: bool = False


@dataclass(frozen=True)
class Parcel:
    """One parcel of the order. `step` counts the done steps of its way, None where it leads back."""

    state: str
    state_text: str
    carrier: str
    tracking_no: str
    tracking_url: str
    expected: Expected
    contents: list[str]
    timeline: timeline.Timeline
    step: int | None


@dataclass(frozen=True)
class OrderPage:
    """All of templates/notifications/order.html but who may change what."""

    number: str
    state: OrderState
    title: str
    text: str
    icon: str
    tone: str
    placed_at: datetime
    promised_by: date | None
    is_promise_open: bool  # nothing has come of it yet, one way or the other
    lines: list[str]
    parcels: list[Parcel]
    unpacked_expected: Expected | None  # of an order of which no parcel is known
    said: next_updates.Said | None
    articles: list[kb_selectors.Suggestion]
    contact_url: str
    contact_text: str


@dataclass(frozen=True)
class Brief:
    """An order in two lines, for the contact form's box."""

    number: str
    title: str
    expected: str


def page_of(order: Order, *, now: datetime) -> OrderPage:
    """The page of one order (with its customer at hand), in the active language and time zone."""
    shipments = _shipments(order)
    state = _state(order, shipments, now=now)
    words = OF_ORDER[state]
    promised_by = _promised_by(order)
    parcels, unpacked = _parcels(order, shipments, promised_by, now=now)
    return OrderPage(
        number=order.number,
        state=state,
        title=str(words.title),
        text=_arrival(shipments) if state == OrderState.DELIVERED else str(words.text),
        icon=words.icon,
        tone=words.tone,
        placed_at=order.placed_at,
        promised_by=promised_by,
        is_promise_open=unpacked is not None or any(_is_awaited(order, shipment) for shipment in shipments),
        lines=[_line(line.quantity, line.title) for line in order.lines.all()],
        parcels=parcels,
        unpacked_expected=unpacked,
        said=next_updates.said_about(order, now=now),
        articles=_articles(words),
        contact_url=contact_path(order, state),
        contact_text=_("Ask us about this order"),
    )


def _articles(words: Words) -> list[kb_selectors.Suggestion]:
    """Answers that fit the state. Where none is written in the reader's language, the default one's stand in, as they
    do everywhere in the help centre.
    """
    locale = get_language() or settings.LANGUAGE_CODE
    if not (asked := str(words.ask)):
        return []
    found = kb_selectors.suggest(asked, locale=locale, limit=3)
    if found or locale == settings.LANGUAGE_CODE:
        return found
    with translation.override(settings.LANGUAGE_CODE):
        found = kb_selectors.suggest(str(words.ask), locale=settings.LANGUAGE_CODE, limit=3)
    cards = kb_selectors.cards([one.article_id for one in found], locale)
    return [kb_selectors.Suggestion(card.id, card.title, card.url, SafeString(), card.locale) for card in cards]


def brief_of(order: Order, *, now: datetime) -> Brief:
    """The same, as short as it can be."""
    shipments = _shipments(order)
    words = OF_ORDER[_state(order, shipments, now=now)]
    parcels, unpacked = _parcels(order, shipments, _promised_by(order), now=now)
    told = [parcel.expected for parcel in parcels if parcel.expected.text] or ([unpacked] if unpacked else [])
    return Brief(order.number, str(words.title), told[0].text if told else "")


def contact_path(order: Order, state: OrderState) -> str:
    """The contact form with the order's number in it and what it is about."""
    return f"{reverse('contacts:form')}?{urlencode({'order': order.number, 'q': str(OF_ORDER[state].title)})}"


def _shipments(order: Order) -> list[Shipment]:
    found = (
        order.shipments.select_related("forecast")
        .order_by("pk")
        .prefetch_related(
            "events", Prefetch("contents", ShipmentLine.objects.select_related("line").order_by("line__position"))
        )
    )
    for shipment in found:
        shipment.order = order  # else a query for each
    # What was called off before anybody took it in hand is no parcel.
    return [one for one in found if order.cancelled_at is None or one.events.all()]


def _state(order: Order, shipments: list[Shipment], *, now: datetime) -> OrderState:
    facts = [tracking.facts_of(shipment) for shipment in shipments] or [
        delays.ParcelFacts(order.promised_ship_by, order.promised_deliver_by, is_cancelled=bool(order.cancelled_at))
    ]
    late = {delay.kind for one in facts for delay in delays.find_delays(one, now=now)}
    return order_states.state_of(
        [shipment.state for shipment in shipments], delays=late, is_cancelled=order.cancelled_at is not None
    )


def _promised_by(order: Order) -> date | None:
    return mail_facts.day_of(order.promised_deliver_by, order.customer) if order.promised_deliver_by else None


def _is_awaited(order: Order, shipment: Shipment) -> bool:
    """Whether the promised day still means something: it has neither come nor gone back nor is ready to collect."""
    return not _is_over(order, shipment) and shipment.state != ShipmentState.AVAILABLE_FOR_PICKUP


def _arrival(shipments: list[Shipment]) -> str:
    """When the last parcel came; empty where a carrier named no time."""
    moments = [shipment.delivered_at for shipment in shipments]
    if not moments or None in moments:
        return ""
    day = timezone.localtime(max(moment for moment in moments if moment)).date()
    return _("It arrived on %(day)s.") % {"day": _weekday(day)}


def _is_over(order: Order, shipment: Shipment) -> bool:
    return order.cancelled_at is not None or shipment.state in (ShipmentState.DELIVERED, ShipmentState.RETURNED)


def _parcels(
    order: Order, shipments: list[Shipment], promised_by: date | None, *, now: datetime
) -> tuple[list[Parcel], Expected | None]:
    """The parcels, or when an order of which none is known should come."""
    if order.cancelled_at is not None and not shipments:
        return [], None
    tables = transit.tables_for({shipment.carrier for shipment in shipments} or {""})
    if not shipments:
        nothing_yet = Shipment(order=order, carrier="", state=ShipmentState.CREATED)
        return [], _expected(nothing_yet, tables[""], promised_by, now=now)
    return [_parcel(shipment, tables[shipment.carrier], promised_by, now=now) for shipment in shipments], None


def _parcel(shipment: Shipment, tables: Tables, promised_by: date | None, *, now: datetime) -> Parcel:
    order = shipment.order
    is_cancelled = order.cancelled_at is not None
    return Parcel(
        state="cancelled" if is_cancelled else shipment.state,
        state_text=_("Cancelled") if is_cancelled else str(shipment.get_state_display()),
        carrier=shipment.carrier,
        tracking_no=shipment.tracking_no,
        tracking_url=carriers.tracking_page(shipment.carrier, shipment.tracking_no),
        expected=_expected(shipment, tables, promised_by, now=now),
        contents=[_line(content.quantity, content.line.title) for content in shipment.contents.all()],
        timeline=timeline.of(shipment.events.all(), placed_at=order.placed_at, now=now),
        step=None if is_cancelled else order_states.step_of(shipment.state),
    )


def _expected(shipment: Shipment, tables: Tables, promised_by: date | None, *, now: datetime) -> Expected:
    if _is_over(shipment.order, shipment) or shipment.state in _WITHOUT_DAY:
        return Expected("", "")
    today = timezone.localtime(now).date()
    last = shipment.last_event_at
    if shipment.state == ShipmentState.OUT_FOR_DELIVERY and last and timezone.localtime(last).date() == today:
        return Expected(_("today, the carrier says"), "")
    if (expected := days_of(shipment, tables, now=now)) is not None:
        return _in_days(expected, today, promised_by)
    promised_at = shipment.order.promised_deliver_by
    if promised_at and promised_at <= now:
        if expectations.is_enough(tables.transit_of_all):
            return Expected(_("not known: it has taken longer than almost all our parcels do"), "")
        return Expected(_("not known yet"), "")
    ship_by = shipment.order.promised_ship_by
    if shipment.handed_over_at is None and ship_by and ship_by <= now:
        # It should have left by now: to repeat the promised day would be to promise it again.
        return Expected(_("not known yet"), "")
    return Expected(_("by %(day)s") % {"day": _day(promised_by, today)}, "") if promised_by else Expected("", "")


def days_of(shipment: Shipment, tables: Tables, *, now: datetime) -> Expectation | None:
    """When a parcel comes by its lane's times, else by its carrier's usual ones; None where no day can be named."""
    if _is_over(shipment.order, shipment) or shipment.state in _WITHOUT_DAY:
        return None
    return forecasts.expected(shipment, timezone.localtime(now).date()) or transit.expect(
        shipment, tables, placed_at=shipment.order.placed_at, now=now
    )


def _in_days(expected: Expectation, today: date, promised_by: date | None) -> Expected:
    """The days that half come on; those of four in five where they are more; and the day that 39 in 40 come by."""

    def named(days: int) -> str:
        return _day(today + timedelta(days=days), today)

    first, last = expected.half
    if first == last:
        text = named(first)
    else:
        words = _("%(first)s or %(last)s") if last == first + 1 else _("%(first)s to %(last)s")
        text = words % {"first": named(first), "last": named(last)}
    sure = []
    if (expected.low, expected.high) != expected.half:
        sure.append(
            _("Very likely between %(first)s and %(last)s: four in five parcels at this point arrive then.")
            % {"first": named(expected.low), "last": named(expected.high)}
        )
    if expected.most[1] > expected.high:
        sure.append(_("Almost surely by %(day)s.") % {"day": named(expected.most[1])})
    is_late = promised_by is not None and today + timedelta(days=expected.middle) > promised_by
    return Expected(text, " ".join(sure), is_late)


def _day(day: date, today: date) -> str:
    """A day near enough to be called by its weekday."""
    if day == today:
        return _("today")
    if day == today + timedelta(days=1):
        return _("tomorrow")
    return _weekday(day)


def _weekday(day: date) -> str:
    parts = {"weekday": formats.date_format(day, "l"), "day": formats.date_format(day, "MONTH_DAY_FORMAT")}
    # Translators: a date such as "Tuesday 24 November"
    return _("%(weekday)s %(day)s") % parts


def _line(quantity: int, title: str) -> str:
    return f"{quantity} × {title}"

"""A mail as it would be about a real order, or with made-up facts: for the desk."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template import TemplateSyntaxError

from core import brand
from kb import facts as desk_facts
from notifications import finding, mail_facts, mail_kinds, mail_templates, parcel_data
from notifications.mail_kinds import Kind
from notifications.mail_versions import Text
from notifications.models import Order, Shipment, ShipmentState

_DARK = re.compile(r"@media \(prefers-color-scheme:\s*dark\)")
_LOOKED_AT = 30  # newest parcels, for one that the mail would be true of


@dataclass(frozen=True)
class Shown:
    """A filled mail. `order` is None for the made-up example; `refused` says why it would not be sent about the order,
    and `error` why it cannot be filled at all.
    """

    order: Order | None
    subject: str = ""
    text: str = ""
    html: str = ""
    parcel: str = ""  # the JSON-LD, spread out
    refused: str = ""
    error: str = ""


def of(kind: Kind, locale: str, text: Text, *, order: int | None, now: datetime) -> Shown:
    """The text about the order of this id, else about the newest that it would be true of, else the example."""
    look = brand.current()
    shipment = _shipment(order) if order else _fitting(kind, locale, now=now)
    if shipment is None:
        facts: Any = mail_kinds.example(kind)
        refused, about = "", None
    else:
        facts = mail_facts.About(shipment, look=look, locale=locale, now=now)
        refused, about = mail_kinds.refusal(kind, facts), shipment.order
    if refused:
        return Shown(about, refused=refused)
    data = parcel_data.of(
        facts, country=about.ship_to_country if about else "GB", region=about.ship_to_region if about else ""
    )
    context = {
        **{name: facts[name] for name in mail_kinds.VARIABLES},
        "parcel_data": parcel_data.script_text(data), "brand": look, "facts": desk_facts.values,
    }  # fmt: skip
    try:
        parts = mail_templates.parts_of(text.subject, text.text, mail_templates.compiled(text.mjml), called="this text")
        filled = mail_templates.fill(parts, locale, context)
    except (mail_templates.MailTemplateError, TemplateSyntaxError, FileNotFoundError) as error:
        return Shown(about, error=str(error))
    parcel = json.dumps(data, ensure_ascii=False, indent=2) if "parcel_data" in parts.reads else ""
    return Shown(about, filled.subject, filled.text, filled.html, parcel)


def in_scheme(html: str, *, dark: bool) -> str:
    """The HTML as a mail program in the dark (or in the light) shows it, whatever the reader's own browser prefers."""
    return _DARK.sub("@media all" if dark else "@media not all", html)


def find_order(words: str, *, now: datetime, with_people: bool) -> int | None:
    """The newest order that somebody means by a number, a tracking number, an address or a name."""
    found = finding.orders(finding.Asked(words=words), now=now, with_people=with_people)
    return found.values_list("pk", flat=True).first()


_STATES: dict[str, tuple[str, ...]] = {
    "order_confirmed": (ShipmentState.CREATED,),
    "shipped": (ShipmentState.HANDED_OVER, ShipmentState.IN_TRANSIT),
    "delay_not_handed_over": (ShipmentState.CREATED,),
    "out_for_delivery": (ShipmentState.OUT_FOR_DELIVERY,),
    "held_for_pickup": (ShipmentState.AVAILABLE_FOR_PICKUP,),
    "delivered": (ShipmentState.DELIVERED,),
    "corrected": (ShipmentState.DELIVERED,),
}
_ON_ITS_WAY = (ShipmentState.HANDED_OVER, ShipmentState.IN_TRANSIT, ShipmentState.EXCEPTION)


def _fitting(kind: Kind, locale: str, *, now: datetime) -> Shipment | None:
    look = brand.current()
    wanted = _STATES.get(kind.name, _ON_ITS_WAY)
    newest = Shipment.objects.filter(state__in=wanted).select_related("order__customer").order_by("-pk")[:_LOOKED_AT]
    for shipment in newest:
        if not mail_kinds.refusal(kind, mail_facts.About(shipment, look=look, locale=locale, now=now)):
            return shipment
    return None


def _shipment(order: int) -> Shipment | None:
    """The order's newest parcel; one that is not there yet where none is known. None without such an order."""
    found = Shipment.objects.filter(order=order).select_related("order__customer").order_by("-pk").first()
    if found is not None:
        return found
    row = Order.objects.select_related("customer").filter(pk=order).first()
    return Shipment(order=row, carrier="", state=ShipmentState.CREATED) if row else None

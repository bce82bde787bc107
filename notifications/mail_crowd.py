"""Facts of many mails that are made at once: what one of them asks the database for is read for all of them, once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from kb import facts
from notifications import links, mail_versions, told, watching
from notifications.delays import ParcelFacts
from notifications.links import Revocations
from notifications.models import (
    Forecast,
    MailVersion,
    Message,
    NextUpdate,
    OrderLine,
    Shipment,
    TrackingEvent,
)


class Crowd:
    """The shipments (each with its order and customer) of mails that are made at the same moment.

    Read as it is asked for, and not again: it is good for one transaction. Shipments that are not saved have nothing.
    """

    def __init__(self, shipments: Sequence[Shipment]) -> None:
        self._shipments = list({one.pk: one for one in shipments if one.pk}.values())
        self._orders = {one.order_id for one in shipments if one.order_id}
        self._people = {one.order.customer.person for one in shipments} - {""}
        self._versions: dict[tuple[str, str], MailVersion] = {}
        self._said: dict[tuple[frozenset[str], str], dict[str, str]] = {}

    @cached_property
    def parcels(self) -> dict[int, ParcelFacts]:
        """What delays.py wants to know, by shipment."""
        return watching.facts_of_many(self._shipments)

    @cached_property
    def last_events(self) -> dict[int, TrackingEvent]:
        """The last scan that makes sense, by shipment."""
        scans = TrackingEvent.objects.filter(shipment__any_of=self._ids, is_dated=True, oddity="").exclude(state="")
        return {one.shipment_id: one for one in scans.order_by("shipment_id", "-at", "-id").distinct("shipment_id")}

    @cached_property
    def forecasts(self) -> dict[int, Forecast]:
        """By shipment."""
        return {one.shipment_id: one for one in Forecast.objects.filter(shipment__any_of=self._ids)}

    @cached_property
    def next_updates(self) -> dict[int, datetime]:
        """By when we said that we would write again, past or to come, by order."""
        return dict(
            NextUpdate.objects.filter(order__any_of=self._orders, closed_at=None).values_list("order_id", "due_at")
        )

    @cached_property
    def items(self) -> dict[int, list[str]]:
        """What was ordered, by order."""
        found: dict[int, list[str]] = defaultdict(list)
        lines = OrderLine.objects.filter(order__any_of=self._orders).order_by("order_id", "position")
        for order_id, quantity, title in lines.values_list("order_id", "quantity", "title"):
            found[order_id].append(f"{quantity} × {title}")
        return found

    @cached_property
    def alarms(self) -> dict[int, list[Message]]:
        """What we have really told of trouble, and taken back, by shipment."""
        found: dict[int, list[Message]] = defaultdict(list)
        for message in told.sent(self._ids):
            found[message.episode.shipment_id].append(message)
        return found

    @cached_property
    def revocations(self) -> Revocations:
        """How often the links of these orders and people were revoked."""
        return links.revocations_of(self._orders, self._people)

    def version(self, template: str, locale: str) -> MailVersion:
        """The version in use. Raises MailTemplateError."""
        if (template, locale) not in self._versions:
            self._versions[template, locale] = mail_versions.in_use(template, locale)
        return self._versions[template, locale]

    def facts(self, keys: Collection[str], locale: str) -> Mapping[str, str]:
        """What facts of the desk say: kb.facts.values."""
        asked = frozenset(keys), locale
        if asked not in self._said:
            self._said[asked] = facts.values(keys, locale)
        return self._said[asked]

    @property
    def _ids(self) -> list[int]:
        return [one.pk for one in self._shipments]

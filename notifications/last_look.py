"""The last look at claimed messages before they go: reads what gates.py decides by, and takes the frequency cap.

All is asked for many messages at once. One alone is a set of one.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from notifications import caps, gates, holding, quiet_hours, suppression, truth
from notifications.mail_crowd import Crowd
from notifications.models import Message
from notifications.states import Event

Verdict = gates.Stop | gates.Wait | None


def verdicts(messages: Sequence[Message], crowd: Crowd, *, now: datetime) -> dict[uuid.UUID, Verdict]:
    """What stands between each message and its hand-over at `now`; None: nothing, and it counts for the cap.

    In the transaction of the intents, after holding.lock() and suppression.lock_people(). Sets `counted_on`; whoever
    asked stores it. The messages need their rules, customers, episodes, shipments and orders at hand.
    """
    held, stops = holding.held(), suppression.stops_of({one.person for one in messages})
    quiet = quiet_hours.QuietHours(*settings.QUIET_HOURS) if settings.QUIET_HOURS else None
    found: dict[uuid.UUID, Verdict] = {}
    days: list[tuple[Message, date]] = []
    for message in messages:
        zone = _zone(message)
        untrue = truth.why_untrue(message, crowd, now=now)
        facts = gates.Facts(
            suppressed=suppression.reason_in(stops.get(message.person, {}), scope=message.rule.kind),
            is_rule_active=message.rule.is_active,
            is_still_true=not untrue,
            closed_because=untrue,
            expires_at=message.expires_at,
            is_held=holding.is_held(message, held),
            is_for_any_hour=message.rule.is_for_any_hour,
            quiet=quiet,
            zone=zone,
            is_erased=message.customer.is_erased,
        )
        found[message.pk] = gates.decide(facts, now=now)
        day = now.astimezone(zone).date()
        if found[message.pk] is None and _is_counted(message) and message.counted_on != day:
            days.append((message, day))
    return {**found, **_capped(days)}


def _is_counted(message: Message) -> bool:
    return bool(settings.MESSAGES_PER_DAY) and not message.rule.is_legal_notice


def _capped(days: Sequence[tuple[Message, date]]) -> dict[uuid.UUID, Verdict]:
    """Those that the frequency cap keeps back. The others then count: once a day, however often they are tried."""
    if not days:
        return {}
    found: dict[uuid.UUID, Verdict] = {}
    wanted = [(message.person, day) for message, day in days]
    for (message, day), may in zip(days, caps.take_all(wanted, most=settings.MESSAGES_PER_DAY), strict=True):
        if may:
            message.counted_on = day
        else:
            found[message.pk] = gates.Stop(Event.CAP, gates.ENOUGH)
    return found


def _zone(message: Message) -> ZoneInfo:
    country = message.episode.shipment.order.ship_to_country
    return quiet_hours.zone_of(message.customer.time_zone, country, settings.SHOP_TIME_ZONE)

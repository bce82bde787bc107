"""The last look at a claimed message before it goes: reads what gates.py decides by, and takes the frequency cap."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from notifications import caps, gates, holding, quiet_hours, suppression, truth
from notifications.models import Message
from notifications.states import Event


def verdict(message: Message, *, now: datetime) -> gates.Stop | gates.Wait | None:
    """What stands between a message and its hand-over at `now`; None: nothing, and it counts for the cap.

    In the transaction of the intent, after holding.lock() and suppression.lock_person(). Sets `counted_on`; whoever
    asked stores it. `message` needs its rule, customer, episode, shipment and order at hand.
    """
    zone = quiet_hours.zone_of(
        message.customer.time_zone, message.episode.shipment.order.ship_to_country, settings.SHOP_TIME_ZONE
    )
    found = gates.decide(_facts(message, zone=zone, now=now), now=now)
    if found is None and not _counts(message, now.astimezone(zone).date()):
        return gates.Stop(Event.CAP, gates.ENOUGH)
    return found


def _facts(message: Message, *, zone: ZoneInfo, now: datetime) -> gates.Facts:
    untrue = truth.why_untrue(message, now=now)
    return gates.Facts(
        suppressed=suppression.reason_not_to_write(message.person, scope=message.rule.kind),
        is_rule_active=message.rule.is_active,
        is_still_true=not untrue,
        closed_because=untrue,
        expires_at=message.expires_at,
        is_held=holding.is_held(message, holding.held()),
        is_for_any_hour=message.rule.is_for_any_hour,
        quiet=quiet_hours.QuietHours(*settings.QUIET_HOURS) if settings.QUIET_HOURS else None,
        zone=zone,
        is_erased=message.customer.is_erased,
    )


def _counts(message: Message, day: date) -> bool:
    """Whether the frequency cap lets it go; it then counts. Each message counts once a day, however often tried."""
    if message.rule.is_legal_notice or not settings.MESSAGES_PER_DAY or message.counted_on == day:
        return True
    if not caps.take(message.person, day, most=settings.MESSAGES_PER_DAY):
        return False
    message.counted_on = day
    return True

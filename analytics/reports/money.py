"""What effects are worth: the lower bound × people × what a contact cost on that day − what sending cost. Never a point
estimate; an interval with 0 in it saves nothing that anybody has shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from analytics.models import ContactDay, CostKind, CostSetting
from analytics.periods import Period
from analytics.reports.effect_entries import Code, Entry, Kind, Money, Saved
from analytics.stats.proportions import Interval

Dated = list[tuple[date, Decimal]]  # from which day on, the latest first


@dataclass(frozen=True)
class Costs:
    """What is set, in the currency of the newest setting. `contact`: by channel, "" for every other."""

    currency: str
    contact: Mapping[str, Dated]
    message: Dated

    @property
    def is_known(self) -> bool:
        """What a contact costs is set."""
        return bool(self.contact)

    def of_contact(self, day: date, mix: Mapping[str, float]) -> Decimal | None:
        """An average contact's cost on that day, by the shares of channels; None before the first setting. A channel
        without a cost counts as nothing."""
        found = {channel: self._of_channel(channel, day) for channel in mix}
        if all(amount is None for amount in found.values()):
            return None
        return sum((Decimal(share) * (found[channel] or 0) for channel, share in mix.items()), Decimal(0))

    def of_message(self, day: date) -> Decimal:
        """What a message sent on that day cost; before the first setting as much as by it."""
        return _in_force(self.message, day) or (self.message[-1][1] if self.message else Decimal(0))

    def _of_channel(self, channel: str, day: date) -> Decimal | None:
        own = _in_force(self.contact.get(channel, []), day)
        return own if own is not None else _in_force(self.contact.get("", []), day)


def costs() -> Costs:
    """As they are set now."""
    rows = list(CostSetting.objects.order_by("-since", "-pk"))
    if not rows:
        return Costs("", {}, [])
    currency = max(rows, key=lambda row: row.pk).currency
    contact: dict[str, Dated] = defaultdict(list)
    message: Dated = []
    for row in rows:
        if row.currency == currency:
            (contact[row.channel] if row.kind == CostKind.CONTACT else message).append((row.since, row.amount))
    return Costs(currency, dict(contact), message)


def mix(period: Period) -> dict[str, float]:
    """The channels of the period's contacts as shares of all; all "" where there were none."""
    days = ContactDay.objects.filter(day__range=(period.first, period.last))
    counts = dict(days.order_by().values_list("channel").annotate(number=Sum("contacts")))
    whole = sum(counts.values())
    return {channel: number / whole for channel, number in counts.items()} if whole else {"": 1.0}


def saved(entry: Entry, costs: Costs, channels: Mapping[str, float]) -> Saved:
    """What one effect saved in the period, by its own interval."""
    if not costs.is_known:
        return Saved(None, _("What a contact costs is not set."))
    if entry.kind is Kind.RULE and not costs.message:
        return Saved(None, _("What a message costs is not set."))
    if entry.code not in (Code.SHOWN, Code.HARMFUL) or entry.interval is None:
        return Saved(None, _("Not shown to save."))
    worth = worth_of(entry, entry.interval, costs, channels)
    if worth is None:
        return Saved(None, _("Nobody came into it in these days, or they came before the first cost."))
    low, high = worth
    if high < 0:
        return Saved(None, "", Money(-high, costs.currency))
    if low <= 0:
        return Saved(None, _("Not shown to save: at the lower bound sending cost more."))
    return Saved(Money(low, costs.currency))


def worth_of(
    entry: Entry, interval: Interval, costs: Costs, channels: Mapping[str, float]
) -> tuple[Decimal, Decimal] | None:
    """Lower and upper bound of what was saved; None where nobody can be reckoned with."""
    valued = Decimal(0)
    for day, units in entry.by_day.items():
        if (cost := costs.of_contact(day, channels)) is not None:
            valued += units * cost
    if not valued:
        return None
    sending = sum((sent * costs.of_message(day) for day, sent in entry.sent_by_day.items()), Decimal(0))
    low, high = (valued * Decimal(bound) / 1000 - sending for bound in (interval.low, interval.high))
    return low, high


def _in_force(dated: Dated, day: date) -> Decimal | None:
    return next((amount for since, amount in dated if since <= day), None)

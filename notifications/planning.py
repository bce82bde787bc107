"""Whether an episode is worth a message, to whom, and in which arm."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import bucketing
from notifications.delays import Delay
from notifications.models import Arm, Episode, Message, MessageState, Rule, SkipReason
from notifications.occasions import OF_ORDER, Occasion

# A promise broken longer ago than this is no news: the customer knows (and old orders can be imported in peace).
NO_NEWS_AFTER = timedelta(days=7)
# A message that could not be sent for so long is not sent any more.
GOOD_FOR = timedelta(days=3)
CHANNEL = "email"


@dataclass(frozen=True)
class Skip:
    """No message, and why. Kept as a row of models.Skip by whoever asked."""

    reason: SkipReason


def plan(episode: Episode, delay: Delay | Occasion, rule: Rule | None, *, now: datetime) -> Message | Skip:
    """The message (not saved) that `rule` makes of an episode that has just opened, or why there is none.

    `episode` needs its shipment, order and customer at hand. A held-out person's message exists and is never sent:
    the arm is drawn by person, before anybody asks whether the address may be written to.
    """
    if rule is None or not rule.is_active:
        return Skip(SkipReason.NO_RULE)
    order = episode.shipment.order
    customer = order.customer
    if not customer.person:
        return Skip(SkipReason.NO_ADDRESS)
    if isinstance(delay, Occasion):
        if (why := delay.why_silent(now=now)) is not None:
            return Skip(why)
    elif now - delay.since > NO_NEWS_AFTER:
        return Skip(SkipReason.NO_NEWS)
    # Nobody is kept without what the law says they must be told.
    share = 0.0 if rule.is_legal_notice else rule.holdout_share
    is_held_out = bucketing.is_in_share(salt=f"holdout:{rule.key}", unit=customer.person, share=share)
    return Message(
        dedupe_key=dedupe_key(rule, episode, person=customer.person),
        rule=rule,
        episode=episode,
        customer=customer,
        person=customer.person,
        arm=Arm.HELD_OUT if is_held_out else Arm.NOTIFY,
        lane=rule.lane,
        state=MessageState.HELD_OUT if is_held_out else MessageState.READY,
        locale=customer.locale,
        asserted={"kind": episode.kind, "promised_by": episode.promised_by.isoformat()},
        eligible_at=now,
        not_before=now,
        expires_at=now + GOOD_FOR,
    )


def dedupe_key(rule: Rule, episode: Episode, *, person: str) -> str:
    """What makes a message one: rule, order, episode, contact point, channel. Not the rule's wording or version."""
    about = episode.kind if episode.kind in OF_ORDER else str(episode.pk)
    parts = (rule.key, str(episode.shipment.order_id), about, person, CHANNEL)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()

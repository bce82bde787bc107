"""Whether what a message says still holds in the moment before it goes out."""

from __future__ import annotations

from datetime import datetime

from core import brand
from notifications import composing, followups, gates, mail_kinds
from notifications.mail_crowd import Crowd
from notifications.mail_facts import About
from notifications.models import MILESTONES, EpisodeKind, Message
from notifications.occasions import FOLLOW_UPS

NAMED_BEFORE = "a mail before this one has named the day that holds"


def why_untrue(message: Message, crowd: Crowd, *, now: datetime) -> str:
    """Why it does not, empty where it does. `message` needs its customer, episode, shipment and order at hand; the
    shipment is one of the crowd's.
    """
    episode = message.episode
    if episode.kind in MILESTONES:
        kind, about = mail_kinds.KINDS[episode.kind], _about(message, crowd, now=now)
        # What a mail cannot do without is no question of truth: composing says what is missing.
        return "" if mail_kinds.lacks(kind, about) else kind.untrue(about)
    if episode.kind in FOLLOW_UPS:
        return followups.why_not(episode.kind, _about(message, crowd, now=now))
    if not composing.is_still_true(message, crowd, now=now):
        return episode.close_reason or gates.UNTRUE
    if episode.kind == EpisodeKind.PROMISE_PASSED and episode.shipment.expected_by is not None:
        return _named_before(_about(message, crowd, now=now))
    return ""


def _about(message: Message, crowd: Crowd, *, now: datetime) -> About:
    shipment = message.episode.shipment
    return About(shipment, look=brand.current(), locale=message.locale, now=now, message=message, crowd=crowd)


def _named_before(about: About) -> str:
    """Who has heard of the new day before the promised one was over need not hear of it twice."""
    if not about["expected_by"] or not about["told_day"]:
        return ""
    return NAMED_BEFORE if about["expected_by"] <= about["told_day"] else ""

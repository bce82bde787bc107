"""The rules as the desk has them: what makes each speak, which mails it may send, what it did, and changing it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from notifications import mail_kinds, milestones, occasions
from notifications.models import MILESTONES, EpisodeKind, Message, MessageState, Rule, Skip, SkipReason
from notifications.occasions import Category, Kind

DAYS = 30

TRIGGERS: dict[str, Any] = {
    Kind.NOT_HANDED_OVER: gettext_lazy(
        "The day on which it should have left is over for a day, and no carrier has it."
    ),
    Kind.PROMISE_PASSED: gettext_lazy("The promised day is over, and the parcel has not come."),
    Kind.NO_SCAN: gettext_lazy("The carrier has been silent for longer than is usual on this way."),
    Kind.CARRIER_EXCEPTION: gettext_lazy(
        "The carrier reports a problem, for six hours; at once where somebody must act."
    ),
    Kind.EXPECTED_LATE: gettext_lazy(
        "The carrier, or our forecast, has named a day after the promised one for six hours."
    ),
    Kind.HELD_FOR_PICKUP: gettext_lazy("It has waited four days to be collected."),
    Kind.LIKELY_LOST: gettext_lazy("The carrier calls it lost, or has been silent for far too long."),
    Kind.RETURNED: gettext_lazy("The parcel goes back to us."),
    Kind.ORDER_CONFIRMED: gettext_lazy("An order comes in, with a promised day."),
    Kind.SHIPPED: gettext_lazy("A carrier has the parcel."),
    Kind.OUT_FOR_DELIVERY: gettext_lazy("The carrier brings it today."),
    Kind.DELIVERED: gettext_lazy("The carrier reports that it was delivered."),
    Kind.DELAYED_AGAIN: gettext_lazy(
        "A mail of ours named a day, and the carrier has named a later one for six hours; or that day is over."
    ),
    Kind.BACK_ON_TRACK: gettext_lazy(
        "We wrote of trouble, it has been over for six hours, and the parcel is expected by the promised day."
    ),
    Kind.CORRECTED: gettext_lazy(
        "We wrote of trouble, and the parcel had been delivered before; or we foretold a delay, and it came in time."
    ),
}
CATEGORIES: dict[Category, Any] = {
    Category.ORDER_UPDATES: gettext_lazy("Order updates"),
    Category.DELAY_NOTICES: gettext_lazy("Delay notices"),
    Category.BACK_ON_TRACK: gettext_lazy("Back on track"),
}
# What else than the mail of its own name a rule may send.
_MAILS: dict[str, tuple[str, ...]] = {
    Kind.NOT_HANDED_OVER: ("delay_not_handed_over",),
    Kind.PROMISE_PASSED: ("delay_promise_passed", "delayed"),
    Kind.EXPECTED_LATE: ("delayed",),
    Kind.NO_SCAN: ("delayed",),
    Kind.CARRIER_EXCEPTION: ("delayed",),
    Kind.DELAYED_AGAIN: ("delay_promise_passed", "delayed_again"),
}


class RuleError(Exception):
    """The rule cannot be changed so. The text says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """What of a rule may be changed. What it is about may not: that would be another rule."""

    name: str
    template: str
    lane: str
    holdout_share: float
    ambiguity_policy: str
    is_legal_notice: bool
    is_for_any_hour: bool
    is_active: bool

    @property
    def mark(self) -> str:
        """Another one for any other settings: who saves says what they saw."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Did:
    """What became, in the last DAYS days, of what a rule was asked about: it adds up to `asked`."""

    asked: int
    sent: int
    held_out: int
    rest: list[tuple[str, str, int]] = field(default_factory=list)  # message's state or empty, words, how many

    @property
    def to_notify(self) -> int:
        return self.asked - self.held_out


def settings_of(rule: Rule) -> Settings:
    """The rule as it stands."""
    return Settings(
        rule.name,
        rule.template,
        rule.lane,
        rule.holdout_share,
        rule.ambiguity_policy,
        rule.is_legal_notice,
        rule.is_for_any_hour,
        rule.is_active,
    )


def category_of(rule: Rule) -> Category:
    """What people who do not want its mails choose not to hear of."""
    return Category(occasions.scope_of(rule.kind))


def mails_of(rule: Rule) -> list[mail_kinds.Kind]:
    """The mails that it may send: what others say would not be true of its moment."""
    names = dict.fromkeys(_MAILS.get(rule.kind, (rule.kind,) if rule.kind in mail_kinds.KINDS else ()))
    if (now := mail_kinds.called(rule.template)) is not None:
        names.setdefault(now.name)
    return [mail_kinds.KINDS[name] for name in names]


def may_be_legal(rule: Rule) -> bool:
    """Whether a law may ask for it: only what tells of a trouble."""
    return rule.kind in occasions.TROUBLES


def hours_of_news(rule: Rule) -> int | None:
    """After how many hours its moment is no news; None where that is not counted in hours."""
    return int(milestones.NEWS_FOR / timedelta(hours=1)) if rule.kind in MILESTONES else None


def edit(rule: Rule, wanted: Settings, *, seen: str, by: User, may_set_legal: bool) -> bool:
    """Change a rule. False where it is so already. Raises RuleError.

    `seen`: Settings.mark of what `by` had before them. Messages that are planned stay planned, in the arm that was
    drawn; nobody gets a second one, since what makes a message one is the rule's key.
    """
    with transaction.atomic():
        row = Rule.objects.select_for_update().get(pk=rule.pk)
        before = settings_of(row)
        if before.mark != seen:
            raise RuleError(_("Somebody has changed this rule since you opened it. Look at it as it is now."))
        _check(row, wanted, before, may_set_legal=may_set_legal)
        was, is_now = asdict(before), asdict(wanted)
        changes = {name: [was[name], is_now[name]] for name in is_now if was[name] != is_now[name]}
        if not changes:
            return False
        for name, (_was, value) in changes.items():
            setattr(row, name, value)
        row.save(update_fields=list(changes))
        audit.record(by, "rule.changed", row, label=row.key, **changes)
    return True


def _check(rule: Rule, wanted: Settings, before: Settings, *, may_set_legal: bool) -> None:
    if wanted.template not in {before.template, *(mail.name for mail in mails_of(rule))}:
        raise RuleError(_("That mail says something else than what this rule is about."))
    if not 0 <= wanted.holdout_share <= 1:
        raise RuleError(_("The share of those held out is between 0 and 100 %."))
    if wanted.is_legal_notice != before.is_legal_notice and not may_set_legal:
        raise RuleError(_("Only administrators say what the law requires."))
    if wanted.is_legal_notice and not may_be_legal(rule):
        raise RuleError(_("No law asks for this mail: only what tells of a trouble may be a legal notice."))
    if wanted.is_legal_notice and wanted.holdout_share:
        raise RuleError(_("Nobody is held out from a legal notice: write 0 for the share held out."))


def did(*, now: datetime) -> dict[int, Did]:
    """By rule's id; rules that were asked about nothing are missing. Two queries."""
    since = now - timedelta(days=DAYS)
    states: dict[int, dict[str, int]] = defaultdict(dict)
    sent: dict[int, int] = defaultdict(int)
    for rule, state, count, handed_over in (
        Message.objects.filter(eligible_at__gte=since)
        .order_by()
        .values_list("rule", "state")
        .annotate(Count("pk"), Count("sent_at"))
    ):
        states[rule][state] = count
        sent[rule] += handed_over
    skips: dict[int, dict[str, int]] = defaultdict(dict)
    for rule, reason, count in (
        Skip.objects.filter(at__gte=since, rule__isnull=False)
        .order_by()
        .values_list("rule", "reason")
        .annotate(Count("pk"))
    ):
        skips[rule][reason] = count
    return {pk: _did(states[pk], skips[pk], sent=sent[pk]) for pk in {*states, *skips}}


def _did(states: dict[str, int], skips: dict[str, int], *, sent: int) -> Did:
    asked = sum(states.values()) + sum(skips.values())
    rest = [(state, str(MessageState(state).label), states[state]) for state in MessageState.values if state in states]
    rest += [("", str(SkipReason(reason).label), skips[reason]) for reason in SkipReason.values if reason in skips]
    return Did(asked=asked, sent=sent, held_out=states.get(MessageState.HELD_OUT, 0), rest=rest)


def listed() -> list[tuple[Category, list[Rule]]]:
    """All rules, by category, in the order in which an order meets them; an incident has its own on its page."""
    places = {kind: place for place, kind in enumerate(_ORDER)}
    rows = sorted(Rule.objects.exclude(kind=Kind.INCIDENT), key=lambda one: (places[Kind(one.kind)], one.name))
    return [(category, [one for one in rows if category_of(one) is category]) for category in Category]


_ORDER = (
    Kind.ORDER_CONFIRMED, Kind.SHIPPED, Kind.OUT_FOR_DELIVERY, Kind.HELD_FOR_PICKUP, Kind.DELIVERED,
    Kind.NOT_HANDED_OVER, Kind.EXPECTED_LATE, Kind.PROMISE_PASSED, Kind.DELAYED_AGAIN, Kind.CARRIER_EXCEPTION,
    Kind.NO_SCAN, Kind.LIKELY_LOST, Kind.RETURNED, Kind.BACK_ON_TRACK, Kind.CORRECTED,
)  # fmt: skip
assert {*_ORDER, Kind.INCIDENT} == set(EpisodeKind)  # noqa: S101 - a new kind has a place too

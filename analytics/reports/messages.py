"""What we told customers first, and whether it prevented contacts: two arms, drawn at random, compared as drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from analytics import effect_days, effect_rows, shop_days
from analytics.effect_days import Known
from analytics.periods import Period
from analytics.reports import asking
from analytics.reports.tables import Column, Table
from analytics.stats import holdout, proportions
from analytics.stats.proportions import Prevented, Rate
from notifications.models import Arm, Message, MessageState, Rule

# A fall so large is what "how many more" is reckoned for.
WORTH_SEEING = 0.20


@dataclass(frozen=True)
class State:
    """So many messages of a rule are in this state now."""

    state: str
    text: str
    count: int


@dataclass(frozen=True)
class Effect:
    """Both arms of one rule, mature first messages only. `prevented` is None where an arm has nobody to compare, or the
    split is wrong."""

    held_out: Rate
    notified: Rate
    prevented: Prevented | None
    needed: int | None  # people in both arms, to show a fall of WORTH_SEEING; None where nobody has contacted us
    weekly: float  # people who become mature a week, of late
    is_blocked: bool = False  # the arms are not as large as was drawn: nothing is said of them

    @property
    def more_needed(self) -> int | None:
        return None if self.needed is None else max(0, self.needed - self.held_out.of - self.notified.of)

    @property
    def weeks(self) -> int | None:
        """How many weeks that is; None where none came of late."""
        if self.more_needed is None or not self.weekly:
            return None
        return -int(-self.more_needed // self.weekly)

    @property
    def years(self) -> int | None:
        """The same in years where it is more than two."""
        return round(self.weeks / 52) if self.weeks is not None and self.weeks > 104 else None

    @property
    def to_notify(self) -> int | None:
        """How many messages prevent one contact; None where prevention is not shown."""
        if self.prevented is None or not self.prevented.is_shown:
            return None
        return round(1000 / self.prevented.per_1000)


@dataclass(frozen=True)
class RuleRow:
    """One rule: what became of its messages in the period, and its effect from its beginning to the period's end."""

    id: int
    key: str
    name: str
    holdout_share: float
    eligible: int
    sent: int
    held_out: int
    states: tuple[State, ...]
    effect: Effect

    @property
    def has_news(self) -> bool:
        """Somebody was there to write to, in these days or before."""
        return bool(self.eligible or self.effect.held_out.of or self.effect.notified.of)


def rows(period: Period, *, now: datetime, known: Known | None = None) -> list[RuleRow]:
    """Every rule that is active or has a message. `known`: the period's arms, where they are at hand."""
    counted = found(period).values("rule", "state", "arm").annotate(number=Count("id"), sent=Count("sent_at"))
    cells = list(counted.values_list("rule", "state", "arm", "number", "sent"))
    of_arms = known or effect_days.known_of(period, now=now)
    measured = {what for what, _share, _arm in of_arms.ever}
    made = []
    for rule in Rule.objects.order_by("name"):
        own = [cell for cell in cells if cell[0] == rule.pk]
        if not (own or rule.is_active or rule.pk in measured):
            continue
        states: dict[str, int] = {}
        for _rule, state, _arm, number, _sent in own:
            states[state] = states.get(state, 0) + number
        made.append(
            RuleRow(
                id=rule.pk,
                key=rule.key,
                name=rule.name,
                holdout_share=rule.holdout_share,
                eligible=sum(number for *_rest, number, _sent in own),
                sent=sum(sent for *_rest, sent in own),
                held_out=sum(number for _rule, _state, arm, number, _sent in own if arm == Arm.HELD_OUT),
                states=tuple(
                    State(state, str(MessageState(state).label), states[state])
                    for state in MessageState.values
                    if state in states
                ),
                effect=_effect(rule, of_arms),
            )
        )
    return made


def found(period: Period) -> QuerySet[Message]:
    """The messages whose episodes became something to write about in the period."""
    return Message.objects.filter(eligible_at__gte=period.start, eligible_at__lt=period.end)


def compared(period: Period, *, now: datetime) -> QuerySet[Message]:
    """The messages that the effect is about, each with `has_contacted`: of each person the first under each rule, up to
    the period's end; days count whole, once the windows of all their people are over."""
    return effect_rows.messages(until=_compared_until(period, now=now), window=period.window).filter(is_first=True)


def _compared_until(period: Period, *, now: datetime) -> datetime:
    through = effect_days.ripe(period.window, effect_rows.contacts_in_until(now=now))
    return min(period.end, shop_days.begin(through + timedelta(days=1)))


def until(period: Period, parameters: Mapping[str, str], *, now: datetime) -> datetime:
    """The moment before which all of narrowed() is."""
    return _compared_until(period, now=now) if parameters.get("compared") else period.end


def number(period: Period, parameters: Mapping[str, str], *, now: datetime) -> int | None:
    """How many narrowed() has, where the counts of days tell it: of the effect, by rule, arm, `contacted` and `new`."""
    if not parameters.get("compared") or parameters.get("sent") or parameters.get("state"):
        return None
    if {parameters.get(name, "") for name in ("contacted", "new")} - {"", "yes"}:
        return None
    rules = dict(Rule.objects.values_list("pk", "key"))
    whose = {pk for pk, key in rules.items() if parameters.get("rule", "") in ("", key)}
    return effect_days.number(
        effect_days.known_of(period, now=now),
        whose,
        [str(arm) for arm in Arm.values if parameters.get("arm", "") in ("", arm)],
        "contacted" if parameters.get("contacted") else "units",
        since=period.first if parameters.get("new") else None,
    )


_YES = asking.one_of("yes")
# What narrowed() knows, and what each may be.
WORDS: dict[str, asking.Check] = {
    "compared": _YES,
    "contacted": _YES,
    "new": _YES,
    "sent": _YES,
    "arm": asking.one_of(*Arm.values),
    "state": asking.one_of(*MessageState.values),
    "rule": asking.is_text,
}


def narrowed(period: Period, parameters: Mapping[str, str], *, now: datetime) -> QuerySet[Message]:
    """The messages behind a number: `compared=yes` those of the effect, else all of the period; then by rule, arm,
    `sent=yes`, `contacted=yes` and `new=yes` (of the effect: in the period). What makes no sense fits none."""
    if parameters.get("compared"):
        messages = compared(period, now=now)
        conditions = {("contacted", "yes"): Q(has_contacted=True), ("new", "yes"): Q(eligible_at__gte=period.start)}
    else:
        messages = found(period)
        conditions = {("sent", "yes"): Q(sent_at__isnull=False)}
    conditions |= {("arm", arm): Q(arm=arm) for arm in Arm.values}
    conditions |= {("state", state): Q(state=state) for state in MessageState.values}
    for name in ("contacted", "new", "sent", "arm", "state"):
        if value := parameters.get(name, ""):
            condition = conditions.get((name, value))
            messages = messages.none() if condition is None else messages.filter(condition)
    if rule := parameters.get("rule", ""):
        messages = messages.filter(rule__key=rule)
    return messages


def _effect(rule: Rule, known: Known) -> Effect:
    strata = known.strata(rule.pk, without=Arm.HELD_OUT, treated=Arm.NOTIFY)
    held_out = holdout.added([stratum.without for stratum in strata])
    notified = holdout.added([stratum.treated for stratum in strata])
    # The share of those held out is what contacts are without a message; before anybody of them wrote, that of all.
    base = held_out if held_out.hits else Rate(held_out.hits + notified.hits, held_out.of + notified.of)
    needed = None
    if base.share and 0 < rule.holdout_share < 1:
        needed = proportions.total_needed(
            base=base.share, relative_fall=WORTH_SEEING, held_out_share=rule.holdout_share
        )
    is_blocked = holdout.is_mismatch(strata)
    return Effect(
        held_out=held_out,
        notified=notified,
        prevented=None if is_blocked else holdout.compare(strata),
        needed=needed,
        weekly=known.weekly(rule.pk),
        is_blocked=is_blocked,
    )


def tables(period: Period, now: datetime) -> Sequence[Table]:
    """What became of each rule's messages, and their effect."""
    found_rules = rows(period, now=now)
    return [_by_state(found_rules), _effects(found_rules, period)]


def _by_state(found_rules: Sequence[RuleRow]) -> Table:
    return Table(
        name="states",
        title=_("Messages by rule and state"),
        columns=(
            Column("rule", _("Rule")),
            Column("name", _("Name")),
            Column("state", _("State")),
            Column("messages", _("Messages")),
            Column("share", _("Of the eligible")),
        ),
        rows=[
            (rule.key, rule.name, state.state, state.count, Rate(state.count, rule.eligible))
            for rule in found_rules
            for state in rule.states
        ],
        note=_("By the moment at which the episode became something to write about. The states are what is true now."),
    )


def _effects(found_rules: Sequence[RuleRow], period: Period) -> Table:
    def of(rule: RuleRow) -> tuple[str | float | bool | Rate | None, ...]:
        prevented = rule.effect.prevented
        size: tuple[float | None, ...] = (None, None, None)
        if prevented is not None and not prevented.is_too_early:
            size = (prevented.per_1000, prevented.interval.low, prevented.interval.high)
        return (
            rule.key,
            rule.name,
            rule.eligible,
            rule.sent,
            rule.held_out,
            rule.effect.held_out,
            rule.effect.notified,
            *size,
            prevented is not None and prevented.is_shown,
            rule.effect.more_needed,
        )

    return Table(
        name="effects",
        title=_("Effect of messages by rule"),
        columns=(
            Column("rule", _("Rule")),
            Column("name", _("Name")),
            Column("eligible", _("Eligible")),
            Column("sent", _("Sent")),
            Column("held_out", _("Held out")),
            Column("contacted_held_out", _("Contacted us: held out")),
            Column("contacted_notified", _("Contacted us: notified")),
            Column("prevented_per_1000", _("Prevented per 1,000")),
            Column("prevented_low", _("At least")),
            Column("prevented_high", _("At most")),
            Column("is_shown", _("Shown")),
            Column("more_needed", _("People still needed")),
        ),
        rows=[of(rule) for rule in found_rules],
        note=_(
            "Eligible, sent and held out: of the period. The effect: first messages from the rule’s beginning to the "
            "end of the period, contacts within %(days)s days; empty where it is too early."
        )
        % {"days": period.window},
    )

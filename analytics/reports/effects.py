"""The causal ledger: everything that a random group was kept without, and what that shows. Nothing else is a cause.

What may be added up. Each effect is measured against people for whom all the other things were at work as ever. A
contact that either of two would have prevented therefore counts for neither, so that the sum can say too little but
not the same contact twice; it says too much only where one thing works because of another. For the sum all intervals
must hold at once, so each is taken at alpha divided by the number of effects that are judged (Bonferroni); that also
makes it right to add only those that are shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from analytics import effect_days, effect_rows
from analytics.effect_days import Known
from analytics.periods import Period
from analytics.reports import effect_others, effect_sources, effects_compared, money, suggestions
from analytics.reports.effect_entries import ORDER, Code, Entry, Kind, Measured, Money, Saved
from analytics.reports.effect_sources import WithoutControl
from analytics.reports.money import Costs
from analytics.reports.suggestions import Suggestions
from analytics.reports.tables import Column, Table, Value
from analytics.stats.proportions import ALPHA, Interval

__all__ = ["Code", "Effects", "Entry", "Kind", "Measured", "Money", "Saved", "WithoutControl", "build", "tables"]


@dataclass(frozen=True)
class Effects:
    """All effects of a period, those shown first. `saved_at_least` is None where nothing is shown to save or no cost is
    set; `why_not_saved` then says which."""

    period: Period
    entries: list[Entry]
    without_control: list[WithoutControl]
    suggestions: Suggestions
    in_until: datetime
    costs: Costs
    saved_at_least: Money | None = None
    why_not_saved: str = ""

    @property
    def judged(self) -> list[Entry]:
        """Those of which something may be said."""
        return [entry for entry in self.entries if entry.is_judged]

    @property
    def begun(self) -> list[Entry]:
        """Those that somebody has come into."""
        return [entry for entry in self.entries if entry.control.of or entry.treated.of]

    @property
    def waiting(self) -> list[Entry]:
        """Those that keep people back, or would, and that nobody has come into yet."""
        return [entry for entry in self.entries if not (entry.control.of or entry.treated.of)]

    @property
    def shown(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.code is Code.SHOWN]

    @property
    def prevented_at_least(self) -> int | None:
        """Contacts prevented in the period by all effects together, with 95 %, less those that were brought; None where
        nothing is shown. No more than the sum of the lines: here all bounds must hold at once."""
        if not any(entry.code in (Code.SHOWN, Code.HARMFUL) for entry in self.judged):
            return None
        return math.floor(sum(entry.exposed * joint.low / 1000 for entry, joint in self.adding))

    @property
    def adding(self) -> list[tuple[Entry, Interval]]:
        """What the sum is of: those shown, either way, although so many were looked at; with that interval."""
        return _adding(self.entries)

    @property
    def false_alarms(self) -> float:
        """How many of the judged would be called, either way, if none of them did anything."""
        return ALPHA * len(self.judged)


def build(period: Period, now: datetime, *, known: Known | None = None, journeys: int | None = None) -> Effects:
    """Every effect, from its beginning to the period's end, and what it prevented and saved in the period. The number
    of queries does not depend on how much there is to count. `known`, `journeys`: the period's arms, and how many
    journeys began in it, where they are at hand."""
    in_until = effect_rows.contacts_in_until(now=now)
    known = known or effect_days.known(period.window, first=period.first, last=period.last, in_until=in_until)
    found = suggestions.build(period, now=now, known=known, journeys=journeys)
    parts = [
        effect_sources.of_rules(period, known),
        effect_sources.of_suggestions(found, period),
        effect_sources.of_tests(period, now=now, in_until=in_until),
    ]
    costs, channels = money.costs(), money.mix(period)
    entries = [replace(entry, saved=money.saved(entry, costs, channels)) for part, _without in parts for entry in part]
    entries.sort(key=lambda entry: (ORDER.index(entry.code), -(entry.prevented_at_least or 0), entry.name))
    at_least, why = _saved(entries, costs, channels)
    return Effects(
        period=period,
        entries=entries,
        without_control=[one for _entries, without in parts for one in without],
        suggestions=found,
        in_until=in_until,
        costs=costs,
        saved_at_least=at_least,
        why_not_saved=why,
    )


def _adding(entries: Sequence[Entry]) -> list[tuple[Entry, Interval]]:
    judged = [(entry, entry.measured) for entry in entries if entry.is_judged and entry.measured is not None]
    joint = [(entry, measured.joint(len(judged))) for entry, measured in judged]
    return [
        (entry, interval)
        for entry, interval in joint
        if entry.code in (Code.SHOWN, Code.HARMFUL) and (interval.low > 0 or interval.high < 0)
    ]


def _saved(entries: Sequence[Entry], costs: Costs, channels: dict[str, float]) -> tuple[Money | None, str]:
    """The sum of what is shown to save, less what is shown to cost, at bounds that hold together."""
    if not costs.is_known:
        return None, _("What a contact costs is not set.")
    adding = _adding(entries)
    if not costs.message and any(entry.kind is Kind.RULE for entry, _joint in adding):
        return None, _("What a message costs is not set.")
    bounds = [money.worth_of(entry, joint, costs, channels) for entry, joint in adding]
    total = sum((bound[0] for bound in bounds if bound and (bound[0] > 0 or bound[1] < 0)), Decimal(0))
    return (Money(total, costs.currency), "") if total > 0 else (None, _("Not shown to save."))


def tables(period: Period, now: datetime) -> list[Table]:
    """For CSV, JSON and text: the ledger, what has no control group, and the form's two arms."""
    found = build(period, now)
    ledger = Table(
        "ledger",
        _("Effects"),
        (
            Column("key", _("Key")), Column("kind", _("Kind")), Column("name", _("Name")), Column("since", _("Since")),
            Column("control", _("Contacted us, without")), Column("treated", _("Contacted us, with")),
            Column("verdict", _("Verdict")), Column("sentence", _("In words")),
            Column("low", _("Prevented per 1,000, lower bound")), Column("high", _("Prevented per 1,000, upper bound")),
            Column("exposed", _("People in the period")),
            Column("prevented_at_least", _("Contacts prevented at least")),
            Column("weeks", _("Weeks to know")), Column("saved_at_least", _("Saved at least")),
            Column("currency", _("Currency")),
        ),
        [_row(entry) for entry in found.entries],
        _("Arms since the beginning, to the period’s end; people, contacts and money of the period. Mature only."),
    )  # fmt: skip
    without = Table(
        "no-control",
        _("No control group: nothing can be claimed"),
        (Column("name", _("Name")), Column("why", _("Why"))),
        [(one.name, one.why) for one in found.without_control],
    )
    guards = found.suggestions.guards
    left_on, left_off = guards.left
    arms = Table(
        "suggestions",
        _("The form’s two arms"),
        (
            Column("arm", _("Arm")), Column("contacted", _("Contacted us")), Column("sent", _("Sent the form")),
            Column("left", _("Left without a word")), Column("withdrawn", _("Left after a suggestion, at most helped")),
            Column("opened", _("Opened a suggestion, or said that it was the answer, and did not send it")),
        ),
        [
            ("on", found.suggestions.treated, guards.sent_on, left_on, guards.withdrawn, guards.helped_on),
            ("off", found.suggestions.without, guards.sent_off, left_off, None, None),
        ],
    )  # fmt: skip
    compared = effects_compared.table(period)
    told = [ledger, *effect_others.tables(period, now), without, arms, _openings(guards)]
    return [*told, *([compared] if compared else [])]


def _openings(guards: suggestions.Guards) -> Table:
    return Table(
        "openings",
        _("Openings of the contact form"),
        (
            Column("days", _("Days")), Column("forms", _("Forms opened")), Column("journeys", _("Help journeys")),
            Column("per_100", _("To 100 journeys")),
        ),
        [
            (days, each.forms, each.journeys, each.per_100)
            for days, each in (("these", guards.now), ("before", guards.before))
        ],
        _("Not a share: one journey may open the form twice."),
    )  # fmt: skip


def _row(entry: Entry) -> tuple[Value, ...]:
    interval, saved = entry.interval, entry.saved.at_least
    return (
        entry.key, str(entry.kind), entry.name, entry.since, entry.control, entry.treated, str(entry.code),
        entry.sentence, interval.low if interval else None, interval.high if interval else None, entry.exposed,
        entry.prevented_at_least, entry.weeks, float(saved.amount) if saved else None,
        saved.currency if saved else None,
    )  # fmt: skip

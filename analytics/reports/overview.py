"""The dashboard's numbers, for the page, for JSON and for text."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from analytics import contact_facts, outcomes
from analytics.models import Outcome, SettlingMark
from analytics.periods import Compare, Period
from analytics.reports import articles, contacts, journeys, messages
from analytics.stats.proportions import Interval, Rate


@dataclass(frozen=True)
class OutcomeRow:
    """How many journeys ended so; `outcome` is IMMATURE where it is too early to say."""

    outcome: str
    text: str
    journeys: int


@dataclass(frozen=True)
class Overview:
    """Everything on the dashboard. Contacts are in up to `in_until`; `settled_at` is None before the first run."""

    period: Period
    settled_at: datetime | None
    in_until: datetime
    lagging: tuple[str, ...]  # sources whose contacts are not in up to now
    tally: journeys.Tally
    outcomes: list[OutcomeRow]
    articles: list[articles.ArticleRow]
    articles_unread: int
    rules: list[messages.RuleRow]
    all_contacts: contacts.ReasonRow
    reasons: list[contacts.ReasonRow]
    days: list[contacts.Day]
    days_before: list[int]  # all contacts of each day of what the period is held against; empty where nothing is

    @property
    def has_shown_effect(self) -> bool:
        """Some rule's messages are shown to prevent contacts."""
        return any(rule.effect.prevented is not None and rule.effect.prevented.is_shown for rule in self.rules)

    @property
    def rules_with_news(self) -> list[messages.RuleRow]:
        """The busiest first."""
        return sorted((rule for rule in self.rules if rule.has_news), key=lambda rule: -rule.eligible)

    @property
    def rules_without(self) -> list[messages.RuleRow]:
        return [rule for rule in self.rules if not rule.has_news]

    @property
    def is_empty(self) -> bool:
        """Nothing that could be counted happened in the period."""
        happened = [self.tally.count(), self.articles, self.all_contacts.now, *(rule.eligible for rule in self.rules)]
        return not any(happened)


def build(period: Period, *, now: datetime, sort: str = "-views") -> Overview:
    """All numbers of a period; the number of queries does not depend on how much there is to count."""
    tally = journeys.tally(period)
    total, reasons = contacts.by_reason(period)
    rows = articles.rows(period, tally, sort=sort)
    feeds = contact_facts.feeds()
    in_until = outcomes.watermark(feeds.values(), now=now)
    mark = SettlingMark.objects.filter(pk=1).first()
    return Overview(
        period=period,
        settled_at=mark.settled_at if mark else None,
        in_until=in_until,
        lagging=tuple(source for source, feed in feeds.items() if feed.until == in_until),
        tally=tally,
        outcomes=[
            *(OutcomeRow(value, str(label), tally.count(value)) for value, label in Outcome.choices),
            OutcomeRow(journeys.IMMATURE, "", tally.count(is_mature=False)),
        ],
        articles=rows,
        articles_unread=articles.published_unread(rows),
        rules=messages.rows(period, now=now),
        all_contacts=total,
        reasons=reasons,
        days=contacts.by_day(period),
        days_before=[] if period.compare is Compare.NONE else contacts.totals_by_day(period.before()),
    )


def as_data(overview: Overview) -> dict[str, Any]:
    """The overview as plain data for JSON: each rate with hits, of, share and interval; withheld rates with the reason
    and without a share."""
    data: dict[str, Any] = {
        "period": overview.period.query,
        "contacts_in_until": overview.in_until.isoformat(),
        "journeys": {
            "total": overview.tally.count(),
            "contradicted": overview.tally.contradicted,
            "outcomes": {row.outcome: row.journeys for row in overview.outcomes},
            "coverage": _plain(overview.tally.coverage),
            "contact_after_read": _plain(overview.tally.contact_after_read),
            "confirmed": _plain(overview.tally.confirmed),
            "view_based_deflection": _plain(overview.tally.view_based),
        },
    }
    for name in ("articles", "rules", "all_contacts", "reasons", "days"):
        data[name] = _plain(getattr(overview, name))
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, Rate):
        return {"hits": value.hits, "of": value.of, "share": value.share, "interval": _plain(value.interval)}
    if isinstance(value, Interval):
        return [value.low, value.high]
    if isinstance(value, journeys.Guarded) and value.why_withheld:
        return {"withheld": value.why_withheld, "coverage": _plain(value.coverage)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value

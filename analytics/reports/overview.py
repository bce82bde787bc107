"""The dashboard's numbers, for the page, as tables and for text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from analytics import contact_facts, effect_days, gaps, outcomes
from analytics.models import Outcome, SettlingMark
from analytics.periods import Compare, Period, Segment
from analytics.reports import (
    contacts,
    effects,
    guard_rails,
    journeys,
    messages,
    to_do,
    to_do_content,
    to_do_running,
    wismo,
)
from analytics.reports.journeys import Confirmed, Guarded
from analytics.reports.tables import Column, Table, Value
from kb.models import Article


@dataclass(frozen=True)
class OutcomeRow:
    """How many journeys ended so; `outcome` is IMMATURE where it is too early to say."""

    outcome: str
    text: str
    journeys: int


@dataclass(frozen=True)
class ArticleRow:
    """One article as the last one read. `title` is empty where it has been deleted since."""

    id: int
    title: str
    locale: str
    last_reads: int
    confirmed: Confirmed
    contact_after_read: Guarded

    @property
    def at_least(self) -> float:
        """Contacts after it at the lower bound; 0 where that is withheld."""
        guarded = self.contact_after_read
        return 0.0 if guarded.why_withheld else guarded.rate.interval.low * guarded.rate.of


@dataclass(frozen=True)
class Overview:
    """Everything on the dashboard. Contacts are in up to `in_until`; `settled_at` is None before the first run."""

    period: Period
    settled_at: datetime | None
    in_until: datetime
    lagging: tuple[str, ...]  # sources whose contacts are not in up to now
    to_do: list[to_do.Candidate]
    tally: journeys.Tally
    outcomes: list[OutcomeRow]
    articles: list[ArticleRow]  # most contacts after them first
    rules: list[messages.RuleRow]
    all_contacts: contacts.ReasonRow
    reasons: list[contacts.ReasonRow]
    days: list[contacts.Day]
    days_before: list[int]  # all contacts of each day of what the period is held against; empty where nothing is
    wismo: wismo.Wismo
    repeated: contacts.Repeated
    guard_rails: guard_rails.GuardRails
    effects: effects.Effects

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
        return not any([self.tally.count(), self.all_contacts.now, *(rule.eligible for rule in self.rules)])


def build(period: Period, *, now: datetime) -> Overview:
    """All numbers of a period; the number of queries does not depend on how much there is to count. A language narrows
    contacts and journeys, a channel contacts only; orders, guard-rails and hold-outs are everybody's."""
    locale = period.segment.locale
    tally = journeys.tally(period, locale=locale)
    total, reasons = contacts.by_reason(period, now=now)
    known = effect_days.known_of(period, now=now)
    rules = messages.rows(period, now=now, known=known)
    where_is_it = wismo.build(period, now=now, rows=reasons)
    feeds = contact_facts.feeds()
    in_until = outcomes.watermark(feeds.values(), now=now)
    mark = SettlingMark.objects.filter(pk=1).first()
    known_effects = effects.build(period, now, known=known, journeys=None if locale else tally.count())
    opened = known_effects.suggestions.guards
    candidates = [
        *to_do_running.found(period, now=now, feeds=feeds, rules=rules, wismo=where_is_it),
        *to_do_content.found(period, now=now, tally=tally, reason_rows=reasons, decided=gaps.known()),
    ]
    return Overview(
        period=period,
        settled_at=mark.settled_at if mark else None,
        in_until=in_until,
        lagging=tuple(source for source, feed in feeds.items() if feed.until == in_until),
        to_do=to_do.rank(candidates),
        tally=tally,
        outcomes=[
            *(OutcomeRow(value, str(label), tally.count(value)) for value, label in Outcome.choices),
            OutcomeRow(journeys.IMMATURE, "", tally.count(is_mature=False)),
        ],
        articles=_articles(tally),
        rules=rules,
        all_contacts=total,
        reasons=reasons,
        days=contacts.by_day(period),
        days_before=[] if period.compare is Compare.NONE else contacts.totals_by_day(period.before()),
        wismo=where_is_it,
        repeated=contacts.repeated(period, in_until=in_until),
        guard_rails=guard_rails.build(
            period,
            now=now,
            all_contacts=total.change,
            journeys=(opened.now.journeys, opened.before.journeys),
            mails=sum(rule.sent for rule in rules),
        ),
        effects=known_effects,
    )


def _articles(tally: journeys.Tally) -> list[ArticleRow]:
    """Every article that was read last in some journey. One query."""
    by_article = journeys.by_article(tally.cells, tally.spreads)
    about = {
        pk: (title or "", locale)
        for pk, title, locale in Article.objects.filter(pk__in=by_article).values_list(
            "pk", "live_revision__title", "locale"
        )
    }
    rows = [
        ArticleRow(pk, *about.get(pk, ("", "")), own.count(), own.confirmed, own.contact_after_read)
        for pk, own in by_article.items()
    ]
    return sorted(rows, key=lambda row: (-row.at_least, -row.last_reads, row.title, row.id))


def tables(period: Period, now: datetime) -> list[Table]:
    """The main numbers, how journeys ended, what is shown to prevent contacts, and what to do first."""
    shown = build(period, now=now)
    return [
        Table(
            "main",
            "Main numbers",
            (
                Column("number", "Number"),
                Column("hits", "Hits"),
                Column("of", "Of"),
                Column("low", "Interval from"),
                Column("high", "Interval to"),
                Column("withheld", "Why withheld"),
            ),
            _main(shown),
            note=_narrowed(period.segment),
        ),
        Table(
            "outcomes",
            "How journeys ended",
            (Column("outcome", "Outcome"), Column("journeys", "Journeys")),
            [(row.outcome, row.journeys) for row in shown.outcomes],
            note="Journeys that began in the period" + (", of the language." if period.segment.locale else "."),
        ),
        Table(
            "prevented",
            "Contacts prevented, and money",
            (
                Column("number", "Number"),
                Column("at_least", "At least"),
                Column("currency", "Currency"),
                Column("why", "Why there is none"),
            ),
            _prevented(shown.effects),
            note="What a random group was kept without shows; all bounds hold together. Of everybody.",
        ),
        Table(
            "to_do",
            "What to do first",
            (Column("kind", "Kind"), Column("says", "What"), Column("a_week", "Contacts a week at the least")),
            [(str(each.kind), each.says, each.a_week) for each in shown.to_do],
            note="By the contacts a week that stand behind it at the lower bound; not what doing it would prevent.",
        ),
    ]


def _narrowed(segment: Segment) -> str:
    """What of the main numbers is of the language and channel asked for."""
    told = "Of the language: contacts, repeats and journeys. " if segment.locale else ""
    told += "Of the channel: contacts and repeats. " if segment.source else ""
    return f"{told}Contacts to orders are everybody’s." if told else ""


def _main(shown: Overview) -> list[tuple[Value, ...]]:
    tally, then = shown.tally, shown.wismo.now
    low, high = (then.interval.low, then.interval.high) if then.interval else (None, None)
    after_read = tally.contact_after_read
    rates = [
        ("repeat_contacts", shown.repeated.rate),
        ("confirmed", tally.confirmed.rate),
        ("at_most_helped", tally.confirmed.ceiling),
        ("linkable_coverage", tally.coverage),
        ("view_based_deflection", tally.view_based),
    ]
    if not after_read.why_withheld:
        rates.insert(1, ("contact_after_read", after_read.rate))
    rows: list[tuple[Value, ...]] = [
        ("contacts", shown.all_contacts.now, None, None, None, ""),
        ("contacts_before", shown.all_contacts.before, None, None, None, ""),
        ("journeys", tally.count(), None, None, None, ""),
        ("contradicted", tally.contradicted, None, None, None, ""),
        ("wismo_per_order", then.hits, then.of, low, high, ""),
        *((name, rate.hits, rate.of, rate.interval.low, rate.interval.high, "") for name, rate in rates),
    ]
    if after_read.why_withheld:
        rows.append(("contact_after_read", None, None, None, None, after_read.why_withheld))
    return rows


def _prevented(found: effects.Effects) -> list[tuple[Value, ...]]:
    prevented, saved = found.prevented_at_least, found.saved_at_least
    why = "" if prevented is not None else "Nothing is shown to prevent contacts."
    return [
        ("contacts_prevented", prevented, "", why),
        (
            "saved",
            float(saved.amount) if saved else None,
            saved.currency if saved else "",
            "" if saved else found.why_not_saved,
        ),
    ]

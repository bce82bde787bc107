"""The dashboard's charts, made of its numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics import effect_charts, figures
from analytics.figures import Chart, Kind, Mark, Series
from analytics.periods import Compare, Period
from analytics.reports import contacts
from analytics.reports.contacts import UNCODED
from analytics.reports.overview import Overview

NAMED = 4  # topics by name; the others together


def contacts_by_day(overview: Overview, *, marks: Sequence[Mark], may_open: bool) -> Chart:
    """Contacts of each day by topic: the largest by name, the others together, the uncoded apart; and all of them on
    the days that the period is held against."""
    period, days = overview.period, overview.days
    topics = [row for row in overview.reasons if row.depth == 0 and row.code != UNCODED and row.now]
    named, others = topics[:NAMED], {row.code for row in topics[NAMED:]}
    series = [Series(row.name, [day.by_topic.get(row.code, 0) for day in days]) for row in named]
    if any(UNCODED in day.by_topic for day in days):
        series.append(Series(_("Uncoded"), [day.by_topic.get(UNCODED, 0) for day in days]))
    if others:
        summed = [sum(number for code, number in day.by_topic.items() if code in others) for day in days]
        series.append(Series(_("Other topics"), summed))
    if overview.days_before:
        series.append(Series(_held_against(period), overview.days_before, is_compared=True))
    step = contacts.step_of(period)
    return Chart(
        name="contacts-by-day",
        title=_("Contacts a day") if step == 1 else _("Contacts a week"),
        reads=_said(overview),
        points=figures.days(
            period.first, period.last, step=step, urls=[_rows(period, day) if may_open else "" for day in days]
        ),
        series=series,
        source=_counted(period, overview.all_contacts.now),
        kind=Kind.BARS,
        unit=_("contacts"),
        x_title=_("Day") if step == 1 else _("Days"),
        adds_up=True,
        marks=marks,
    )


def effects(overview: Overview, *, may_open: bool) -> Chart | None:
    """What each rule's messages prevent, side by side; None where nothing can be said of any."""
    known = [
        (rule, rule.effect.prevented)
        for rule in overview.rules
        if rule.effect.prevented is not None and not rule.effect.prevented.is_too_early
    ]
    if not known:
        return None
    shown = sum(prevented.is_shown for _rule, prevented in known)
    people = sum(rule.effect.notified.of + rule.effect.held_out.of for rule, _prevented in known)
    told = ngettext(
        "%(shown)s of %(number)s rule is shown to prevent contacts.",
        "%(shown)s of %(number)s rules are shown to prevent contacts.",
        len(known),
    )
    return effect_charts.prevented(
        [
            (
                rule.name,
                prevented.per_1000,
                prevented.interval,
                _compared(overview.period, rule.key) if may_open else "",
            )
            for rule, prevented in known
        ],
        title=_("Contacts prevented per 1,000 messages"),
        told=told % {"shown": shown, "number": len(known)},
        source=_("%(people)s people, notified or held out by chance; rules that are too young are left out.")
        % {"people": intcomma(people)},
        x_title=_("Rule"),
    )


def _compared(period: Period, rule: str) -> str:
    return period.address(reverse("desk:evidence"), compared="yes", rule=rule)


def _said(overview: Overview) -> str:
    now, before = overview.all_contacts.now, overview.all_contacts.before
    topics: Counter[str] = Counter({row.name: row.now for row in overview.reasons if row.depth == 0 and row.name})
    told = ngettext("%(number)s contact", "%(number)s contacts", now) % {"number": intcomma(now)}
    if overview.days_before:
        told += _(", against %(before)s %(when)s") % {
            "before": intcomma(before),
            "when": _("a year before") if overview.period.compare is Compare.YEAR else _("in as many days before"),
        }
    if topics and (top := topics.most_common(1)[0])[1]:
        told += _("; most about %(topic)s (%(number)s)") % {"topic": top[0], "number": intcomma(top[1])}
    return told + "."


def _counted(period: Period, number: int) -> str:
    dates = {"first": date_format(period.first, "j M Y"), "last": date_format(period.last, "j M Y")}
    told = _("%(number)s contacts received from %(first)s to %(last)s, each counted once, by its newest reason")
    narrowed = (
        ""
        if not period.segment.query
        else _("; narrowed to %(words)s") % {"words": ", ".join(period.segment.query.values())}
    )
    return told % ({"number": intcomma(number)} | dates) + narrowed + "."


def _held_against(period: Period) -> str:
    if period.compare is Compare.YEAR:
        return _("52 weeks before")
    return ngettext("%(days)s day before", "%(days)s days before", period.days) % {"days": period.days}


def _rows(period: Period, day: contacts.Day) -> str:
    if not sum(day.by_topic.values()):
        return ""
    dates = {"since": day.first.isoformat(), "until": day.last.isoformat()}
    return f"{reverse('desk:contacts')}?{urlencode(period.segment.query | dates)}"

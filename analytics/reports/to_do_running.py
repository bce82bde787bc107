"""What could be done about what runs: sources, feeds, rules of messages, promised updates (see to_do.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.outcomes import Feed
from analytics.periods import Period
from analytics.reports.messages import RuleRow
from analytics.reports.to_do import Candidate, Kind, Place
from analytics.reports.to_do_content import NUMBERS, page
from analytics.reports.wismo import Wismo
from contacts.models import ContactSource
from core.roles import ADMIN, OPS
from notifications import obligations
from notifications.intake import silence
from notifications.models import Rule

# Contacts of a help desk may be a weekend behind; from then on they keep outcomes from being decided.
LATE_AFTER = timedelta(days=3)
_OPERATORS = frozenset({OPS, ADMIN})


def found(
    period: Period, *, now: datetime, feeds: Mapping[str, Feed], rules: Sequence[RuleRow], wismo: Wismo
) -> list[Candidate]:
    """Three queries, however much there is."""
    return [*_silent(), *_late(feeds, now), *_rules(rules), *_overdue(wismo, now)]


def _silent() -> list[Candidate]:
    return [
        Candidate(
            Kind.SILENT_SOURCE,
            silent.source,
            _("Nothing has come from %(title)s since %(since)s: parcels may be late without our knowing.")
            % {"title": source.title, "since": date_format(silent.since, "j M, H:i")},
            None,
            (Place(reverse("desk:sources"), _("Look at the source"), _OPERATORS),),
        )
        for source, silent in silence.standing()
    ]


def _late(feeds: Mapping[str, Feed], now: datetime) -> list[Candidate]:
    late = [(feed.until, source) for source, feed in feeds.items() if _is_late(feed, now)]
    names = dict(ContactSource.choices)
    return [
        Candidate(
            Kind.LATE_CONTACTS,
            source,
            _("No contact by %(source)s has come in since %(until)s, so that no outcome after that is decided.")
            % {"source": names.get(source, source), "until": date_format(until, "j M")},
            None,
            (
                *page("data-health", _("Look at the feeds"), NUMBERS),
                Place(f"{reverse('desk:contacts')}?source={source}", _("See the contacts of this channel"), NUMBERS),
            ),
        )
        for until, source in sorted(late)
    ]


def _is_late(feed: Feed, now: datetime) -> bool:
    return now - feed.until > LATE_AFTER and feed.is_connected(now, now)


def _rules(rules: Sequence[RuleRow]) -> list[Candidate]:
    legal = dict(Rule.objects.filter(is_active=True).values_list("pk", "is_legal_notice"))
    made = []
    for row in rules:
        shown = row.effect.prevented
        places = (Place(reverse("desk:rule", args=[row.key]), _("Open the rule"), _OPERATORS),)
        if legal.get(row.id, True):
            continue
        if shown is not None and shown.is_shown and row.holdout_share:
            low = shown.interval.low
            kept_back = row.effect.weekly * row.holdout_share
            says = _(
                "“%(name)s” is shown to prevent at least %(low)s contacts per 1,000 people (%(of)s compared); "
                "%(share)s %% are still held out."
            ) % {
                "name": row.name,
                "low": round(low),
                "of": intcomma(shown.held_out.of + shown.notified.of),
                "share": round(100 * row.holdout_share),
            }
            made.append(Candidate(Kind.HOLD_OUT_SHOWS, row.key, says, low / 1000 * kept_back, places))
        elif not row.holdout_share and row.eligible:
            says = _(
                "“%(name)s” wrote about %(eligible)s episodes and holds nobody out, so that nobody knows whether it "
                "prevents a contact."
            ) % {"name": row.name, "eligible": intcomma(row.eligible)}
            made.append(Candidate(Kind.NO_HOLD_OUT, row.key, says, None, places))
    return made


def _overdue(wismo: Wismo, now: datetime) -> list[Candidate]:
    overdue, today = obligations.owed(now=now)
    if not overdue:
        return []
    says = ngettext(
        "%(overdue)s of %(all)s updates that we promised until today is overdue.",
        "%(overdue)s of %(all)s updates that we promised until today are overdue.",
        overdue,
    ) % {"overdue": intcomma(overdue), "all": intcomma(overdue + today)}
    # As many as of any orders ask where they are, at the least: more is not known of these.
    each = wismo.now.interval
    return [
        Candidate(
            Kind.OVERDUE,
            "overdue",
            says,
            None if each is None or not each.low else each.low * overdue,
            (Place(reverse("desk:obligations"), _("Give the updates"), NUMBERS),),
        )
    ]

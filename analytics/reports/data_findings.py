"""What stands between today's numbers and trusting them, each in a sentence with what to do. Pure but for words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics import outcomes, partitions
from analytics.reports.data_health import MOST_WAITING, FeedRow, Health
from analytics.reports.journeys import LEAST_COVERAGE

SETTLED_WITHIN = timedelta(minutes=30)  # the worker does it every five minutes
LAGS = timedelta(days=3)  # a weekend without imports is usual
WRITTEN_WITHIN = timedelta(minutes=10)
MANY_UNCODED, MANY_UNKNOWN = 0.30, 0.50
LEAST_CONTACTS, LEAST_JOURNEYS = 20, 30  # below which a share says nothing


class Level(StrEnum):
    """How much it matters. BAD: numbers are wrong or old now. WATCH: they are right, and say less than they could."""

    BAD = "danger"
    WATCH = "warning"


@dataclass(frozen=True)
class Finding:
    """`code` names it for machines. `link` is a URL name of the desk, and may be empty."""

    code: str
    level: Level
    text: str
    remedy: str
    link: str = ""
    link_text: str = ""


def of(health: Health) -> list[Finding]:
    """The worst first; nothing where all is well."""
    found = [
        *_of_settling(health),
        *_of_store(health),
        *(finding for feed in health.feeds if (finding := _of_feed(feed, health)) is not None),
        *_of_silences(health),
        *_of_shares(health),
    ]
    return sorted(found, key=lambda finding: finding.level is Level.WATCH)


def _of_settling(health: Health) -> list[Finding]:
    settling = health.settling
    run = _("Look whether the worker and its beat run; “manage.py settle” does it once, now.")
    if settling.settled_at is None or settling.lag is None:
        return [Finding("never_settled", Level.BAD, _("No journey has been put together yet."), run)]
    if settling.lag > SETTLED_WITHIN:
        text = _("Journeys were last put together %(at)s, %(ago)s ago; everything since is in no number.") % {
            "at": moment(settling.settled_at),
            "ago": span(settling.lag),
        }
        return [Finding("settling_late", Level.BAD, text, run)]
    if settling.waiting >= MOST_WAITING:
        text = _("More than %(number)s events wait to be put together.") % {"number": f"{MOST_WAITING:,}"}
        remedy = _("A large import does that; the next runs catch up. If it stays so, give the worker more room.")
        return [Finding("events_wait", Level.WATCH, text, remedy)]
    return []


def _of_store(health: Health) -> list[Finding]:
    store, found = health.store, []
    if store.waits_since is not None and health.now - store.waits_since > WRITTEN_WITHIN:
        text = _("%(size)s of events have waited on this machine's disk since %(at)s and are in no number.") % {
            "size": _size(store.waiting_bytes),
            "at": moment(store.waits_since),
        }
        remedy = _("The web process writes them as soon as the database takes them; look into its log.")
        found.append(Finding("spool_waits", Level.BAD, text, remedy))
    if store.last_week is None or store.last_week < partitions.monday(health.now) + partitions.WEEK:
        text = _("Next week's events have no table of their own yet.")
        remedy = _("They are kept all the same, and pages get slower. The worker makes the tables every hour.")
        found.append(Finding("no_week", Level.WATCH, text, remedy))
    return found


def _of_feed(feed: FeedRow, health: Health) -> Finding | None:
    if feed.until is None or feed.lag is None or feed.lag <= LAGS:
        return None
    given = {"source": feed.name, "at": moment(feed.until), "ago": span(feed.lag)}
    if not feed.is_connected:
        given["days"] = str(outcomes.QUIET.days)
        text = _(
            "Contacts by %(source)s ended %(at)s. After %(days)s days without any it counts as disconnected: journeys "
            "since are judged as if nobody wrote that way."
        )
        remedy = _("Connect it again, or import what is missing. If nobody can write that way any more, all is well.")
        return Finding(f"disconnected_{feed.source}", Level.WATCH, text % given, remedy)
    text = _("The newest contact by %(source)s is of %(at)s, %(ago)s ago; outcomes of later windows wait for it.")
    remedy = _("Import newer contacts (“manage.py import_contacts”), or look whether the connection still works.")
    return Finding(f"lags_{feed.source}", Level.BAD if feed.holds_back else Level.WATCH, text % given, remedy)


def _of_silences(health: Health) -> list[Finding]:
    remedy = _(
        "Until it speaks again parcels may be late without our knowing. Look whether its webhook is still there."
    )
    return [
        Finding(
            f"silent_{source.name}",
            Level.BAD,
            _("Nothing has come from %(source)s since %(at)s.") % {"source": source.title, "at": moment(one.since)},
            remedy,
            "sources",
            _("Sources"),
        )
        for source, one in health.silences
    ]


def _of_shares(health: Health) -> list[Finding]:
    found, coverage = [], health.coverage
    if coverage.of >= LEAST_JOURNEYS and (coverage.share or 0) < LEAST_COVERAGE:
        text = _("Only %(hits)s of %(of)s journeys are linkable, less than 30 %%: rates among them are withheld.")
        remedy = _(
            "Send mails with signed links to the help centre, and lead from the order page to the articles: both tie "
            "visitors to customers."
        )
        found.append(Finding("coverage", Level.WATCH, _filled(text, coverage.hits, coverage.of), remedy))
    if health.uncoded.of >= LEAST_CONTACTS and (health.uncoded.share or 0) > MANY_UNCODED:
        text = _("%(hits)s of %(of)s contacts of these days are uncoded: no reason counts them.")
        remedy = _("Correct some by hand and look at their words: a rule for the commonest is soon written.")
        told = _filled(text, health.uncoded.hits, health.uncoded.of)
        found.append(Finding("uncoded", Level.WATCH, told, remedy, "contacts", _("Contacts")))
    if health.unknown.of >= LEAST_CONTACTS and (health.unknown.share or 0) > MANY_UNKNOWN:
        text = _("%(hits)s of %(of)s contacts of these days are of nobody we know: no journey can lead to them.")
        remedy = _("Import the e-mail address with each contact; it is kept as a key that cannot be read back.")
        found.append(
            Finding("without_person", Level.WATCH, _filled(text, health.unknown.hits, health.unknown.of), remedy)
        )
    return found


def _filled(text: str, hits: int, of: int) -> str:
    return text % {"hits": f"{hits:,}", "of": f"{of:,}"}


def moment(at: datetime) -> str:
    return date_format(localtime(at), "j M Y, H:i")


def span(time: timedelta) -> str:
    """In its largest unit."""
    minutes = round(time.total_seconds() / 60)
    if minutes < 120:
        return ngettext("%(number)s minute", "%(number)s minutes", minutes) % {"number": minutes}
    if minutes < 48 * 60:
        return _("%(number)s hours") % {"number": minutes // 60}
    return _("%(number)s days") % {"number": minutes // (24 * 60)}


def _size(number: int) -> str:
    return f"{number / 1_000_000:.1f} MB" if number >= 100_000 else f"{number / 1_000:.1f} kB"

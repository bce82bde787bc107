"""Why a journey counts as it does, in a sentence each: its outcome in one window, and whether it was linkable.

The sentences explain what settling decided (the journey's row); they decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.models import Event, EventKind, Identity, Journey, Outcome
from analytics.outcomes import Feed

_OF_FORM = (EventKind.FORM, EventKind.SUGGESTED, EventKind.ANSWERED)


def of_outcome(
    journey: Journey, days: int, *, contact: Event | None, in_until: datetime, names: Mapping[str, str]
) -> str:
    """Why it ended so within so many days. `contact`: the one that decided it; `names` of topics."""
    within = _within(days)
    outcome = journey.outcomes.get(str(days))
    match outcome:
        case Outcome.CONTACTED | Outcome.CONTACTED_OTHER:
            return _of_contact(journey, outcome, contact, names)
        case Outcome.DENIED:
            return _("No contact %(within)s, and a “no” stands on what was read.") % {"within": within}
        case Outcome.CONFIRMED:
            return _("They said that it helped, and no contact came %(within)s.") % {"within": within}
        case Outcome.SILENT:
            return _("Something was read, nothing was said, and of a contact %(within)s we would have known.") % {
                "within": within
            }
        case Outcome.EMPTY:
            return _("Nothing was read, and no contact is known %(within)s.") % {"within": within}
        case Outcome.UNLINKABLE:
            return _("Something was read, no contact is known, and of one we would not have known.")
    due = journey.ended_at + timedelta(days=days)
    return _("Decided once %(due)s is over and all contacts are in up to then; they are in up to %(until)s.") % {
        "due": _moment(due),
        "until": _moment(in_until),
    }


def of_linkable(
    journey: Journey, events: Sequence[Event], *, ties: Sequence[Identity], feeds: Mapping[str, Feed]
) -> str:
    """By which evidence, before the contact form was opened or a contact came, we would have known of one."""
    during = [event for event in events if event.at <= journey.ended_at]
    cut = min((event.at for event in events if event.kind in (*_OF_FORM, EventKind.CONTACT)), default=None)
    before = [event for event in during if cut is None or event.at < cut]
    back = next((event for event in before if event.is_returning and event.kind != EventKind.VOTE), None)
    tie = next((tie for tie in ties if tie.at <= journey.ended_at and (cut is None or tie.at < cut)), None)
    sources = ", ".join(sorted(feeds))
    if journey.is_linkable and tie is not None and feeds:
        return _("Yes: the browser brought our id back, and we knew whose it is since %(at)s, by %(how)s.") % {
            "at": _moment(tie.at),
            "how": tie.how,
        }
    if journey.is_linkable:
        return _("Yes: the browser brought our id back, and then contacts came by our own form only.")
    if not before:
        return _("No: it began with the contact form or a contact; what comes by it is no evidence.")
    if back is None:
        return _("No: a first visit. Until the form was opened, or the end, the browser had not brought our id back.")
    return _(
        "No: the browser brought our id back, but contacts came by %(sources)s too, and nothing had told us whose id "
        "it is."
    ) % {"sources": sources or _("other ways")}


def _of_contact(journey: Journey, outcome: str, contact: Event | None, names: Mapping[str, str]) -> str:
    if contact is None:
        return _("A contact came; its event is no longer kept.")
    at = {"at": _moment(contact.at)}
    about = names.get(contact.topic, contact.topic)
    if outcome == Outcome.CONTACTED_OTHER:
        return _("They wrote on %(at)s about %(about)s, and what was read last is about %(read)s.") % {
            **at,
            "about": about,
            "read": names.get(journey.topic, journey.topic),
        }
    if journey.last_article_id is None:
        return _("They wrote on %(at)s, and nothing was read before: that counts as the same topic.") % at
    if not contact.topic:
        return _("They wrote on %(at)s. Nobody could code what about: that counts as the same topic.") % at
    return _("They wrote on %(at)s about %(about)s, as what was read last.") % {**at, "about": about}


def _within(days: int) -> str:
    return ngettext("within %(days)s day", "within %(days)s days", days) % {"days": days}


def _moment(at: datetime) -> str:
    return date_format(localtime(at), "j M Y, H:i")

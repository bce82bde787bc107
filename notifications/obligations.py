"""The updates that we owe customers: which are kept, late or broken, which keep themselves, and who is told in time.

An incident whose mail said by when we write again is owed likewise, as one and not for each of its orders.

A promise is kept when the customer was told something new after it was made: a message of ours that the mail provider
took, or news on the order's page. Anything else a colleague says by hand (next_updates.keep).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Least
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import audit
from notifications import desk_mail
from notifications.models import (
    UNDER_WAY,
    ExpectedDate,
    Incident,
    Message,
    MessageState,
    NextUpdate,
    TrackingEvent,
    UpdateEnd,
)

WARN_BEFORE = timedelta(hours=2)
_NAMED = 20  # orders in one mail
_TOLD = (MessageState.ACCEPTED, MessageState.DELIVERED)


class Standing(StrEnum):
    """How it stands with a promised update."""

    OVERDUE = "overdue"  # open, and its moment has passed
    TODAY = "today"  # open, due before the shop's day ends
    COMING = "coming"  # open, due later
    KEPT = "kept"  # in time
    BROKEN = "broken"  # given, or put off, only after its moment
    MOVED = "moved"  # another moment was named before this one came


@dataclass(frozen=True)
class Looked:
    """What one look at the open promises did."""

    kept: int = 0
    warned: int = 0
    broken: int = 0


def standing(update: NextUpdate, *, now: datetime) -> Standing:
    """How it stands with one promise at `now`."""
    if update.closed_at is None:
        if update.due_at <= now:
            return Standing.OVERDUE
        return Standing.TODAY if update.due_at < _tomorrow(now) else Standing.COMING
    if update.closed_at > update.due_at:
        return Standing.BROKEN
    return Standing.MOVED if update.end == UpdateEnd.REPLACED else Standing.KEPT


def those(of: Standing, *, now: datetime) -> QuerySet[NextUpdate]:
    """The promises that stand so at `now`: the open ones with the first due first, the others with the last."""
    found = NextUpdate.objects.select_related("order__customer", "made_by", "closed_by")
    match of:
        case Standing.OVERDUE:
            return found.filter(closed_at=None, due_at__lte=now).order_by("due_at", "pk")
        case Standing.TODAY:
            return found.filter(closed_at=None, due_at__gt=now, due_at__lt=_tomorrow(now)).order_by("due_at", "pk")
        case Standing.COMING:
            after = max(now, _tomorrow(now) - timedelta(microseconds=1))
            return found.filter(closed_at=None, due_at__gt=after).order_by("due_at", "pk")
        case Standing.BROKEN:
            return found.filter(closed_at__gt=F("due_at")).order_by("-due_at", "-pk")
    in_time = found.filter(closed_at__lte=F("due_at")).order_by("-due_at", "-pk")
    is_moved = Q(end=UpdateEnd.REPLACED)
    return in_time.filter(is_moved) if of == Standing.MOVED else in_time.exclude(is_moved)


def of_incidents(*, now: datetime) -> QuerySet[Incident]:
    """The incidents under way about which we owe an update before the shop's day ends, the first due first."""
    due = Incident.objects.filter(state__in=UNDER_WAY, next_update_at__lt=_tomorrow(now))
    return due.order_by("next_update_at", "pk")


def owed(*, now: datetime) -> tuple[int, int]:
    """How many open promises are overdue, and how many are due before the shop's day ends. One query."""
    orders = NextUpdate.objects.filter(closed_at=None, due_at__lt=_tomorrow(now)).values_list("due_at")
    due = [at for (at,) in orders.union(of_incidents(now=now).order_by().values_list("next_update_at"), all=True)]
    overdue = sum(moment <= now for moment in due)
    return overdue, len(due) - overdue


def look(*, now: datetime) -> Looked:
    """Close the promises that news has kept, and tell ops of those that are about to be broken, or are. Runs twice
    without harm: each promise is closed once, and each mail is asked for once."""
    kept = sum(_keep(update) for update in _with_news())
    with transaction.atomic():
        still_open = NextUpdate.objects.filter(closed_at=None).select_related("order", "made_by").order_by("due_at")
        broken = [
            one for one in still_open.filter(due_at__lte=now, told_broken_at=None) if _is_mine(one, told_broken_at=now)
        ]
        warned = [
            one
            for one in still_open.filter(due_at__gt=now, due_at__lte=now + WARN_BEFORE, warned_at=None)
            if warn_at(one) <= now and _is_mine(one, warned_at=now)
        ]
        incidents = [
            one
            for one in of_incidents(now=now).filter(next_update_at__lte=now, told_overdue_at=None)
            if Incident.objects.filter(pk=one.pk, told_overdue_at=None).update(told_overdue_at=now)
        ]
        for one in broken:
            audit.record(None, "order.update_broken", one.order, label=one.order.number, due_at=one.due_at.isoformat())
        _mail(broken, warned)
        for incident in incidents:
            _mail_of(incident)
    return Looked(kept=kept, warned=len(warned), broken=len(broken))


def warn_at(update: NextUpdate) -> datetime:
    """When ops are told that a promise is about to be broken: WARN_BEFORE, but not in the first three quarters of a
    short one."""
    return update.due_at - min(WARN_BEFORE, (update.due_at - update.made_at) / 4)


def _is_mine(update: NextUpdate, **told: datetime) -> bool:
    """Whether this look is the one that tells: nobody else has, and it is open still."""
    unsaid = dict.fromkeys(told)
    return bool(NextUpdate.objects.filter(pk=update.pk, closed_at=None, **unsaid).update(**told))


def _with_news() -> Iterable[NextUpdate]:
    """The open promises whose customer was told something new since: `message_at` and `page_at` say when first."""
    order, made = OuterRef("order"), OuterRef("made_at")
    sent = Message.objects.filter(episode__shipment__order=order, state__in=_TOLD, sent_at__gt=made)
    # A report without a status that we know and without words is not on the page (timeline.py).
    says_something = ~Q(state="") | ~Q(text="") | ~Q(raw_status="")
    scans = TrackingEvent.objects.filter(says_something, shipment__order=order, recorded_at__gt=made)
    days = ExpectedDate.objects.filter(shipment__order=order, recorded_at__gt=made)
    found = NextUpdate.objects.filter(closed_at=None).select_related("order")
    found = found.annotate(
        message_at=_first(sent, "sent_at"),
        scan_at=_first(scans, "recorded_at"),
        day_at=_first(days, "recorded_at"),
    )
    is_cancelled = Q(order__cancelled_at__gt=F("made_at"))
    return (
        found.annotate(page_at=Least("scan_at", "day_at"))  # PostgreSQL's leaves out what is null
        .filter(Q(message_at__isnull=False) | Q(page_at__isnull=False) | is_cancelled)
        .order_by("pk")
    )


def _first(rows: QuerySet[Any], moment: str) -> Subquery:
    return Subquery(rows.order_by(moment).values(moment)[:1])


def _keep(update: NextUpdate) -> bool:
    """Close it at the moment of the news, which may be a while ago: that decides whether it was in time."""
    heard = {UpdateEnd.MESSAGE: getattr(update, "message_at", None), UpdateEnd.PAGE: getattr(update, "page_at", None)}
    cancelled_at = update.order.cancelled_at
    if cancelled_at is not None and cancelled_at > update.made_at:
        heard[UpdateEnd.PAGE] = min(filter(None, (heard[UpdateEnd.PAGE], cancelled_at)))
    at, end = min((at, end) for end, at in heard.items() if at is not None)
    with transaction.atomic():
        if not NextUpdate.objects.filter(pk=update.pk, closed_at=None).update(closed_at=at, end=end):
            return False
        audit.record(None, "order.update_kept", update.order, label=update.order.number, by_news=str(end))
    return True


def _mail(broken: Sequence[NextUpdate], warned: Sequence[NextUpdate]) -> None:
    """One mail about all of them to everybody who looks after orders, and to who promised them."""
    if not broken and not warned:
        return
    lines: list[str] = []
    if broken:
        lines += [_("The moment has passed, and the customer has heard nothing:"), "", *_lines(broken), ""]
    if warned:
        lines += [_("Due soon, and the customer has heard nothing yet:"), "", *_lines(warned), ""]
    lines.append(
        _(
            "Tell the customer what you know, and say so on the order's page; or promise another moment there, with "
            "the reason. A message that is sent and news from the carrier keep a promise by themselves."
        )
    )
    lines += ["", f"{settings.SITE_URL}{reverse('desk:obligations')}", ""]
    subject = _subject(len(broken), len(warned))
    promisers = [one.made_by for one in (*broken, *warned) if one.made_by is not None]
    desk_mail.tell(subject, "\n".join(lines), also=promisers)


def _mail_of(incident: Incident) -> None:
    """An incident's moment has passed: every customer who was told of it waits."""
    audit.record(None, "incident.update_broken", incident, due_at=str(incident.next_update_at))
    lines = [
        _("The mail about “%(name)s” said that customers would hear from us again by now.") % {"name": incident.name},
        _("Write to them by a new incident, name another moment, or say that it is over:"),
        "",
        f"{settings.SITE_URL}{reverse('desk:incident', args=[incident.pk])}",
        "",
    ]
    desk_mail.tell(_("Incident “%(name)s”: an update is overdue") % {"name": incident.name}, "\n".join(lines))


def _subject(broken: int, warned: int) -> str:
    if not broken:
        return ngettext(
            "%(number)d promised update is due soon", "%(number)d promised updates are due soon", warned
        ) % {"number": warned}
    said = ngettext("%(number)d promised update is overdue", "%(number)d promised updates are overdue", broken)
    return said % {"number": broken}


def _lines(updates: Sequence[NextUpdate]) -> list[str]:
    """Order, moment, who promised and where to look: no name or address of a customer goes by mail."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    found = [
        _("- order %(number)s, by %(at)s, promised by %(who)s: %(url)s")
        % {
            "number": one.order.number,
            "at": f"{timezone.localtime(one.due_at, zone):%d %B %Y, %H:%M}",
            "who": one.made_by.get_username() if one.made_by else _("a former colleague"),
            "url": f"{settings.SITE_URL}{reverse('desk:order', args=[one.order_id])}",
        }
        for one in updates[:_NAMED]
    ]
    if len(updates) > _NAMED:
        found.append(_("- and %(number)d more") % {"number": len(updates) - _NAMED})
    return found


def _tomorrow(now: datetime) -> datetime:
    """When the shop's next day begins."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time.min, zone)

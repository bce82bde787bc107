"""The rows behind the numbers of the guard-rails: what happened, and what it is a share of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Exists, F, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, TruncDate
from django.utils.translation import gettext as _

from analytics import shop_days, staying
from analytics.models import Event, EventKind, Journey, LinkDay, ReadDay
from analytics.periods import Period
from analytics.reports import spells
from analytics.reports.guard_rail_counts import WRITES
from analytics.reports.guard_rails import Rail
from contacts.models import FormVisit
from kb.models import Article, VoteReason
from notifications.models import DeliveryEvent, Message, PreferenceChange
from notifications.providers.base import DeliveryKind

HITS, OF, COULD_TELL = "hits", "of", "could_tell"


@dataclass(frozen=True)
class Row:
    """`name` opens `message`, `contact` or `journey` (ids), where it has one."""

    at: datetime
    name: str
    what: str
    who: str = ""
    message: UUID | None = None
    contact: int | None = None
    journey: int | None = None


@dataclass(frozen=True)
class List:
    """What a number counts: its name, its rows (newest first, by `moment`), how those of a page are told, and how many
    there are of each day, where counts of days know it."""

    title: str
    rows: QuerySet[Any]
    moment: str
    tell: Callable[[Sequence[Any]], list[Row]]
    counted: dict[date, int] | None


_Rows = Callable[[Period, datetime], QuerySet[Any]]
_Tell = Callable[[Sequence[Any]], list[Row]]


@dataclass(frozen=True)
class _Kind:
    title: str
    rows: _Rows
    moment: str
    tell: _Tell
    counts: tuple[type[LinkDay] | type[ReadDay], Combinable] | None = None


def choices(rail: Rail) -> list[tuple[str, str]]:
    """The lists of a guard-rail: key and name. None of what nothing is measured of."""
    return [(which, kind.title) for (each, which), kind in _kinds().items() if each == rail]


def build(rail: Rail, which: str, period: Period, parameters: Mapping[str, str], *, now: datetime) -> List | None:
    """None where the guard-rail has no such rows. `edit` and `side` of the parameters (reports/spells.py): only votes
    on the text before or after a change of an article."""
    kind = _kinds().get((rail, which))
    if kind is None or (parameters.get("edit", "") and rail is not Rail.NO_VOTES):
        return None
    text = spells.narrowing(parameters, "article_id", "revision_id", "variant_id", until=period.end)
    rows = kind.rows(period, now).filter(text)
    return List(kind.title, rows, kind.moment, kind.tell, _counted(kind, period, text))


def _counted(kind: _Kind, period: Period, text: Q) -> dict[date, int] | None:
    if kind.counts is None:
        return None
    model, number = kind.counts
    days = model._default_manager.filter(text, day__range=(period.first, period.last)).values_list("day")
    return dict(days.annotate(number=Sum(number)))


def _kinds() -> dict[tuple[Rail, str], _Kind]:
    return {
        (Rail.IN_SIGHT, HITS): _Kind(
            _("Pages on which the link was in sight"), _links_seen, "at", _of_links, (LinkDay, F("seen"))
        ),
        (Rail.IN_SIGHT, OF): _Kind(_("Pages that told us"), _links_told, "at", _of_links, (LinkDay, F("told"))),
        (Rail.IN_SIGHT, COULD_TELL): _Kind(_("Help pages opened"), _views, "at", _of_links, (LinkDay, F("views"))),
        (Rail.OPENED, HITS): _Kind(_("Openings of the contact form"), _openings, "opened_at", _of_forms),
        (Rail.COMPLETED, HITS): _Kind(
            _("Openings that ended in a message or an answer"), _completed, "opened_at", _of_forms
        ),
        (Rail.COMPLETED, OF): _Kind(_("Openings of the contact form"), _openings, "opened_at", _of_forms),
        (Rail.COMPLAINTS, HITS): _Kind(_("Mails marked as spam"), _complaints, "eligible_at", _of_mails),
        (Rail.COMPLAINTS, OF): _Kind(_("Mails sent"), _mails, "eligible_at", _of_mails),
        (Rail.UNSUBSCRIBES, HITS): _Kind(_("People who want no more mails"), _left, "at", _of_changes),
        (Rail.UNSUBSCRIBES, OF): _Kind(_("Mails sent"), _mails, "eligible_at", _of_mails),
        (Rail.NO_VOTES, HITS): _Kind(_("“No” to “Did this help?”"), _said_no, "at", _of_votes, (ReadDay, F("no"))),
        (Rail.NO_VOTES, OF): _Kind(_("Votes"), _votes, "at", _of_votes, (ReadDay, F("yes") + F("no"))),
    }


def _within(period: Period, name: str) -> dict[str, datetime]:
    return {f"{name}__gte": period.start, f"{name}__lt": period.end}


def _links_told(period: Period, now: datetime) -> QuerySet[Event]:
    found = Event.objects.filter(kind=EventKind.STAYED, link_seen__isnull=False, **_within(period, "at"))
    return found.order_by("-at", "-id")


def _links_seen(period: Period, now: datetime) -> QuerySet[Event]:
    return _links_told(period, now).filter(link_seen=True)


def _views(period: Period, now: datetime) -> QuerySet[Event]:
    kinds = (*staying.PAGES, EventKind.READ)
    return Event.objects.filter(kind__in=kinds, **_within(period, "at")).order_by("-at", "-id")


def _openings(period: Period, now: datetime) -> QuerySet[FormVisit]:
    until = min(period.end, now - WRITES)
    found = FormVisit.objects.filter(opened_at__gte=period.start, opened_at__lt=until, visitor__isnull=False)
    return found.order_by("-opened_at", "-pk")


def _completed(period: Period, now: datetime) -> QuerySet[FormVisit]:
    return _openings(period, now).filter(Q(contact__isnull=False) | Q(answered_at__isnull=False))


def _mails(period: Period, now: datetime) -> QuerySet[Message]:
    found = Message.objects.filter(sent_at__isnull=False, **_within(period, "eligible_at"))
    return found.select_related("rule").order_by("-eligible_at", "-id")


def _complaints(period: Period, now: datetime) -> QuerySet[Message]:
    complained = DeliveryEvent.objects.filter(message=OuterRef("pk"), kind=DeliveryKind.COMPLAINED.value)
    found = Message.objects.filter(Exists(complained), **_within(period, "eligible_at"))
    return found.select_related("rule").order_by("-eligible_at", "-id")


def _left(period: Period, now: datetime) -> QuerySet[PreferenceChange]:
    """Of each person the last time in the period."""
    asked = PreferenceChange.objects.filter(is_on=False, **_within(period, "at"))
    last = asked.order_by("person", "-at", "-pk").distinct("person")
    return PreferenceChange.objects.filter(pk__in=last.values("pk")).order_by("-at", "-pk")


def _votes(period: Period, now: datetime) -> QuerySet[Event]:
    """Of a visitor's votes on a text the last of the day, as the counts have it (rollup_sql.READS)."""
    cast = Event.objects.filter(kind=EventKind.VOTE, article_id__isnull=False, **_within(period, "at"))
    cast = cast.annotate(day=TruncDate("at", tzinfo=shop_days.zone()), revision=_known("revision_id"))
    cast = cast.annotate(variant=_known("variant_id"))
    same = {name: OuterRef(name) for name in ("day", "article_id", "revision", "variant", "locale", "visitor")}
    later = cast.filter(at__gte=OuterRef("at"), at__lt=OuterRef("at") + timedelta(days=2), **same).filter(
        Q(at__gt=OuterRef("at")) | Q(txid__gt=OuterRef("txid")) | Q(txid=OuterRef("txid"), id__gt=OuterRef("id"))
    )
    return cast.filter(~Exists(later)).order_by("-at", "-id")


def _known(name: str) -> Coalesce:
    return Coalesce(F(name), Value(0), output_field=BigIntegerField())


def _said_no(period: Period, now: datetime) -> QuerySet[Event]:
    return _votes(period, now).filter(data__is_helpful=False)


def _of_links(events: Sequence[Event]) -> list[Row]:
    titles, journeys = _titles(events), journeys_of((event.visitor, event.at) for event in events)
    in_sight = {True: _("in sight"), False: _("not in sight"), None: ""}
    return [
        Row(event.at, _page(event, titles), in_sight[event.link_seen], str(event.visitor)[:8], journey=journey)
        for event, journey in zip(events, journeys, strict=True)
    ]


def _page(event: Event, titles: dict[int, str | None]) -> str:
    if event.article_id is not None:
        return titles.get(event.article_id) or _("Deleted article")
    on = (event.data or {}).get("on", "") if event.kind == EventKind.STAYED else event.kind
    return _("Answers to a search") if on == EventKind.SEARCH else _("Home or a topic of the help centre")


def _of_forms(visits: Sequence[FormVisit]) -> list[Row]:
    journeys = journeys_of((visit.visitor, visit.opened_at) for visit in visits)

    def ended(visit: FormVisit) -> str:
        if visit.contact_id:
            return _("message sent")
        return _("answered on the way") if visit.answered_at else _("left")

    return [
        Row(
            visit.opened_at, _("Contact form opened"), ended(visit), str(visit.visitor)[:8], contact=visit.contact_id,
            journey=journey,
        )
        for visit, journey in zip(visits, journeys, strict=True)
    ]  # fmt: skip


def _of_mails(mails: Sequence[Message]) -> list[Row]:
    return [
        Row(mail.eligible_at, mail.rule.name, str(mail.get_state_display()), mail.person[:8], message=mail.pk)
        for mail in mails
    ]


def _of_changes(changes: Sequence[PreferenceChange]) -> list[Row]:
    return [Row(each.at, _("Asked for no more mails"), each.scope, each.person[:8]) for each in changes]


def _of_votes(votes: Sequence[Event]) -> list[Row]:
    titles, journeys = _titles(votes), journeys_of((vote.visitor, vote.at) for vote in votes)
    whys = {str(value): str(label) for value, label in VoteReason.choices}
    told = []
    for vote, journey in zip(votes, journeys, strict=True):
        data = vote.data or {}
        said = _("yes") if data.get("is_helpful") else _("no")
        why = whys.get(data.get("reason", ""))
        what = f"{said}: {why}" if why else said
        title = titles.get(vote.article_id or 0) or _("Deleted article")
        told.append(Row(vote.at, title, what, str(vote.visitor)[:8], journey=journey))
    return told


def _titles(events: Sequence[Event]) -> dict[int, str | None]:
    ids = {event.article_id for event in events if event.article_id is not None}
    return dict(Article.objects.filter(pk__in=ids).values_list("pk", "live_revision__title"))


def journeys_of(moments: Iterable[tuple[UUID | None, datetime]]) -> list[int | None]:
    """Of each visitor and moment the journey that began last before it."""
    asked = list(moments)
    begun: dict[UUID, list[tuple[datetime, int]]] = defaultdict(list)
    visitors = {visitor for visitor, _at in asked if visitor}
    for pk, visitor, at in Journey.objects.filter(visitor__in=visitors).values_list("pk", "visitor", "started_at"):
        begun[visitor].append((at, pk))

    def last(visitor: UUID | None, moment: datetime) -> int | None:
        before = [(at, pk) for at, pk in begun.get(visitor, ()) if at <= moment] if visitor else []
        return max(before)[1] if before else None

    return [last(visitor, moment) for visitor, moment in asked]

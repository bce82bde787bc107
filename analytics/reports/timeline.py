"""One journey, told event by event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics import contact_facts, outcomes, settling
from analytics.models import Event, EventKind, Identity, Journey, Outcome
from analytics.reports import contacts, journey_reasons
from contacts import reasons
from contacts.models import Contact, ContactSource
from core import clock
from kb.models import Article, SearchClick, SearchLog

_NO_SEARCH = UUID(int=0)
_SHOWN = 5  # answers of a search by name
_STAYED = EventKind.STAYED


@dataclass(frozen=True)
class Step:
    """One thing that happened. `url` is empty where there is nothing to open; `is_after`: the journey was over."""

    at: datetime
    text: str
    detail: str = ""
    notes: tuple[str, ...] = ()
    url: str = ""
    is_good: bool = False
    is_bad: bool = False
    is_after: bool = False


@dataclass(frozen=True)
class Decided:
    """The outcome in one window, and why; the text is empty while the window is open."""

    window: int
    text: str
    why: str


@dataclass(frozen=True)
class Story:
    journey: Journey
    topic: str  # its name
    decided: list[Decided]
    linkable: str  # why, or why not
    tied: list[Identity]
    steps: list[Step]
    later: list[Step]  # when the journey was over


@dataclass(frozen=True)
class _Known:
    """What events name by an id."""

    titles: Mapping[int, str | None]
    references: Mapping[int, str]
    searches: Mapping[UUID, SearchLog]
    opened: Mapping[UUID, Sequence[int]]  # articles, of a search
    reasons: Mapping[str, str]
    stays: Mapping[datetime, tuple[int, int]] = field(default_factory=dict)  # seconds and share, of a read at

    def title(self, article_id: int | None) -> str:
        return self.titles.get(article_id or 0) or _("deleted article %(id)s") % {"id": article_id}


def tell(journey: Journey) -> Story:
    """Everything known of the visitor from the journey's beginning to the end of its longest window."""
    tied = list(Identity.objects.filter(visitor=journey.visitor).order_by("at"))
    until = journey.ended_at + timedelta(days=max(settling.windows()))
    whose = Q(visitor=journey.visitor) | Q(kind=EventKind.CONTACT, person__in=[identity.person for identity in tied])
    events = Event.objects.filter(whose, at__gte=journey.started_at, at__lt=until).order_by("at", "id")
    # Of the rows about one contact the newest counts.
    newest = {event.contact_id: event.pk for event in events if event.contact_id is not None}
    told = [event for event in events if event.contact_id is None or newest[event.contact_id] == event.pk]
    known = _look_up(told)
    feeds = contact_facts.feeds()
    in_until = outcomes.watermark(feeds.values(), now=clock.now())
    names = contacts.topic_names()
    first_contact = next((event for event in told if event.kind == EventKind.CONTACT), None)
    contact = _deciding(journey, told) or first_contact
    decided = [
        Decided(
            days,
            str(Outcome(journey.outcomes[str(days)]).label) if str(days) in journey.outcomes else "",
            journey_reasons.of_outcome(journey, days, contact=contact, in_until=in_until, names=names),
        )
        for days in settling.windows()
    ]
    steps = [_step(event, known, is_after=event.at > journey.ended_at) for event in told if event.kind != _STAYED]
    return Story(
        journey=journey,
        topic=names.get(journey.topic, journey.topic),
        decided=decided,
        linkable=journey_reasons.of_linkable(journey, told, ties=tied, feeds=feeds),
        tied=tied,
        steps=[step for step in steps if not step.is_after],
        later=[step for step in steps if step.is_after],
    )


def _deciding(journey: Journey, told: Iterable[Event]) -> Event | None:
    return next((event for event in told if event.contact_id and event.contact_id == journey.contact_id), None)


def _look_up(told: Sequence[Event]) -> _Known:
    """What the events name. Four queries."""
    ids = [event.search_id for event in told if event.search_id]
    searches = {search.pk: search for search in SearchLog.objects.filter(pk__in=ids)}
    opened: dict[UUID, list[int]] = {}
    for search_id, article_id in SearchClick.objects.filter(search__in=ids).values_list("search", "article_id"):
        opened.setdefault(search_id, []).append(article_id)
    named = {event.article_id for event in told if event.article_id}
    named |= {pk for search in searches.values() for pk in search.shown[:_SHOWN]}
    named |= {pk for pks in opened.values() for pk in pks}
    named |= {pk for event in told for pk in _suggested(event)}
    contact_ids = [event.contact_id for event in told if event.contact_id is not None]
    return _Known(
        titles=dict(Article.objects.filter(pk__in=named).values_list("pk", "live_revision__title")),
        references=dict(Contact.objects.filter(pk__in=contact_ids).values_list("pk", "reference")),
        searches=searches,
        opened=opened,
        reasons={reason.code: reason.name for reason in reasons.stored()},
        stays=_stays(told),
    )


def _stays(told: Sequence[Event]) -> dict[datetime, tuple[int, int]]:
    """For how long each reading's page was in use, and the greatest share of its text in sight, by when it began."""
    found: dict[datetime, tuple[int, int]] = {}
    last: dict[int | None, datetime] = {}
    for event in told:
        if event.kind == EventKind.READ:
            last[event.article_id] = event.at
        elif event.kind == _STAYED and (began := last.get(event.article_id)) is not None:
            seconds, share = found.get(began, (0, 0))
            found[began] = (seconds + (event.seconds or 0), max(share, event.scrolled or 0))
    return found


def _suggested(event: Event) -> list[int]:
    shown = (event.data or {}).get("shown", []) if event.kind == EventKind.SUGGESTED else []
    return [pk for pk in shown if isinstance(pk, int)]


def _step(event: Event, known: _Known, *, is_after: bool) -> Step:
    detail, notes, url = _said(event, known)
    text = str(EventKind(event.kind).label).capitalize()
    if event.kind == EventKind.VOTE:
        text = _("Said that it did not help") if _is_no(event) else _("Said that it helped")
    return Step(
        at=event.at,
        text=text,
        detail=detail,
        notes=notes,
        url=url,
        is_good=event.kind == EventKind.ANSWERED or (event.kind == EventKind.VOTE and not _is_no(event)),
        is_bad=event.kind == EventKind.CONTACT or _is_no(event),
        is_after=is_after,
    )


def _said(event: Event, known: _Known) -> tuple[str, tuple[str, ...], str]:
    """The line under a step, further lines, and what it opens."""
    match event.kind:
        case EventKind.SEARCH:
            return *_of_search(event, known), ""
        case EventKind.READ:
            return known.title(event.article_id), _of_stay(known.stays.get(event.at)), ""
        case EventKind.SUGGESTED:
            shown = _suggested(event)
            return "", (_titles(shown, known),) if shown else (_("Nothing fitted."),), ""
        case EventKind.CONTACT:
            return _of_contact(event, known)
        case EventKind.VOTE if _is_no(event) and (why := (event.data or {}).get("reason")):
            return known.title(event.article_id), (_("Why: %(why)s") % {"why": why},), ""
    return known.title(event.article_id) if event.article_id else "", (), ""


def _of_search(event: Event, known: _Known) -> tuple[str, tuple[str, ...]]:
    search, data = known.searches.get(event.search_id or _NO_SEARCH), event.data or {}
    query, total = (search.text, search.total) if search else (data.get("query", ""), data.get("total", 0))
    told = ngettext("%(total)s found", "%(total)s found", total) % {"total": total}
    notes = []
    if search and search.shown:
        notes.append(_("Shown: %(titles)s") % {"titles": _titles(search.shown, known)})
    if search:
        opened = known.opened.get(search.pk, ())
        notes.append(_("Opened: %(titles)s") % {"titles": _titles(opened, known)} if opened else _("Opened nothing."))
    if search and search.featured:
        notes.append(_("A passage stood above the answers, and may have said enough."))
    return (f"“{query}”, {told}" if query else told), tuple(notes)


def _of_stay(stay: tuple[int, int] | None) -> tuple[str, ...]:
    if stay is None:
        return (_("The page did not say for how long."),)
    seconds, share = stay
    told = _("%(minutes)s min %(seconds)s s") if seconds >= 60 else _("%(seconds)s s")
    passed = told % {"minutes": seconds // 60, "seconds": seconds % 60}
    return (_("In use for %(passed)s, %(share)s %% of it in sight.") % {"passed": passed, "share": share},)


def _of_contact(event: Event, known: _Known) -> tuple[str, tuple[str, ...], str]:
    data = event.data or {}
    reference = known.references.get(event.contact_id or 0, "")
    code, source = str(data.get("reason") or ""), str(data.get("source") or "")
    why = known.reasons.get(code, code) or _("uncoded")
    channel = {str(value): str(label) for value, label in ContactSource.choices}.get(source, source)
    url = reverse("desk:contact", args=[event.contact_id]) if reference else ""
    gone = () if reference else (_("This contact has been deleted since."),)
    return " · ".join(part for part in (reference, str(why), channel) if part), gone, url


def _titles(articles: Sequence[int], known: _Known) -> str:
    named = "; ".join(known.title(pk) for pk in articles[:_SHOWN])
    more = len(articles) - _SHOWN
    return named + (" " + _("and %(number)s more") % {"number": more} if more > 0 else "")


def _is_no(event: Event) -> bool:
    return event.kind == EventKind.VOTE and not (event.data or {}).get("is_helpful")

"""One journey, told event by event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import settling
from analytics.models import Event, EventKind, Identity, Journey, Outcome
from analytics.reports import contacts
from contacts.models import Contact
from kb.models import Article, SearchLog

_NO_SEARCH = UUID(int=0)


@dataclass(frozen=True)
class Step:
    """One thing that happened. `url` is empty where there is nothing to open."""

    at: datetime
    text: str
    detail: str = ""
    url: str = ""
    is_good: bool = False
    is_bad: bool = False


@dataclass(frozen=True)
class Decided:
    """The outcome in one window; empty while the window is open."""

    window: int
    text: str


@dataclass(frozen=True)
class Story:
    journey: Journey
    topic: str  # its name
    decided: list[Decided]
    tied: list[Identity]
    steps: list[Step]


def tell(journey: Journey) -> Story:
    """Everything known of the visitor from the journey's beginning to the end of its longest window."""
    tied = list(Identity.objects.filter(visitor=journey.visitor).order_by("at"))
    until = journey.ended_at + timedelta(days=max(settling.windows()))
    whose = Q(visitor=journey.visitor) | Q(kind=EventKind.CONTACT, person__in=[identity.person for identity in tied])
    events = Event.objects.filter(whose, at__gte=journey.started_at, at__lt=until).order_by("at", "id")
    # Of the rows about one contact the newest counts.
    newest = {event.contact_id: event.pk for event in events if event.contact_id is not None}
    told = [event for event in events if event.contact_id is None or newest[event.contact_id] == event.pk]
    titles = dict(
        Article.objects.filter(pk__in={event.article_id for event in told if event.article_id}).values_list(
            "pk", "live_revision__title"
        )
    )
    references = dict(Contact.objects.filter(pk__in=newest).values_list("pk", "reference"))
    asked = SearchLog.objects.filter(pk__in=[event.search_id for event in told if event.search_id])
    typed = {pk: (text, total) for pk, text, total in asked.values_list("pk", "text", "total")}
    decided = [
        Decided(days, str(Outcome(journey.outcomes[str(days)]).label) if str(days) in journey.outcomes else "")
        for days in settling.windows()
    ]
    topic = contacts.topic_names().get(journey.topic, journey.topic)
    return Story(journey, topic, decided, tied, [_step(event, titles, references, typed) for event in told])


def _step(
    event: Event,
    titles: Mapping[int, str | None],
    references: Mapping[int, str],
    typed: Mapping[UUID, tuple[str, int]],
) -> Step:
    about = titles.get(event.article_id or 0) or ""
    data = event.data or {}
    text = _("Said that it did not help") if _is_no(event) else str(EventKind(event.kind).label).capitalize()
    if event.kind == EventKind.VOTE and not _is_no(event):
        text = _("Said that it helped")
    url = ""
    if event.kind == EventKind.SEARCH:
        query, total = typed.get(event.search_id or _NO_SEARCH, (data.get("query", ""), data.get("total", 0)))
        about = _("“%(query)s”, %(total)s found") % {"query": query, "total": total} if query else ""
    elif event.kind == EventKind.STAYED:
        about = _("%(title)s · %(seconds)s s, saw %(share)s %% of it") % {
            "title": about,
            "seconds": event.seconds,
            "share": event.scrolled,
        }
    elif event.kind == EventKind.CONTACT:
        reference = references.get(event.contact_id or 0, "")
        about = f"{reference} · {data.get('reason') or _('uncoded')} · {data.get('source', '')}"
        url = reverse("desk:contact", args=[event.contact_id]) if reference else ""
    elif event.kind == EventKind.READ and not about:
        about = _("deleted article %(id)s") % {"id": event.article_id}
    return Step(
        at=event.at,
        text=text,
        detail=about,
        url=url,
        is_good=event.kind == EventKind.ANSWERED or (event.kind == EventKind.VOTE and not _is_no(event)),
        is_bad=event.kind == EventKind.CONTACT or _is_no(event),
    )


def _is_no(event: Event) -> bool:
    return event.kind == EventKind.VOTE and not (event.data or {}).get("is_helpful")

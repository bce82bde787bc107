"""What the desk sees of numbers: the dashboard, the rows behind it, and what each number means."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.paginator import Page
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from analytics import day_pages, definitions, journey_flow, markers, overview_charts, periods, saved_views, settling
from analytics.models import Event, EventKind, GapKind, Journey, Outcome, ReadDay
from analytics.reports import (
    contacts,
    data_health_words,
    flow_compared,
    journeys,
    messages,
    overview,
    timeline,
    to_do,
    to_do_content,
)
from analytics.reports import flow as flow_report
from analytics.reports.unlinkable import TOLD
from analytics.views.paging import page_of
from contacts.models import ContactSource
from core import clock, roles
from kb.models import Article
from notifications import obligations
from notifications.intake import silence
from notifications.models import Message
from notifications.prediction import drift

ARTICLES_FIRST = 5
_DISMISSED_AS = {
    to_do.Kind.NO_ARTICLE: GapKind.REASON,
    to_do.Kind.FAILING_SEARCHES: GapKind.SEARCHES,
    to_do.Kind.FAILING_ARTICLE: GapKind.ARTICLE,
}
READERS = (roles.ANALYST, roles.ADMIN, roles.OPS)


@require_safe
@roles.desk()
def home(request: HttpRequest) -> HttpResponse:
    """The dashboard."""
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    shown = overview.build(period, now=now)
    reader = roles.roles_of(request.user)
    marks = markers.collect(period, reader=reader)
    context = {
        "overview": shown,
        "days": overview_charts.contacts_by_day(shown, marks=marks, may_open=bool(reader & set(READERS))),
        "effects": overview_charts.effects(shown, may_open=bool(reader & set(READERS))),
        **saved_views.context(request, saved_views.HOME, period),
        "segments": {"locales": settings.LANGUAGES, "sources": ContactSource.choices},
        "journeys_in": period.segment.locale,
        "first_things": [_first_thing(shown.to_do, place, reader) for place in range(len(shown.to_do))],
        "article_rows": shown.articles[:ARTICLES_FIRST],
        "article_page": _article_page(period, reader),
        "now": now,
        "silences": silence.standing(),
        "drifts": drift.standing(),
        **_owed(request, now=now),
        **about(request, period, wrong),
    }
    return render(request, "desk/home.html", context)


def _first_thing(found: list[to_do.Candidate], place: int, reader: set[str]) -> dict[str, Any]:
    """One of the things to do, as its reader may do it."""
    each = found[place]
    kind = _DISMISSED_AS.get(each.kind, "")
    return {
        **{name: getattr(each, name) for name in ("says", "a_week", "is_fault", "key", "locale")},
        "is_most": each.a_week is not None and all(other.is_fault for other in found[:place]),
        "place": each.place_for(reader),
        "whose": sorted({role for one in each.places for role in one.roles}),
        "dismissed_as": kind if reader & to_do_content.EDITORS else "",
    }


def _article_page(period: periods.Period, reader: set[str]) -> str:
    """Where all articles' results are, once the desk has that page."""
    places = to_do_content.page("article-scorecards", "", to_do_content.ARTICLES | to_do_content.NUMBERS)
    return period.address(places[0].url) if places and reader & places[0].roles else ""


def _owed(request: HttpRequest, *, now: datetime) -> dict[str, int]:
    """How many promised updates are overdue and due today, for who can give them."""
    if not roles.roles_of(request.user) & {roles.OPS, roles.ADMIN}:
        return {}
    overdue, today = obligations.owed(now=now)
    return {"overdue": overdue, "today": today}


@require_safe
@roles.desk(*READERS)
def journey_list(request: HttpRequest) -> HttpResponse:
    """The journeys behind a number."""
    period, wrong = periods.read(request.GET, now=clock.now())
    asked = request.GET.dict()
    found = journeys.narrowed(period, asked)
    shown = journey_flow.build(period, asked)
    recent = flow_report.recent(period, asked) if shown.flow else None
    end = min(period.end, clock.now())
    listed = day_pages.Newest(found, "started_at", end=end, known=shown.journeys, recent=recent)
    page: Page[Journey] = page_of(listed, request)
    titles = _titles({row.last_article_id for row in page} | {_whole(request, "article"), _whole(request, "read")})
    labels: dict[str | None, str] = {value: str(label) for value, label in Outcome.choices}
    labels[None] = _("too early to say")
    topics = contacts.topic_names()
    rows = []
    for row in page:
        outcome = row.outcomes.get(str(period.window))
        rows.append(
            {
                "journey": row,
                "title": titles.get(row.last_article_id),
                "topic": topics.get(row.topic, row.topic),
                "outcome": outcome,
                "text": labels[outcome],
            }
        )
    context = {
        "rows": rows,
        "page": page,
        "chips": _chips(request, titles, labels),
        **journey_flow.context(shown, period, asked, titles=titles),
        **saved_views.context(request, "journeys", period),
        "turns": flow_compared.build(period, asked, shown.flow) if shown.flow else [],
        "before": period.before(),
        **about(request, period, wrong),
        "section": "journeys",
    }
    return render(request, "desk/journeys.html", context)


@require_safe
@roles.desk(*READERS)
def journey(request: HttpRequest, pk: int) -> HttpResponse:
    """One journey, event by event."""
    story = timeline.tell(get_object_or_404(Journey, pk=pk))
    return render(request, "desk/journey.html", {"section": "journeys", "story": story})


@require_safe
@roles.desk(*READERS)
def views(request: HttpRequest) -> HttpResponse:
    """The article views behind a number."""
    period, wrong = periods.read(request.GET, now=clock.now())
    found = Event.objects.filter(kind=EventKind.READ, at__gte=period.start, at__lt=period.end)
    counted = ReadDay.objects.filter(day__range=(period.first, period.last))
    if "article" in request.GET:
        article = _whole(request, "article") or 0
        found, counted = found.filter(article_id=article), counted.filter(article_id=article)
    if "text" in request.GET:
        text = _whole(request, "text") or 0
        found, counted = found.filter(revision_id=text), counted.filter(revision_id=text)
    by_day = dict(counted.values_list("day").annotate(number=Sum("views")).order_by())
    listed = day_pages.DayPages(found, "at", by_day)
    page: Page[Event] = page_of(listed, request)
    titles = _titles({row.article_id for row in page} | {_whole(request, "article")})
    context = {
        "rows": [{"event": row, "title": titles.get(row.article_id)} for row in page],
        "page": page,
        "article": titles.get(_whole(request, "article"), ""),
        **about(request, period, wrong),
    }
    return render(request, "desk/views.html", context)


@require_safe
@roles.desk(*READERS)
def evidence(request: HttpRequest) -> HttpResponse:
    """The messages behind a number about a rule."""
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    asked = request.GET.dict()
    found = messages.narrowed(period, asked, now=now).select_related("rule")
    known = messages.number(period, asked, now=now)
    listed = day_pages.Newest(found, "eligible_at", end=messages.until(period, asked, now=now), known=known)
    page: Page[Message] = page_of(listed, request)
    context = {"page": page, "is_compared": bool(request.GET.get("compared")), **about(request, period, wrong)}
    return render(request, "desk/evidence.html", context)


@require_safe
@roles.desk()
def metrics(request: HttpRequest) -> HttpResponse:
    """What each number means: docs/metrics.md."""
    return render(request, "desk/metrics.html", {"section": "home", "doc": definitions.doc()})


def about(request: HttpRequest, period: periods.Period, wrong: list[str]) -> dict[str, Any]:
    """What every page about a period shows."""
    return {
        "section": "home",
        "back": period.address(reverse("desk:home")),
        "kept": [(name, value) for name, value in request.GET.items() if name not in (*periods.NAMES, "page")],
        "period": period,
        "wrong": wrong,
        "windows": settling.windows(),
        "may_open_rows": bool(roles.roles_of(request.user) & set(READERS)),
    }


def _whole(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _titles(article_ids: set[int | None]) -> dict[int | None, str | None]:
    known = Article.objects.filter(pk__in=[pk for pk in article_ids if pk is not None])
    return dict(known.values_list("pk", "live_revision__title"))


def _chips(request: HttpRequest, titles: dict[int | None, str | None], labels: dict[Any, Any]) -> list[str]:
    """What the list is narrowed to, in words."""
    words = {
        ("outcome", journeys.IMMATURE): _("too early to say"),
        ("mature", "yes"): _("mature"),
        ("linkable", "yes"): _("linkable"),
        ("linkable", "no"): _("not linkable"),
        ("has_read", "yes"): _("read something"),
        ("has_read", "no"): _("read nothing"),
        ("entry", "search"): _("began with a search"),
        ("entry", "help"): _("began in the help centre"),
        ("entry", "article"): _("began with an article"),
        ("entry", "order"): _("began at an order's page"),
        ("entry", "form"): _("began at the contact form"),
        ("entry", "unknown"): _("beginning not known"),
        ("voted", "yes"): _("voted"),
        ("contact", "no"): _("no contact known"),
        ("helped", "maybe"): _("said yes, or nothing was heard"),
        ("contradicted", "yes"): _("contradicted"),
        **{("outcome", value): str(label) for value, label in labels.items() if value},
        **{("why", code): text for code, text in data_health_words.unlinkable_names().items()},
        ("why", TOLD): _("why they are unlinkable can be told"),
    }
    chips = [text for (name, value), text in words.items() if request.GET.get(name) == value]
    if topic := request.GET.get("topic", ""):
        chips.append(_("about: %(topics)s") % {"topics": journey_flow.topics_in_words(topic)})
    if lang := request.GET.get("lang", ""):
        chips.append(_("in %(language)s") % {"language": dict(settings.LANGUAGES).get(lang, lang)})
    if request.GET.get("article"):
        chips.append(_("last read: %(title)s") % {"title": titles.get(_whole(request, "article")) or "?"})
    if others := journeys.ids(request.GET.get("beside", "")):
        chips.append(
            ngettext("not last read: one article", "not last read: %(number)s articles", len(others))
            % {"number": len(others)}
        )
    if request.GET.get("read"):
        chips.append(_("read: %(title)s") % {"title": titles.get(_whole(request, "read")) or "?"})
    if request.GET.get("text"):
        chips.append(_("one text of it"))
    return [*chips, text] if (text := of_text(request)) else chips


def of_text(request: HttpRequest) -> str:
    """Which text of an article a list is narrowed to, in words; empty where it is to none."""
    if not request.GET.get("edit"):
        return ""
    return (
        _("the text before a change of it")
        if request.GET.get("side") == "before"
        else _("the text after a change of it")
    )

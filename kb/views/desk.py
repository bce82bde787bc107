"""What editors see of all articles: the list, and one action for many of them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import roles
from core.roles import ADMIN, ANALYST, REVIEWER, WRITER, desk
from kb import bulk, bulk_wishes, desk_list, desk_rows, upkeep
from kb.desk_list import FilterForm
from kb.models import Article, BulkAction, BulkChange, BulkState
from kb.views import search_guard

_SHOWN = 200  # steps of a plan, and outcomes, on one page
_OFFERED = 8  # articles that readers may be led to


@require_safe
@desk(WRITER, REVIEWER, ANALYST, ADMIN)
def articles(request: HttpRequest) -> HttpResponse:
    form = FilterForm(request.GET, me=roles.user_of(request))
    sort = request.GET.get("sort", desk_list.DEFAULT_SORT)
    own = roles.roles_of(request.user)
    may_write = bool(own & {WRITER, REVIEWER, ADMIN})
    found = desk_list.page(form, sort, request.GET.get("page"))
    context = {
        "section": "articles",
        "articles": found,
        "rows": desk_rows.shown(list(found.object_list), may_write=may_write),
        "filter_form": form,
        "sort": sort,
        "new_url": reverse("desk:article-new") if may_write else "",
        "may_write": may_write,
        "may_archive": bool(own & {REVIEWER, ADMIN}),
        "filters": request.GET.urlencode(),
        "is_needs": bool(form.is_valid() and form.cleaned_data["needs"]),
        "today": upkeep.today(),
        "owners": form.staff,
        "categories": form.categories,
        "as_of": next((row.result.as_of for row in found if hasattr(row, "result")), None),
        "since": next((row.result.since for row in found if hasattr(row, "result")), None),
    }
    return render(request, "desk/articles.html", context)


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def plan_bulk(request: HttpRequest) -> HttpResponse:
    """From the list's form to the preview of what would be done: the articles chosen, or `every` one that matches."""
    filters = request.POST.get("filters", "")
    if request.POST.get("scope") == "every":
        given = QueryDict(filters)
        form = FilterForm(given, me=roles.user_of(request))
        chosen = desk_list.ordered(desk_list.chosen(form), given.get("sort", ""), shelves=form.shelves)
        ids = list(chosen.values_list("pk", flat=True)[: bulk.MOST + 1])
    else:
        ids = list(dict.fromkeys(int(pk) for pk in request.POST.getlist("article") if _is_number(pk)))
    try:
        action = request.POST.get("action", "")
        change = bulk.plan(action, _value(action, request.POST), ids, by=roles.user_of(request))
    except bulk.Refused as refused:
        messages.error(request, str(refused))
        return redirect(f"{reverse('desk:articles')}?{filters}")
    return redirect("desk:bulk", change.pk)


@require_safe
@desk(REVIEWER, ADMIN)
def bulk_targets(request: HttpRequest) -> HttpResponse:
    """Articles whose title has the typed words, as options of the field; a fragment for htmx."""
    there = Article.objects.published()
    for word in request.GET.get("to_article", "").replace("\0", "").split()[:8]:
        there = there.filter(Q(live_revision__title__icontains=word) | Q(slug__icontains=word))
    found = there.select_related("live_revision").order_by("live_revision__title", "pk")[:_OFFERED]
    return render(request, "desk/_partials/article_options.html", {"found": found})


@require_http_methods(["GET", "HEAD", "POST"])
@desk(WRITER, REVIEWER, ADMIN)
def bulk_change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A plan, and the button that carries it out (POST); once it is, what became of each article."""
    change = BulkChange.objects.select_related("by").filter(pk=pk, by=roles.user_of(request)).first()
    try:
        if request.method == "POST":
            if change is not None and change.state == BulkState.PLANNED and change.action == BulkAction.ARCHIVE:
                back = reverse("desk:bulk", args=[pk])
                touched = [step.article_id for step in bulk.steps(change) if not step.why_not]
                if asked := search_guard.ask_before_archiving(request, touched, back=back):
                    return asked
            bulk.start(pk, by=roles.user_of(request))
            return redirect("desk:bulk", pk)
        if change is None:
            raise Http404
        context = _planned(request, change) if change.state == BulkState.PLANNED else _result(request, change)
    except bulk.Refused as refused:
        messages.error(request, str(refused))
        return redirect("desk:articles")
    template = "desk/bulk_preview.html" if change.state == BulkState.PLANNED else "desk/bulk_result.html"
    if request.headers.get("HX-Request") and change.state != BulkState.PLANNED:
        template = "desk/_partials/bulk_progress.html"
    return render(request, template, context)


def _planned(request: HttpRequest, change: BulkChange) -> dict[str, Any]:
    steps = bulk.steps(change)
    skipped = [step for step in steps if step.why_not]
    is_archive = change.action == BulkAction.ARCHIVE
    touched = [step.article_id for step in steps if not step.why_not]
    return {
        "section": "articles",
        "change": change,
        "wish": bulk.wish_of(change),
        "touched": len(steps) - len(skipped),
        "noted": sum(1 for step in steps if step.note and not step.why_not),
        "skipped": len(skipped),
        # What will be skipped stands first: it is what one may not have meant.
        "steps": Paginator([*skipped, *(step for step in steps if not step.why_not)], _SHOWN).get_page(
            request.GET.get("page")
        ),
        "is_archive": is_archive,
        "foreseen": search_guard.before_archiving(request, touched) if is_archive and touched else None,
        "accepted": search_guard.ACCEPTED,
    }


def _result(request: HttpRequest, change: BulkChange) -> dict[str, Any]:
    rows = change.outcomes.order_by("is_done", "pk")
    so_far = bulk.progress(change)
    return {
        "section": "articles",
        "change": change,
        "wish": bulk.wish_of(change),
        "progress": so_far,
        "seen": so_far["done"] + so_far["skipped"],
        "is_running": change.state == BulkState.RUNNING,
        "outcomes": Paginator(rows, _SHOWN).get_page(request.GET.get("page")),
    }


def _value(action: str, given: QueryDict) -> dict[str, Any]:
    """What an action needs to know, as it is stored. Raises bulk.Refused."""
    if action == BulkAction.CATEGORY:
        if (category := _number(given, "to_category")) is None:
            raise bulk.Refused(_("Choose the category that the articles go to."))
        return {"category": category}
    if action == BulkAction.OWNER:
        if given.get("to_owner") == desk_list.NOBODY:
            return {"owner": None}
        if (owner := _number(given, "to_owner")) is None:
            raise bulk.Refused(_("Choose who becomes the owner of the articles."))
        return {"owner": owner}
    if action == BulkAction.REVIEW:
        try:
            day = date.fromisoformat(given.get("to_date", "")) if given.get("to_date") else None
        except ValueError as error:
            raise bulk.Refused(_("This is no day. Write it like 2026-12-24.")) from error
        if day is not None and day < upkeep.today():
            raise bulk.Refused(_("This day is over. Choose one that comes, or leave it empty for no review."))
        return {"review_by": day.isoformat() if day else None}
    if action == BulkAction.ARCHIVE:
        return _leads(given)
    return {}


def _leads(given: QueryDict) -> dict[str, Any]:
    """What readers of the archived articles find. Raises bulk.Refused."""
    match given.get("leads"):
        case "nowhere":
            return {}
        case "category":
            return {"leads": bulk_wishes.ITS_CATEGORY}
        case "article":
            return {"leads_to": _article(str(given.get("to_article", ""))).pk}
    raise bulk.Refused(_("Choose what readers find at the addresses of the archived articles."))


def _article(words: str) -> Article:
    """The published article that has this address, or alone has this title. Raises bulk.Refused."""
    words = words.replace("\0", "").strip()
    there = Article.objects.published()
    by_slug = there.filter(slug=words.strip("/").rpartition("/")[2])
    if found := by_slug.annotate(is_default=Q(locale=settings.LANGUAGE_CODE)).order_by("-is_default", "pk").first():
        return found
    named = list(there.filter(live_revision__title__iexact=words)[:2])
    if len(named) == 1:
        return named[0]
    if named:
        raise bulk.Refused(_("Several articles have the title “%(title)s”. Give the address.") % {"title": words[:80]})
    raise bulk.Refused(
        _("No published article has the title or address “%(title)s”. Choose one from the list.")
        % {"title": words[:80]}
    )


def _number(given: QueryDict, name: str) -> int | None:
    text = str(given.get(name, ""))
    return int(text) if _is_number(text) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16

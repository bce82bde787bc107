"""Looking after articles: the to-do list, links, and who looks after one by when."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core import roles
from core.roles import ADMIN, ANALYST, REVIEWER, WRITER, desk
from kb import attention, care, desk_list, upkeep
from kb.models import Article, LinkState
from kb.views import asking

_PER_PAGE = 50
_STATES = (LinkState.BROKEN, LinkState.FAILING, LinkState.UNSURE)


@require_safe
@desk(WRITER, REVIEWER, ANALYST, ADMIN)
def todo(request: HttpRequest) -> HttpResponse:
    """What asks for attention, counted; each count leads to the articles that it counts."""
    everybody = attention.counts()
    mine = attention.counts(Article.objects.filter(owner=roles.user_of(request)))
    context = {
        "section": "articles",
        "kinds": [
            {"kind": kind, "articles": everybody[key], "mine": mine[key]} for key, kind in attention.KINDS.items()
        ],
        "is_all_done": not any(everybody.values()),
        "has_articles": Article.objects.published().exists(),
    }
    return render(request, "desk/care.html", context)


@require_safe
@desk(WRITER, REVIEWER, ANALYST, ADMIN)
def links_page(request: HttpRequest) -> HttpResponse:
    """Links that lead nowhere, article by article; what is linked most; how many are orphans."""
    wanted = request.GET.get("state", LinkState.BROKEN)
    state = wanted if wanted in _STATES else LinkState.BROKEN
    totals = care.link_totals()
    context = {
        "section": "articles",
        "state": state,
        "totals": totals,
        "states": [(one.value, one.label, totals[one.value]) for one in _STATES],
        "links": Paginator(care.bad_links(state), _PER_PAGE).get_page(request.GET.get("page")),
        "most_linked": care.most_linked(),
        "orphans": attention.counts()["orphan"],
    }
    return render(request, "desk/links.html", context)


@require_safe
@desk(WRITER, REVIEWER, ANALYST, ADMIN)
def article_links(request: HttpRequest, pk: int) -> HttpResponse:
    """One article's links in both directions, and who looks after it; a page, or a fragment of the editor's page."""
    article = get_object_or_404(Article.objects.select_related("draft", "live_revision", "owner"), pk=pk)
    context = {
        "section": "articles",
        "article": article,
        "title": article.draft.title,
        "may_write": roles.may_write(request.user),
        "links_out": list(care.links_from(article)[: care.SHOWN + 1]),
        "links_in": list(care.links_to(article)[: care.SHOWN + 1]),
        "broken_in_draft": care.broken_in_draft(article),
        "reasons": care.of(article).reasons,
        "failing_tests": care.failing_tests(article),
        "missing_pieces": care.missing_pieces(article),
        "owners": desk_list.owner_choices(),
        "shown": care.SHOWN,
    }
    is_part = bool(request.headers.get("HX-Request"))
    return render(request, "desk/_partials/article_care.html" if is_part else "desk/article_links.html", context)


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def look_after(request: HttpRequest, pk: int) -> HttpResponse:
    """Who looks after an article (`owner`), and by when it is looked at again (`review_by`)."""
    article = get_object_or_404(Article.objects.select_related("owner"), pk=pk)
    who = request.POST.get("owner", "")
    owner = upkeep.owners().filter(pk=asking.number(who, digits=15)).first()
    try:
        day = date.fromisoformat(request.POST["review_by"]) if request.POST.get("review_by") else None
    except ValueError:
        messages.error(request, _("This is no day. Write it like 2026-12-24."))
        return redirect("desk:article-edit", pk)
    if who and owner is None:
        messages.error(request, _("This person is no longer on the desk. Choose another."))
        return redirect("desk:article-edit", pk)
    if owner != article.owner:
        upkeep.set_owner(article, owner, by=roles.user_of(request))
    if day != article.review_by:
        upkeep.set_date(article, day, by=roles.user_of(request))
    messages.success(request, _("Saved: who looks after the article, and by when."))
    return redirect("desk:article-edit", pk)

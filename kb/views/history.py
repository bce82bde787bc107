"""The history of an article: its frozen texts, any two of them compared, one of them put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from core import audit, roles
from core.roles import ADMIN, ANALYST, REVIEWER, WRITER, desk
from kb import differences, experiment_story, facts, html_differences, publishing
from kb.models import Article, Revision
from kb.publishing import Text
from kb.views import asking, search_guard

_PER_PAGE = 50
DRAFT = "draft"  # in an address: the draft of now instead of a revision's number


@dataclass(frozen=True)
class Side:
    """One of two texts that are compared. `number` 0: the draft."""

    number: int
    text: Text
    html: str
    revision: Revision | None

    @property
    def key(self) -> str:
        return str(self.number) if self.number else DRAFT


@require_safe
@desk(WRITER, REVIEWER, ANALYST, ADMIN)
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """Every frozen text, who made it and why; two may be picked and compared. And the tests of them."""
    article = get_object_or_404(Article.objects.select_related("draft"), pk=pk)
    revisions = article.revisions.select_related("created_by").defer("body", "html", "text", "headings")
    page = Paginator(revisions, _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "section": "articles",
        "article": article,
        "revisions": page,
        "draft": article.draft,
        "tests": experiment_story.of(article) if page.number == 1 else [],
    }
    return render(request, "desk/article_history.html", context)


@require_safe
@desk(WRITER, REVIEWER, ANALYST, ADMIN)
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """?from=3&to=5 (or to=draft); ?view=source shows the Markdown line by line, else the text as readers see it."""
    article = get_object_or_404(Article.objects.select_related("draft"), pk=pk)
    old, new = _side(article, request.GET.get("from", "")), _side(article, request.GET.get("to", DRAFT))
    context: dict[str, Any] = {
        "section": "articles",
        "article": article,
        "old": old,
        "new": new,
        "is_source": request.GET.get("view") == "source",
        "is_same": old.text == new.text,
        "title": differences.words(old.text.title, new.text.title),
        "summary": differences.words(old.text.summary, new.text.summary),
    }
    if context["is_source"]:
        context["lines"] = differences.lines(old.text.body, new.text.body)
    else:
        context["html"] = mark_safe(html_differences.marked(old.html, new.html))
    return render(request, "desk/article_compare.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(WRITER, REVIEWER, ANALYST, ADMIN)
def revision(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One frozen text. POST action=restore copies it into the draft; action=revert shows it to customers again."""
    shown = get_object_or_404(
        Revision.objects.select_related("article__draft", "article__live_revision", "created_by"),
        article=pk,
        number=number,
    )
    article = shown.article
    if request.method == "POST":
        if request.POST.get("action") == "revert" and roles.may_publish(request.user):
            back = reverse("desk:article-revision", args=[pk, number])
            if asked := search_guard.ask_before_reverting(request, article, shown, back=back):
                return asked
        _put_back(request, article, shown)
        return redirect("desk:article-edit", pk)
    context = {
        "section": "articles",
        "article": article,
        "revision": shown,
        "html": mark_safe(shown.html),
        "is_live": shown.pk == article.live_revision_id and article.state == "published",
        "draft": article.draft,
        "live_number": article.live_revision.number if article.live_revision else 0,
        "may_write": roles.may_write(request.user),
        "may_publish": roles.may_publish(request.user),
    }
    return render(request, "desk/article_revision.html", context)


def _put_back(request: HttpRequest, article: Article, shown: Revision) -> None:
    by = roles.user_of(request)
    try:
        if request.POST.get("action") == "revert" and roles.may_publish(request.user):
            publishing.revert(article, shown, by=by)
            messages.success(request, _("Customers see this text again."))
        elif request.POST.get("action") == "restore" and roles.may_write(request.user):
            version = asking.number(request.POST.get("version"))
            publishing.save_draft(article, Text.of(shown), version=version, by=by)
            audit.record(by, "draft.restored", article, revision=shown.number)
            messages.success(request, _("The text is in the draft. Nothing is public until you publish."))
    except publishing.DraftConflict:
        messages.error(request, _("The draft was changed meanwhile, so it was left alone. Look at it first."))
    except publishing.PublishingError as error:
        messages.error(request, str(error))


def _side(article: Article, key: str) -> Side:
    if key == DRAFT:
        draft = article.draft
        filled = facts.fill(draft.title, draft.summary, draft.body, locale=article.locale)
        return Side(0, Text.of(draft), filled.rendered.html, None)
    found = article.revisions.select_related("created_by").filter(number=asking.number(key)).first()
    if found is None:
        raise Http404(_("This article has no text %(number)s.") % {"number": key[:10]})
    return Side(found.number, Text.of(found), found.html, found)

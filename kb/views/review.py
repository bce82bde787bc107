"""Reviews on the desk: what waits for whom, one frozen text with the comments on it, and what a reviewer does."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core import roles
from core.roles import ADMIN, ANALYST, REVIEWER, WRITER, desk
from kb import four_eyes, publishing, quotes, reviews
from kb.models import Article, Plan, PlanState, Remark, Review, ReviewState
from kb.views import asking, search_guard


@require_safe
@desk(WRITER, REVIEWER, ANALYST, ADMIN)
def overview(request: HttpRequest) -> HttpResponse:
    """Open reviews, those that wait for this person first; and what is planned."""
    user = roles.user_of(request)
    every = Review.objects.filter(state=ReviewState.OPEN).select_related("article", "revision", "assignee", "asked_by")
    mine = set(reviews.waiting_for(user).values_list("pk", flat=True)) if roles.may_publish(request.user) else set()
    rows = list(every.defer("revision__body", "revision__html", "revision__text", "revision__headings"))
    plans = Plan.objects.filter(state__in=[PlanState.WAITING, PlanState.FAILED])
    context = {
        "section": "articles",
        "tab": "reviews",
        "mine": [row for row in rows if row.pk in mine],
        "others": [row for row in rows if row.pk not in mine],
        "plans": plans.select_related("article__draft", "revision", "made_by").order_by("-state", "at"),
        "may_publish": roles.may_publish(request.user),
        "four_eyes": four_eyes.is_on(),
    }
    return render(request, "desk/article_reviews.html", context)


@require_safe
@desk(WRITER, REVIEWER, ANALYST, ADMIN)
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest text that was given to a review, as readers will see it, with the comments at their words."""
    article = get_object_or_404(Article.objects.select_related("draft", "live_revision"), pk=pk)
    newest = article.reviews.select_related("revision", "assignee", "asked_by", "ended_by").order_by("-pk").first()
    if newest is None:
        messages.info(request, _("No text of this article was given to a review yet."))
        return redirect("desk:article-edit", pk)
    revision = newest.revision
    every = list(article.remarks.select_related("by", "resolved_by", "revision"))
    threads: dict[int, dict[str, Any]] = {
        row.pk: {"remark": row, "answers": []} for row in every if row.parent_id is None
    }
    for row in every:
        if row.parent_id in threads:
            threads[row.parent_id]["answers"].append(row)
    waiting = {pk: each["remark"].quote for pk, each in threads.items() if not each["remark"].resolved_at}
    html, found = quotes.marked(revision.html, {pk: quote for pk, quote in waiting.items() if quote})
    for pk_, thread in threads.items():
        thread["is_marked"] = pk_ in found
    is_open = newest.state == ReviewState.OPEN
    context = {
        "section": "articles",
        "article": article,
        "review": newest,
        "revision": revision,
        "html": mark_safe(html),
        "threads": [thread for thread in threads.values() if not thread["remark"].resolved_at],
        "resolved": [thread for thread in threads.values() if thread["remark"].resolved_at],
        "is_open": is_open,
        "may_write": roles.may_write(request.user),
        "may_publish": roles.may_publish(request.user) and is_open,
        "live": article.live_revision if article.state == "published" else None,
        "draft_went_on": publishing.Text.of(article.draft) != publishing.Text.of(revision),
    }
    return render(request, "desk/article_review.html", context)


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def end(request: HttpRequest, pk: int, review_id: int) -> HttpResponse:
    """action=publish: what was reviewed goes live; action=send_back with a reason; action=withdraw."""
    wanted = get_object_or_404(
        Review.objects.select_related("article", "revision", "asked_by"), pk=review_id, article=pk
    )
    by, action = roles.user_of(request), request.POST.get("action")
    try:
        if action == "withdraw":
            reviews.withdraw(wanted, by=by)
            messages.success(request, _("The text is no longer in review."))
            return redirect("desk:article-edit", pk)
        if not roles.may_publish(request.user):
            raise publishing.NotAllowed(_("Only a reviewer does this. You can comment, or withdraw the text."))
        if action == "send_back":
            reviews.send_back(wanted, by=by, reason=asking.words(request, "reason"))
            messages.success(request, _("Sent back. The writer sees your reason in the editor."))
        elif wanted.state != ReviewState.OPEN:
            raise publishing.NotAllowed(_("This review has ended already. Load the page again."))
        else:
            back = reverse("desk:article-review", args=[pk])
            if asked := search_guard.ask_before_publishing(
                request, wanted.article, revision=wanted.revision, back=back
            ):
                return asked
            publishing.publish(wanted.article, by=by, revision=wanted.revision)
            messages.success(request, _("Published. Customers see the reviewed text now."))
            return redirect("desk:article-edit", pk)
    except publishing.PublishingError as error:
        messages.error(request, str(error))
    return redirect("desk:article-review", pk)


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """A comment on the newest text in review, on the words `quote` of it; an answer where it has a `parent`."""
    newest = Review.objects.filter(article=pk).select_related("revision__article").order_by("-pk").first()
    parent = Remark.objects.filter(article=pk, pk=asking.number(request.POST.get("parent"))).first()
    article = get_object_or_404(Article, pk=pk)
    try:
        if newest is None:
            raise publishing.NotAllowed(_("No text of this article was given to a review yet."))
        made = reviews.remark(
            newest.revision,
            by=roles.user_of(request),
            text=asking.words(request, "text"),
            quote=asking.words(request, "quote"),
            parent=parent,
        )
        place = f"#comment-{made.parent_id or made.pk}"
    except publishing.PublishingError as error:
        messages.error(request, str(error))
        place = ""
    response = redirect("desk:article-review", article.pk)
    response["Location"] += place
    return response


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def resolve(request: HttpRequest, pk: int, remark_id: int) -> HttpResponse:
    """action=reopen opens it again."""
    remark = get_object_or_404(Remark.objects.select_related("article"), pk=remark_id, article=pk, parent=None)
    reviews.resolve(remark, by=roles.user_of(request), is_resolved=request.POST.get("action") != "reopen")
    return redirect("desk:article-review", pk)

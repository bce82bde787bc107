"""The vote under an article: a plain form that htmx may swap in place."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core import clock, crypto, ratelimit, requests, visitors
from kb import feedback, selectors
from kb.live import Given
from kb.models import Article, VoteReason

if TYPE_CHECKING:
    from kb.views.help import Shown

UNCOUNTED, TOO_OFTEN, TOO_OLD = "uncounted", "too_often", "too_old"
_PURPOSE = "vote"
# A page left open in a tab for a month may still vote; then the text is too old to learn from.
_GOOD_FOR = timedelta(days=30)
# Votes (and second words on them) within ten minutes: of one browser, and of a network, which may be a whole office.
_WINDOW = timedelta(minutes=10)
_OF_A_VISITOR, _OF_A_NETWORK = 30, 300
_LONGEST_COMMENT = 1000  # characters, as the box itself allows
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class CommentField(forms.CharField):
    """What somebody writes is never refused, since with it their answer would be lost: a line's end counts once, as in
    the browser that counted it, signs that nobody can see go, and so does what is over the length.
    """

    def to_python(self, value: Any) -> str:
        text = re.sub("\r\n?", "\n", super().to_python(value) or "")
        return _INVISIBLE.sub("", text)[:_LONGEST_COMMENT].strip()


class VoteForm(forms.Form):
    token = forms.CharField(max_length=500)
    helpful = forms.ChoiceField(choices=[("yes", _("Yes")), ("no", _("No"))])
    reason = forms.ChoiceField(choices=VoteReason, required=False)
    comment = CommentField(required=False)


def state_of(request: HttpRequest, given: Given | None) -> tuple[str, bool]:
    """What the box shows ("" not asked yet, yes, no, uncounted), and whether the second step is done too."""
    if given is not None:
        return "yes" if given.is_helpful else "no", given.has_reason
    if request.GET.get("voted") == UNCOUNTED and not visitors.of(request).id:
        return UNCOUNTED, False
    return "", False


def context(state: tuple[str, bool], article: Article, shown: Shown) -> dict[str, Any]:
    """For the vote partial: the box in this state, for the text that is shown."""
    token = crypto.sign(_PURPOSE, [shown.revision.pk, shown.variant_id, article.pk])
    return _box(token, article.pk, state[0], reason_saved=state[1])


def contact_query(article_id: int) -> str:
    """What the address of the contact form carries along from an article."""
    return f"?article={article_id}"


@csrf_exempt  # no cookie for it on a page that everybody shares; instead: is_from_another_site, and a signed token
@require_http_methods(["GET", "HEAD", "POST"])
def vote(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":  # the address of a page that said "too often", opened again
        return redirect("help:home")
    if requests.is_from_another_site(request):
        raise PermissionDenied("Votes are taken from our own pages only.")
    form = VoteForm(request.POST)
    try:
        value = crypto.unsign(_PURPOSE, request.POST.get("token", ""), max_age=_GOOD_FOR)
        revision_id, variant_id, article_id = value if len(value) == 3 else (*value, 0)  # 0: of before this release
    except crypto.BadLink as error:
        return _too_old(request, error.value if isinstance(error, crypto.ExpiredLink) else [0, 0, 0])
    if not form.is_valid():
        return _answer(request, revision_id, article_id, "", reason_saved=False)
    given = form.cleaned_data
    visitor = visitors.of(request)
    state = given["helpful"]
    if not visitor.id:
        state = UNCOUNTED
    elif not _may_vote(request, visitor.id):
        return _too_often(request, article_id)
    else:
        feedback.vote(
            revision_id=revision_id,
            variant_id=variant_id,
            visitor=visitor.id,
            is_helpful=given["helpful"] == "yes",
            reason=given["reason"],
            comment=given["comment"],
            at=clock.now(),
        )
    reason_saved = bool(given["reason"] or given["comment"])
    return _answer(request, revision_id, article_id, state, reason_saved=reason_saved)


def _may_vote(request: HttpRequest, visitor: str) -> bool:
    limits = {f"vote:{visitor}": _OF_A_VISITOR}
    if network := ratelimit.network_of(request):
        limits[f"vote:{network}"] = _OF_A_NETWORK
    return ratelimit.allow_all(limits, per=_WINDOW)


def _too_often(request: HttpRequest, article_id: int) -> HttpResponse:
    """Says so, and keeps what was written: the same form again, to be sent later."""
    given = request.POST
    box = _box(given["token"], article_id, TOO_OFTEN, reason_saved=False) | {
        "sent": {name: given.get(name, "")[:_LONGEST_COMMENT] for name in ("helpful", "reason", "comment")}
    }
    response = _box_page(request, box, status=429)
    response.headers["Retry-After"] = str(int(_WINDOW.total_seconds()))
    return response


def _too_old(request: HttpRequest, value: list[int]) -> HttpResponse:
    """Nothing to vote on: a page that has been open for a month, or a form that somebody made by hand."""
    box = _box("", value[-1] if len(value) == 3 else 0, TOO_OLD, reason_saved=False)
    article_url = selectors.url_of_revision(value[0], get_language())
    return _box_page(request, box | {"article_url": article_url}, status=410)


def _box_page(request: HttpRequest, box: dict[str, Any], *, status: int) -> HttpResponse:
    """The box in place of the one that was sent; without JavaScript a page with nothing but it."""
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "help/_partials/vote.html", box)  # 200: htmx swaps no other in
    return render(request, "help/vote.html", box, status=status)


def _answer(request: HttpRequest, revision_id: int, article_id: int, state: str, *, reason_saved: bool) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]  # django_htmx's middleware
        box = _box(request.POST["token"], article_id, state, reason_saved=reason_saved)
        return render(request, "help/_partials/vote.html", box)
    # Without JavaScript: back to the article, which shows the state from the stored vote.
    url = selectors.url_of_revision(revision_id, get_language()) or reverse("help:home")
    # `voted` also tells the article's view that the page is not read a second time.
    return redirect(f"{url}?voted={state}#vote")


def _box(token: str, article_id: int, state: str, *, reason_saved: bool) -> dict[str, Any]:
    return {
        "vote_state": state,
        "reason_saved": reason_saved,
        "vote_url": reverse("help:vote"),
        "vote_token": token,
        "vote_reasons": VoteReason.choices,
        "contact_url": reverse("contacts:form") + (contact_query(article_id) if article_id else ""),
    }

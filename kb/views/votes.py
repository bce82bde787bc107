"""The vote under an article: a plain form that htmx may swap in place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from core import clock, crypto, visitors
from kb import feedback, selectors
from kb.models import Revision, Variant, Vote, VoteReason

UNCOUNTED = "uncounted"
_PURPOSE = "vote"
# A page left open in a tab for a month may still vote; then the text is too old to learn from.
_GOOD_FOR = timedelta(days=30)


class VoteForm(forms.Form):
    token = forms.CharField(max_length=500)
    helpful = forms.ChoiceField(choices=[("yes", _("Yes")), ("no", _("No"))])
    reason = forms.ChoiceField(choices=VoteReason, required=False)
    comment = forms.CharField(max_length=1000, required=False)


def state_of(request: HttpRequest, revision: Revision, variant: Variant | None) -> dict[str, Any]:
    """What the vote partial shows for this text. One query, and none for a visitor who is new or not counted.

    `vote_state`: "" not asked yet, yes, no, or uncounted; `reason_saved`: the second step is done too.
    """
    token = crypto.sign(_PURPOSE, [revision.pk, variant.pk if variant else None])
    visitor = visitors.of(request)
    if not visitor.id and request.GET.get("voted") == UNCOUNTED:
        return {"vote_state": UNCOUNTED, **_form_context(token)}
    given = None
    if visitor.id and not visitor.is_new:
        given = Vote.objects.filter(revision=revision, visitor=visitor.id).first()
    return {
        "vote_state": "" if given is None else "yes" if given.is_helpful else "no",
        "reason_saved": bool(given and (given.reason or given.comment)),
        **_form_context(token),
    }


@require_POST
def vote(request: HttpRequest) -> HttpResponse:
    form = VoteForm(request.POST)
    try:
        revision_id, variant_id = crypto.unsign(_PURPOSE, request.POST.get("token", ""), max_age=_GOOD_FOR)
    except crypto.BadLink:
        # Nothing to vote on; no reader made this by hand. Back to where answers are.
        return redirect("help:home")
    if not form.is_valid():
        return _answer(request, revision_id, "", reason_saved=False)
    given = form.cleaned_data
    visitor = visitors.of(request)
    state = given["helpful"]
    if not visitor.id:
        state = UNCOUNTED
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
    return _answer(request, revision_id, state, reason_saved=bool(given["reason"] or given["comment"]))


def _answer(request: HttpRequest, revision_id: int, state: str, *, reason_saved: bool) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]  # django_htmx's middleware
        context = {"vote_state": state, "reason_saved": reason_saved, **_form_context(request.POST["token"])}
        return render(request, "help/_partials/vote.html", context)
    # Without JavaScript: back to the article, which shows the state from the stored vote.
    url = selectors.url_of_revision(revision_id, get_language()) or reverse("help:home")
    # `voted` also tells the article's view that the page is not read a second time.
    return redirect(f"{url}?voted={state}#vote")


def _form_context(token: str) -> dict[str, Any]:
    return {"vote_url": reverse("help:vote"), "vote_token": token, "vote_reasons": VoteReason.choices}

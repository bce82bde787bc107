"""The desk's page How we publish: the switch of four eyes, and what stands in its way."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core import roles
from core.roles import ADMIN, desk
from kb import four_eyes, publishing_rules, reviews
from kb.refusals import PublishingError

_SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
@desk(ADMIN)
def page(request: HttpRequest) -> HttpResponse:
    """By POST: four_eyes=on, or without it off."""
    status = 200
    if request.method == "POST":
        is_on = request.POST.get("four_eyes") == "on"
        try:
            if not publishing_rules.switch(is_on=is_on, by=roles.user_of(request)):
                messages.info(request, _("Nothing has changed: it is so already."))
            elif is_on:
                messages.success(request, _("From now on nobody publishes their own text."))
            else:
                messages.success(request, _("From now on reviewers may publish their own texts."))
            return redirect("desk:publishing-rules")
        except PublishingError as error:
            messages.error(request, str(error))
            status = 409
    context = {
        "section": "people",
        "rules": publishing_rules.rules(),
        "is_on": four_eyes.is_on(),
        "is_forced": four_eyes.is_forced(),
        "reviewers": list(reviews.reviewers()[:_SHOWN]),
        "reviews": list(publishing_rules.reviews_of_own_text()[:_SHOWN]),
        "plans": list(publishing_rules.plans_of_own_text()[:_SHOWN]),
    }
    return render(request, "desk/publishing_rules.html", context, status=status)

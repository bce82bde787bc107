"""A test of the draft against the live text, from the editor."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import roles
from core.roles import ADMIN, REVIEWER, desk
from kb import experiments, publishing
from kb.models import Article
from kb.publishing import Text
from kb.views import asking


@require_POST
@desk(REVIEWER, ADMIN)
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """action=start: the draft, frozen, against the live text, half and half. action=stop: only the live text again."""
    article = get_object_or_404(Article.objects.select_related("draft", "live_revision"), pk=pk)
    try:
        if request.POST.get("action") == "stop":
            experiments.stop_on(article, by=roles.user_of(request))
            messages.success(request, _("The test is stopped. Everybody sees the live text."))
        else:
            _start_test(article, version=asking.number(request.POST.get("version", "")), by=roles.user_of(request))
            messages.success(request, _("The test runs: half of the readers see the draft's text."))
    except (publishing.PublishingError, experiments.ExperimentError) as error:
        messages.error(request, str(error))
    return redirect("desk:article-edit", pk)


@transaction.atomic
def _start_test(article: Article, *, version: int, by: User) -> None:
    live = article.live_revision
    if live is None or article.state != "published":
        raise experiments.ExperimentError(_("Publish the article first: the draft is tested against the live text."))
    if Text.of(article.draft) == Text.of(live):
        raise experiments.ExperimentError(_("The draft says the same as the live text. Change it, then start."))
    challenger = publishing.freeze(article, version=version, by=by, comment=_("text B of a test"))
    experiment = experiments.create(
        article,
        name=live.title[:120],
        control=experiments.Arm("a", live),
        others=[experiments.Arm("b", challenger)],
        by=by,
    )
    experiments.start(experiment, by=by)

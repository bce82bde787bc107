"""Planning on the desk: publish a frozen text at a time, archive at a time, cancel, try again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from core import clock, roles
from core.roles import ADMIN, REVIEWER, desk
from kb import publishing, schedule, shop_time
from kb.models import Article, Plan, PlanKind, PlanState, Review, ReviewState
from kb.views import asking, search_guard
from kb.views.article_address import LeadsToForm


class MomentForm(forms.Form):
    """A time of the shop's clocks. In the hour that comes twice the form asks which of the two is meant."""

    # A text, since Django's field refuses both the hour that comes twice and the one that never comes.
    at = forms.CharField(
        label=gettext_lazy("When"), max_length=30, widget=forms.TextInput(attrs={"type": "datetime-local"})
    )
    which = forms.ChoiceField(label=gettext_lazy("Which of the two"), required=False, widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_twice = False
        self.fields["which"].choices = [("0", _("The first")), ("1", _("The second"))]  # type: ignore[attr-defined]
        self.fields["at"].help_text = _("In the time of %(zone)s, where it is %(now)s now.") % {
            "zone": settings.SHOP_TIME_ZONE,
            "now": date_format(timezone.localtime(clock.now()), "H:i"),
        }

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if self.has_error("at") or "at" not in given:
            return given
        zone = ZoneInfo(settings.SHOP_TIME_ZONE)
        try:
            local = datetime.fromisoformat(given["at"].strip()).replace(tzinfo=None, second=0, microsecond=0)
        except ValueError:
            self.add_error("at", _("This is no time. Write it as 2026-12-01 09:00."))
            return given
        found = shop_time.moments(local, zone)
        if not found:
            self.add_error(
                "at",
                _("The clocks go forward that night, and %(given)s does not come. Did you mean %(later)s?")
                % {"given": f"{local:%H:%M}", "later": f"{shop_time.after_gap(local, zone):%H:%M}"},
            )
        elif len(found) == 2:
            self.is_twice = True
            self.fields["which"].choices = [  # type: ignore[attr-defined]
                (str(number), f"{moment.astimezone(zone):%H:%M %Z (UTC%z)}") for number, moment in enumerate(found)
            ]
            which = self.data.get(self.add_prefix("which"), "")
            if which in ("0", "1"):
                given["moment"] = found[int(which)]
            else:
                self.add_error("which", _("The clocks go back that night, and this time comes twice. Say which one."))
        else:
            given["moment"] = found[0]
        return given


@require_http_methods(["GET", "HEAD", "POST"])
@desk(REVIEWER, ADMIN)
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Two forms: when a text goes live (the reviewed one, where one is in review, else the draft), when it ends."""
    article = get_object_or_404(Article.objects.select_related("draft", "live_revision", "category"), pk=pk)
    in_review = Review.objects.filter(article=article, state=ReviewState.OPEN).select_related("revision").first()
    wanted = request.POST.get("kind", "")
    publish_form = MomentForm(request.POST if wanted == PlanKind.PUBLISH else None, prefix="publish")
    archive_form = MomentForm(request.POST if wanted == PlanKind.ARCHIVE else None, prefix="archive")
    leads_form = LeadsToForm(request.POST if wanted == PlanKind.ARCHIVE else None, article=article)
    if request.method == "POST" and (
        done := _planned(request, article, in_review, publish_form, archive_form, leads_form)
    ):
        return done
    standing = Plan.objects.filter(article=article, state__in=[PlanState.WAITING, PlanState.FAILED])
    context = {
        "section": "articles",
        "article": article,
        "draft": article.draft,
        "review": in_review,
        "publish_form": publish_form,
        "archive_form": archive_form,
        "leads_form": leads_form,
        "plans": standing.select_related("revision", "made_by"),
        "time_zone": settings.SHOP_TIME_ZONE,
        "may_archive": article.state != "archived",
    }
    return render(request, "desk/article_schedule.html", context, status=422 if request.method == "POST" else 200)


def _planned(
    request: HttpRequest,
    article: Article,
    in_review: Review | None,
    publish_form: MomentForm,
    archive_form: MomentForm,
    leads_form: LeadsToForm,
) -> HttpResponse | None:
    """The answer once it is planned, or the page that asks about search tests; None where a form says what is wrong."""
    by, now = roles.user_of(request), clock.now()
    back = reverse("desk:article-plan", args=[article.pk])
    note = _(
        "This is how it would be now. The plan is carried out at its minute whatever the tests say then; whoever "
        "planned it and the article's owner get an e-mail about the tests that fail since."
    )
    try:
        if publish_form.is_bound and publish_form.is_valid():
            given: dict[str, Any] = (
                {"revision": in_review.revision}
                if in_review is not None and asking.number(request.POST.get("review")) == in_review.pk
                else {"version": asking.number(request.POST.get("version"))}
            )
            at = publish_form.cleaned_data["moment"]
            if at > now and (
                asked := search_guard.ask_before_publishing(request, article, back=back, note=note, **given)
            ):
                return asked
            comment = asking.words(request, "comment")
            schedule.plan_publication(article, by=by, at=at, now=now, comment=comment, **given)
        elif archive_form.is_bound and archive_form.is_valid() and leads_form.is_valid():
            at = archive_form.cleaned_data["moment"]
            if at > now and (asked := search_guard.ask_before_archiving(request, [article.pk], back=back, note=note)):
                return asked
            schedule.plan_archive(article, by=by, at=at, now=now, **leads_form.chosen())
        else:
            return None
    except publishing.DraftConflict:
        messages.error(request, _("The draft was changed meanwhile. Look at it first, then plan it."))
        return None
    except publishing.PublishingError as error:
        (publish_form if publish_form.is_bound else archive_form).add_error("at", str(error))
        return None
    shown = date_format(timezone.localtime(at), "j F Y, H:i")
    messages.success(request, _("Planned for %(at)s (%(zone)s).") % {"at": shown, "zone": settings.SHOP_TIME_ZONE})
    return redirect("desk:article-edit", article.pk)


@require_POST
@desk(REVIEWER, ADMIN)
def change(request: HttpRequest, pk: int, plan_id: int) -> HttpResponse:
    """action=cancel: it will not be done. action=again: what failed is done now."""
    wanted = get_object_or_404(Plan.objects.select_related("article"), pk=plan_id, article=pk)
    by = roles.user_of(request)
    try:
        if request.POST.get("action") == "again":
            done = schedule.try_again(wanted, by=by, now=clock.now())
            if done.state == PlanState.DONE:
                messages.success(request, _("Done now."))
            else:
                messages.error(request, done.reason)
        else:
            schedule.cancel(wanted, by=by)
            messages.success(request, _("The plan is cancelled."))
    except publishing.PublishingError as error:
        messages.error(request, str(error))
    return redirect("desk:article-edit", pk)

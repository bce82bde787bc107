"""The editor: draft, preview, publish, history, and a test of the draft against what is live."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from core import roles
from core.roles import ADMIN, ANALYST, REVIEWER, WRITER, desk
from kb import desk_list, experiments, publishing, rendering
from kb.models import Article, Category, Revision, Visibility
from kb.publishing import Text


class ArticleForm(forms.Form):
    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    summary = forms.CharField(
        label=gettext_lazy("Summary"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("One or two sentences that already answer the question."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    category = forms.ChoiceField(label=gettext_lazy("Category"))
    visibility = forms.ChoiceField(
        label=gettext_lazy("Who may read it"),
        choices=Visibility.choices,
        required=False,  # left out: stays as it is
        help_text=gettext_lazy("Staff find it in the same search, once they are signed in. Customers never see it."),
    )
    body = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=200_000,
        required=False,
        strip=False,
        help_text=gettext_lazy("Markdown. Link other articles as [words](article:their-address)."),
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "true"}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = desk_list.category_choices()  # type: ignore[attr-defined]

    def text(self) -> Text:
        given = self.cleaned_data
        return Text(given["title"], given["summary"], given["body"].replace("\r\n", "\n"))

    def chosen_category(self) -> Category:
        return Category.objects.get(pk=self.cleaned_data["category"])


class NewArticleForm(ArticleForm):
    locale = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(WRITER, REVIEWER, ADMIN)
def new(request: HttpRequest) -> HttpResponse:
    form = NewArticleForm(request.POST or None, initial={"locale": settings.LANGUAGE_CODE})
    if request.method == "POST" and form.is_valid():
        text = form.text()
        article = publishing.create_article(
            locale=form.cleaned_data["locale"],
            category=form.chosen_category(),
            title=text.title,
            summary=text.summary,
            body=text.body,
            by=_user(request),
        )
        publishing.move(article, form.chosen_category(), visibility=form.cleaned_data["visibility"])
        if request.POST.get("action") == "publish":
            _publish(request, article, version=1)
        else:
            messages.success(request, _("The draft is saved."))
        return redirect("desk:article-edit", article.pk)
    return _page(request, form, None, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(WRITER, REVIEWER, ADMIN)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    article = get_object_or_404(Article.objects.select_related("draft__updated_by", "live_revision"), pk=pk)
    if request.method != "POST":
        return _page(request, _form_of(article), article)
    if request.POST.get("action") == "archive":
        return _archive(request, article)
    form = ArticleForm(request.POST)
    if not form.is_valid():
        return _page(request, form, article, status=422)
    try:
        draft = publishing.save_draft(
            article, form.text(), version=form.cleaned_data["version"] or 0, by=_user(request)
        )
    except publishing.DraftConflict as conflict:
        return _conflict_page(request, article, form, conflict)
    if article.state != "published" or _may_publish(request):  # the shelf of a published article is public at once
        publishing.move(article, form.chosen_category(), visibility=form.cleaned_data["visibility"])
    if request.POST.get("action") == "publish":
        _publish(request, article, version=draft.version)
    else:
        messages.success(request, _("The draft is saved."))
    return redirect("desk:article-edit", pk)


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def preview(request: HttpRequest) -> HttpResponse:
    """The body as customers would see it; a fragment for htmx."""
    return HttpResponse(rendering.render(request.POST.get("body", "")[:200_000]).html)


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
        try:
            if request.POST.get("action") == "revert" and _may_publish(request):
                publishing.revert(article, shown, by=_user(request))
                messages.success(request, _("Customers see this text again."))
            elif request.POST.get("action") == "restore" and _may_write(request):
                version = _number(request.POST.get("version", ""))
                publishing.save_draft(article, Text.of(shown), version=version, by=_user(request))
                messages.success(request, _("The text is in the draft. Nothing is public until you publish."))
        except publishing.DraftConflict:
            messages.error(request, _("The draft was changed meanwhile, so it was left alone. Look at it first."))
        except publishing.PublishingError as error:
            messages.error(request, str(error))
        return redirect("desk:article-edit", pk)
    context = {
        "section": "articles",
        "article": article,
        "revision": shown,
        "html": mark_safe(shown.html),
        "is_live": shown.pk == article.live_revision_id,
        "draft": article.draft,
        "may_write": _may_write(request),
        "may_publish": _may_publish(request),
    }
    return render(request, "desk/article_revision.html", context)


@require_POST
@desk(REVIEWER, ADMIN)
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """action=start: the draft, frozen, against the live text, half and half. action=stop: only the live text again."""
    article = get_object_or_404(Article.objects.select_related("draft", "live_revision"), pk=pk)
    try:
        if request.POST.get("action") == "stop":
            experiments.stop_on(article, by=_user(request))
            messages.success(request, _("The test is stopped. Everybody sees the live text."))
        else:
            _start_test(article, version=_number(request.POST.get("version", "")), by=_user(request))
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


def _publish(request: HttpRequest, article: Article, *, version: int) -> None:
    if not _may_publish(request):
        messages.warning(request, _("The draft is saved. Ask a reviewer to publish it."))
        return
    try:
        publishing.publish(article, by=_user(request), version=version)
        messages.success(request, _("Published. Customers see it now."))
    except publishing.PublishingError as error:
        messages.error(request, _("The draft is saved but not published. %(why)s") % {"why": error})


def _archive(request: HttpRequest, article: Article) -> HttpResponse:
    if _may_publish(request):
        try:
            publishing.archive(article, by=_user(request))
            messages.success(request, _("Archived. Customers no longer find it; publishing brings it back."))
        except publishing.PublishingError as error:
            messages.error(request, str(error))
    else:
        messages.error(request, _("Only a reviewer may archive an article."))
    return redirect("desk:article-edit", article.pk)


def _form_of(article: Article) -> ArticleForm:
    draft = article.draft
    return ArticleForm(
        initial={
            "title": draft.title,
            "summary": draft.summary,
            "category": article.category_id,
            "visibility": article.visibility,
            "body": draft.body,
            "version": draft.version,
        }
    )


def _page(request: HttpRequest, form: ArticleForm, article: Article | None, *, status: int = 200) -> HttpResponse:
    body = form.data.get("body", "") if form.is_bound else form.initial.get("body", "")
    context: dict[str, Any] = {
        "section": "articles",
        "form": form,
        "article": article,
        "preview_html": mark_safe(rendering.render(body).html),
        "preview_url": reverse("desk:article-preview"),
        "may_publish": _may_publish(request),
    }
    if article is not None:
        context |= _about(article)
    return render(request, "desk/article_edit.html", context, status=status)


def _about(article: Article) -> dict[str, Any]:
    draft, live = article.draft, article.live_revision
    is_changed = live is not None and Text.of(draft) != Text.of(live)
    live_url = ""
    if article.state == "published":
        with translation.override(article.locale):
            live_url = article.get_absolute_url()
    revisions = article.revisions.select_related("created_by").defer("body", "html", "text", "headings")
    experiment = experiments.live_on(article)
    return {
        "draft": draft,
        "title": draft.title,
        "state": desk_list.CHANGED if article.state == "published" and is_changed else article.state,
        "live_url": live_url,
        "revisions": [
            {"revision": revision, "is_live": revision.pk == article.live_revision_id} for revision in revisions
        ],
        "experiment": experiment,
        "may_test": article.state == "published" and is_changed,
    }


def _conflict_page(
    request: HttpRequest, article: Article, form: ArticleForm, conflict: publishing.DraftConflict
) -> HttpResponse:
    """Both texts side by side; mine may be changed and saved over theirs, knowingly."""
    mine = ArticleForm(
        initial={
            "title": conflict.mine.title,
            "summary": conflict.mine.summary,
            "category": form.cleaned_data["category"],
            "visibility": form.cleaned_data["visibility"],
            "body": conflict.mine.body,
            "version": conflict.version,
        }
    )
    context = {"section": "articles", "article": article, "form": mine, "conflict": conflict}
    return render(request, "desk/article_conflict.html", context, status=409)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)  # desk() lets in nobody else


def _may_publish(request: HttpRequest) -> bool:
    return bool(roles.roles_of(_user(request)) & {REVIEWER, ADMIN})


def _may_write(request: HttpRequest) -> bool:
    return bool(roles.roles_of(_user(request)) & {WRITER, REVIEWER, ADMIN})


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

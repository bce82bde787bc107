"""The editor: the draft, its preview, and giving it to a review or to customers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from core import csp, roles
from core.roles import ADMIN, REVIEWER, WRITER, desk
from kb import care, desk_article, desk_list, publishing, reviews, translations
from kb.models import Article, Category, Visibility
from kb.publishing import Text
from kb.views import asking, conflict, piece_choices, search_guard, testing

_LATEST = 8  # revisions beside the text; the page of its history has them all


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

    def text(self, *, before: str = "") -> Text:
        """What was typed. A browser's field knows one kind of line end: a body that says what `before` says is that."""
        given = self.cleaned_data
        body = given["body"].replace("\r\n", "\n")
        if body == before.replace("\r\n", "\n").replace("\r", "\n"):
            body = before
        return Text(given["title"], given["summary"], body)

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
            by=roles.user_of(request),
        )
        publishing.move(
            article, form.chosen_category(), visibility=form.cleaned_data["visibility"], by=roles.user_of(request)
        )
        if asked := _ask_before_publishing(request, article, version=1, given={"version": 1}):
            return asked
        _go_on(request, article, version=1)
        return redirect("desk:article-edit", article.pk)
    return _page(request, form, None, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(WRITER, REVIEWER, ADMIN)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    article = get_object_or_404(desk_article.articles(), pk=pk)
    if request.method != "POST":
        return _page(request, _form_of(article), article)
    form = ArticleForm(request.POST)
    if not form.is_valid():
        return _page(request, form, article, status=422)
    try:
        draft = publishing.save_draft(
            article,
            form.text(before=article.draft.body),
            version=form.cleaned_data["version"] or 0,
            by=roles.user_of(request),
        )
    except publishing.DraftConflict as refused:
        return conflict.page(request, article, form, refused)
    # The shelf of a published article is public at once.
    if article.state != "published" or roles.may_publish(request.user):
        publishing.move(
            article, form.chosen_category(), visibility=form.cleaned_data["visibility"], by=roles.user_of(request)
        )
    if request.POST.get("action") == testing.BEGIN:
        return testing.begin(request, article, version=draft.version)
    if asked := _ask_before_publishing(request, article, version=draft.version):
        return asked
    _go_on(request, article, version=draft.version)
    return redirect("desk:article-edit", pk)


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def reviewed(request: HttpRequest, pk: int) -> HttpResponse:
    """ "Reviewed today, still right": says so to customers, on the article."""
    article = get_object_or_404(Article, pk=pk)
    try:
        publishing.review(article, by=roles.user_of(request))
        messages.success(request, _("Customers see that the article was reviewed today."))
    except publishing.PublishingError as error:
        messages.error(request, str(error))
    return redirect("desk:article-edit", pk)


def _ask_before_publishing(
    request: HttpRequest, article: Article, *, version: int, given: dict[str, object] | None = None
) -> HttpResponse | None:
    """The page that asks, where "Publish" was pressed and a search test would fail; the draft is saved then."""
    if request.POST.get("action") != "publish" or not roles.may_publish(request.user):
        return None
    here = reverse("desk:article-edit", args=[article.pk])
    return search_guard.ask_before_publishing(
        request, article, version=version, back=here, action=here, given=given, note=_("The draft is saved.")
    )


def _go_on(request: HttpRequest, article: Article, *, version: int) -> None:
    """What the pressed button asks for once the draft is saved."""
    match request.POST.get("action"):
        case "publish":
            _publish(request, article, version=version)
        case "review":
            _ask_for_review(request, article, version=version)
        case _:
            messages.success(request, _("The draft is saved."))


def _ask_for_review(request: HttpRequest, article: Article, *, version: int) -> None:
    assignee = reviews.reviewers().filter(pk=asking.number(request.POST.get("assignee"))).first()
    try:
        reviews.ask(
            article,
            by=roles.user_of(request),
            version=version,
            assignee=assignee,
            comment=asking.words(request, "comment"),
            is_major=request.POST.get("is_major") == "on",
        )
        messages.success(request, _("In review. The text is frozen: what is reviewed is what will be published."))
    except publishing.PublishingError as error:
        messages.error(request, _("The draft is saved but not in review. %(why)s") % {"why": error})


def _publish(request: HttpRequest, article: Article, *, version: int) -> None:
    if not roles.may_publish(request.user):
        messages.warning(request, _("The draft is saved. Ask a reviewer to publish it."))
        return
    try:
        publishing.publish(
            article,
            by=roles.user_of(request),
            version=version,
            comment=asking.words(request, "comment"),
            is_major=request.POST.get("is_major") == "on",
        )
        if number := asking.number(request.POST.get("says", "")):
            publishing.catch_up(article, number, by=roles.user_of(request))
        messages.success(request, _("Published. Customers see it now."))
    except publishing.PublishingError as error:
        messages.error(request, _("The draft is saved but not published. %(why)s") % {"why": error})


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
    written = form.data if form.is_bound else form.initial
    title, summary, body = (written.get(name, "") for name in ("title", "summary", "body"))
    locale = article.locale if article else written.get("locale", settings.LANGUAGE_CODE)
    context: dict[str, Any] = {
        "section": "articles",
        "form": form,
        "article": article,
        "preview_url": f"{reverse('desk:article-preview')}?locale={locale}",
        "may_publish": roles.may_publish(request.user),
        "is_major": request.POST.get("is_major") == "on",
        **piece_choices.of_text(body, locale, title=title, summary=summary),
    }
    if article is not None:
        context |= _about(article, roles.user_of(request))
    response = render(request, "desk/article_edit.html", context, status=status)
    response["Content-Security-Policy"] = csp.policy(frame_src="'self'")  # the preview: our own page
    return response


def _about(article: Article, user: User) -> dict[str, Any]:
    draft, live = article.draft, article.live_revision
    is_changed = live is not None and Text.of(draft) != Text.of(live)
    live_url = ""
    if article.state == "published":
        with translation.override(article.locale):
            live_url = article.get_absolute_url()
    revisions = article.revisions.select_related("created_by").defer("body", "html", "text", "headings")[:_LATEST]
    return {
        "draft": draft,
        "title": draft.title,
        "state": desk_list.CHANGED if article.state == "published" and is_changed else article.state,
        "live_url": live_url,
        "revisions": [
            {"revision": revision, "is_live": revision.pk == article.live_revision_id} for revision in revisions
        ],
        "flow": desk_article.flow_of(article, user_id=user.pk),
        "reviewers": [one for one in reviews.reviewers() if one.pk != user.pk],
        "time_zone": settings.SHOP_TIME_ZONE,
        **testing.of(article),
        "standing": translations.standing(article),
        "translations": translations.standings_of(article),
        "care": care.of(article),
    }

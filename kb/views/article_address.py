"""Where an article is found: its address, and where its readers go once it is archived."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from core import roles
from core.roles import ADMIN, REVIEWER, desk
from kb import addresses, experiments, publishing
from kb.models import Article, Redirect
from kb.views import search_guard

_OFFERED = 8


class AddressForm(forms.Form):
    slug = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=110,
        help_text=gettext_lazy(
            "Words with hyphens between them. Whoever follows the old address is led to the new one."
        ),
    )


class LeadsToForm(forms.Form):
    """What readers find at the address of an archived article."""

    leads = forms.ChoiceField(
        label=gettext_lazy("What shall readers find at its address?"), widget=forms.RadioSelect, initial="article"
    )
    to = forms.CharField(required=False, label=gettext_lazy("The article"), max_length=200)

    def __init__(self, *args: Any, article: Article, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.article = article
        self._to: Article | None = None
        self.fields["leads"].choices = [  # type: ignore[attr-defined]
            ("article", _("Another article")),
            ("category", _("The category it stood in")),
            ("nowhere", _("A page that says it is gone, with a search (404)")),
        ]
        self.fields["to"].help_text = _("Begin to type its title, or give its address.")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("leads") == "article":
            self._to = article_by(given.get("to", ""), self.article)
            if self._to is None:
                self.add_error("to", _("No published article has this title or address. Choose one from the list."))
        return given

    def chosen(self) -> dict[str, Any]:
        """For publishing.archive and schedule.plan_archive."""
        match self.cleaned_data["leads"]:
            case "article":
                return {"leads_to": self._to}
            case "category":
                return {"leads_to_category": self.article.category}
        return {}


def article_by(words: str, article: Article) -> Article | None:
    """The published article in the same language that has this address, or this title alone."""
    wanted = words.strip().strip("/").rpartition("/")[2]
    there = Article.objects.published().filter(locale=article.locale).exclude(pk=article.pk)
    if found := there.filter(slug=wanted).first():
        return found
    named = list(there.filter(live_revision__title__iexact=words.strip())[:2])
    return named[0] if len(named) == 1 else None


@require_http_methods(["GET", "HEAD", "POST"])
@desk(REVIEWER, ADMIN)
def address(request: HttpRequest, pk: int) -> HttpResponse:
    """Another address for the article; and the old ones that lead to it."""
    article = get_object_or_404(Article.objects.select_related("draft"), pk=pk)
    form = AddressForm(request.POST or None, initial={"slug": article.slug})
    if request.method == "POST" and form.is_valid():
        try:
            publishing.rename_slug(article, form.cleaned_data["slug"], by=roles.user_of(request))
            messages.success(request, _("The address is “%(slug)s” now.") % {"slug": article.slug})
            return redirect("desk:article-edit", pk)
        except publishing.PublishingError as error:
            form.add_error("slug", str(error))
    old = Redirect.objects.filter(article=article).order_by("old_slug").values_list("old_slug", flat=True)
    context = {
        "section": "articles",
        "article": article,
        "form": form,
        "url": addresses.of_article(article.locale, article.slug),
        "old_urls": [addresses.of_article(article.locale, slug) for slug in old],
    }
    return render(request, "desk/article_address.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(REVIEWER, ADMIN)
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the article away from customers, and say where its readers go."""
    article = get_object_or_404(Article.objects.select_related("draft", "category"), pk=pk)
    form = LeadsToForm(request.POST or None, article=article)
    if request.method == "POST" and form.is_valid():
        back = reverse("desk:article-edit", args=[pk])
        if asked := search_guard.ask_before_archiving(request, [pk], back=back):
            return asked
        try:
            stopped = publishing.archive(article, by=roles.user_of(request), **form.chosen())
            messages.success(request, _("Archived. Customers no longer find it; publishing brings it back."))
            if stopped is not None:
                messages.warning(
                    request,
                    _("The A/B test “%(test)s” was running on it. It is stopped; what it measured is kept.")
                    % {"test": stopped.name},
                )
            return redirect("desk:article-edit", pk)
        except publishing.PublishingError as error:
            form.add_error(None, str(error))
    context = {
        "section": "articles",
        "article": article,
        "form": form,
        "experiment": experiments.live_on(article),
        "found": _found(article, request.GET.get("to", "")),
    }
    return render(request, "desk/article_archive.html", context, status=422 if form.errors else 200)


@require_safe
@desk(REVIEWER, ADMIN)
def choices(request: HttpRequest, pk: int) -> HttpResponse:
    """Articles whose title has the typed words, as options of the field; a fragment for htmx."""
    article = get_object_or_404(Article, pk=pk)
    context = {"found": _found(article, request.GET.get("to", ""))}
    return render(request, "desk/_partials/article_options.html", context)


def _found(article: Article, words: str) -> list[Article]:
    there = Article.objects.published().filter(locale=article.locale).exclude(pk=article.pk)
    for word in words.split()[:8]:
        there = there.filter(Q(live_revision__title__icontains=word) | Q(slug__icontains=word))
    return list(there.select_related("live_revision").order_by("live_revision__title", "pk")[:_OFFERED])

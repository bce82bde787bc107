"""The desk's hand on what stands around the articles: banners, and where visitors come from."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from core import clock, roles
from core.roles import ADMIN, OPS, REVIEWER, WRITER, desk
from kb import desk_list, notices, origins
from kb.models import Article, Category, Notice, Origin

_NOTICE_EDITORS = (OPS, REVIEWER, ADMIN)  # what they say is live at once
_ORIGIN_EDITORS = (OPS, WRITER, REVIEWER, ADMIN)
_PER_PAGE = 50


class NoticeForm(forms.Form):
    text = forms.CharField(
        label=_("Text"),
        max_length=notices.LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What happened, whom it concerns, and when you will say more. At most 300 characters."),
    )
    locale = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("Every language")), *settings.LANGUAGES]
    )
    article = forms.CharField(
        label=_("Article to read more"),
        max_length=120,
        required=False,
        help_text=_("The last part of its address, like my-parcel-is-late."),
    )
    starts_at = forms.DateTimeField(
        label=_("From"),
        required=False,
        help_text=_("Empty: from now on."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    ends_at = forms.DateTimeField(
        label=_("Until"),
        required=False,
        help_text=_("Empty: until somebody ends it."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean_article(self) -> Article | None:
        slug = self.cleaned_data["article"].strip().strip("/").rpartition("/")[2]
        if not slug:
            return None
        chosen = self.data.get("locale") or settings.LANGUAGE_CODE
        found = Article.objects.public().filter(slug=slug).annotate(is_own=Q(locale=chosen)).order_by("-is_own").first()
        if found is None:
            raise forms.ValidationError(_("No published article that everybody may read has this address."))
        return found


class OriginForm(forms.Form):
    path = forms.CharField(
        label=_("Part of the shop"),
        max_length=500,
        help_text=_("As in the shop's address: /checkout also stands for /checkout/payment. The longest part counts."),
    )
    category = forms.ChoiceField(label=_("Category to offer answers from"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = desk_list.category_choices()  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@desk()
def notices_page(request: HttpRequest) -> HttpResponse:
    """Banners: those shown now, to come, and over; and the form that writes one (POST, who may)."""
    form = NoticeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and _has(request, _NOTICE_EDITORS) and form.is_valid():
        try:
            notice = notices.write(**form.cleaned_data, by=roles.user_of(request))
        except notices.Refused as refused:
            form.add_error(None, str(refused))
        else:
            is_shown = notice.starts_at <= clock.now()
            messages.success(request, "Customers see the banner now." if is_shown else "The banner is scheduled.")
            return redirect("desk:notices")
    now = clock.now()
    rows = Notice.objects.select_related("article", "created_by")
    context = {
        "section": "pages",
        "tab": "notices",
        "form": form,
        "now": now,
        "notices": Paginator(rows, _PER_PAGE).get_page(request.GET.get("page")),
        "languages": dict(settings.LANGUAGES),
        "may_edit": _has(request, _NOTICE_EDITORS),
    }
    return render(request, "desk/notices.html", context, status=422 if form.errors else 200)


@require_POST
@desk(*_NOTICE_EDITORS)
def end_notice(request: HttpRequest, pk: int) -> HttpResponse:
    if notices.end(pk, by=roles.user_of(request)):
        messages.success(request, "The banner is gone from every page.")
    else:
        messages.info(request, "The banner had ended already.")
    return redirect("desk:notices")


@require_http_methods(["GET", "HEAD", "POST"])
@desk()
def origins_page(request: HttpRequest) -> HttpResponse:
    """Parts of the shop and the categories that they lead to; and the form that adds one (POST, who may)."""
    form = OriginForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and _has(request, _ORIGIN_EDITORS) and form.is_valid():
        category = Category.objects.get(pk=form.cleaned_data["category"])
        try:
            origin = origins.add(form.cleaned_data["path"], category, by=roles.user_of(request))
        except origins.Refused as refused:
            form.add_error("path", str(refused))
        else:
            messages.success(request, f"Who comes from {origin.path} is offered answers from there first.")
            return redirect("desk:origins")
    names = dict(desk_list.category_choices())
    rows = [(origin, names.get(origin.category_id, origin.category.key)) for origin in _origins()]
    context = {
        "section": "pages",
        "tab": "origins",
        "form": form,
        "origins": rows,
        "hosts": settings.SHOP_HOSTS,
        "may_edit": _has(request, _ORIGIN_EDITORS),
    }
    return render(request, "desk/origins.html", context, status=422 if form.errors else 200)


@require_POST
@desk(*_ORIGIN_EDITORS)
def remove_origin(request: HttpRequest, pk: int) -> HttpResponse:
    origins.remove(pk, by=roles.user_of(request))
    messages.success(request, "Removed. Who comes from there sees the answers that helped most.")
    return redirect("desk:origins")


def _origins() -> list[Origin]:
    return list(Origin.objects.select_related("category", "created_by"))


def _has(request: HttpRequest, wanted: tuple[str, ...]) -> bool:
    return bool(roles.roles_of(request.user) & set(wanted))

"""What the desk sees of contacts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from contacts import coding, listing, reasons, selectors
from contacts.models import Contact
from core import clock, roles

PAGE = 50


@require_safe
@roles.desk(roles.OPS, roles.ANALYST, roles.ADMIN)
def contacts(request: HttpRequest) -> HttpResponse:
    """Every contact, newest first, narrowed by the filter in the address."""
    tree = reasons.stored()
    asked = listing.Filter(request.GET, tree=tree)
    sort = request.GET.get("sort", "")
    sort = sort if sort in listing.SORTS else "-received"
    found = listing.narrowed(asked, tree=tree).order_by(*listing.SORTS[sort])
    page: Page[Any] = Paginator(found, PAGE).get_page(request.GET.get("page"))
    page.object_list = listing.rows(page.object_list, tree=tree)
    context = {
        "section": "contacts",
        "filter_form": asked,
        "totals": listing.totals(asked, tree=tree),
        "contacts": page,
        "sort": sort,
    }
    return render(request, "desk/contacts.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@roles.desk(roles.OPS, roles.ANALYST, roles.ADMIN)
def contact(request: HttpRequest, pk: int) -> HttpResponse:
    """One contact: what was written, what had been suggested, what we say it is about. POST gives another reason."""
    found = get_object_or_404(Contact.objects.select_related("after_article", "form_visit"), pk=pk)
    history = list(found.codings.select_related("reason", "by"))
    form = RecodeForm(request.POST or None, initial={"reason": history[0].reason.code if history else ""})
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)  # noqa: S101 (for mypy: the decorator lets nobody else in)
        reason = coding.by_person(found, code=form.cleaned_data["reason"], by=request.user, now=clock.now())
        messages.success(request, _("The reason is now “%(name)s”.") % {"name": reason.name})
        return redirect("desk:contact", pk)
    context = {
        "section": "contacts",
        "contact": found,
        "history": history,
        "form": form,
        "suggested": selectors.suggested_to(found),
    }
    return render(request, "desk/contact.html", context, status=422 if form.errors else 200)


class RecodeForm(forms.Form):
    """Another reason for a contact."""

    reason = forms.ChoiceField(label=gettext_lazy("Change the reason to"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        field.choices = [("", gettext_lazy("Choose a reason")), *listing.choices(reasons.stored())]

"""What the desk sees of contacts."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts import attachments, coding, drafts, listing, reasons, selectors
from contacts.models import Attachment, Confirmation, Contact
from core import clock, roles
from kb import first_drafts

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
    paginator, counted = Paginator(found, PAGE), listing.by_reason(asked)
    if counted is not None and not asked.cleaned_data.get("reason"):
        paginator.count = counted.total()
    page: Page[Any] = paginator.get_page(request.GET.get("page"))
    page.object_list = listing.rows(page.object_list, tree=tree)
    context = {
        "section": "contacts",
        "filter_form": asked,
        "totals": listing.totals(asked, tree=tree, listed=paginator.count, counted=counted),
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
        "visit": selectors.visit_of(found),
        "files": found.attachments.all(),
        "drafts": found.drafts.select_related("article__draft", "by").order_by("pk"),
        "may_draft": _may_draft(request),
        "may_write": roles.may_write(request.user),
        "confirmation": Confirmation.objects.filter(contact=found).first(),
    }
    return render(request, "desk/contact.html", context, status=422 if form.errors else 200)


@require_POST
@roles.desk(roles.OPS, roles.ANALYST, roles.ADMIN)
def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin an article from a contact's question, without what says who asked."""
    found = get_object_or_404(Contact, pk=pk)
    if not _may_draft(request):
        raise PermissionDenied("Drafts are begun by writers, reviewers, ops and admins.")
    assert isinstance(request.user, User)  # noqa: S101 (for mypy: the decorator lets nobody else in)
    try:
        article = drafts.begin(found, by=request.user)
    except first_drafts.NoCategory as error:
        messages.error(request, str(error))
        return redirect("desk:contact", pk)
    messages.warning(
        request,
        _("The draft is there. Addresses, numbers and names we know are masked; read it for what else says who asked."),
    )  # fmt: skip
    return redirect("desk:article-edit", article.pk) if roles.may_write(request.user) else redirect("desk:contact", pk)


def _may_draft(request: HttpRequest) -> bool:
    return roles.may_write(request.user) or roles.OPS in roles.roles_of(request.user)


@require_safe
@roles.desk(roles.OPS, roles.ANALYST, roles.ADMIN)
def attachment(request: HttpRequest, pk: int, attachment_id: uuid.UUID) -> FileResponse:
    """A file that came with a contact: to be saved, never to be shown as a page of ours."""
    found = get_object_or_404(Attachment, pk=attachment_id, contact=pk)
    try:
        bytes_ = attachments.path_of(found.pk).open("rb")
    except FileNotFoundError:
        raise Http404("The file is not in ATTACHMENTS_DIR. Was the folder moved, or is it another host's?") from None
    response = FileResponse(bytes_, as_attachment=True, filename=found.name, content_type=found.content_type)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


class RecodeForm(forms.Form):
    """Another reason for a contact."""

    reason = forms.ChoiceField(label=gettext_lazy("Change the reason to"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        field.choices = [("", gettext_lazy("Choose a reason")), *listing.choices(reasons.stored())]

"""The desk's pages about a person's data: what is kept, all of it as a file for them, and forgetting them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import tasks
from core import audit, clock, erasure, roles
from core.models import Erasure
from core.people import normalise_email
from core.roles import ADMIN, OPS, desk

_LISTED = 50


class AddressForm(forms.Form):
    address = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        help_text=gettext_lazy("As the customer wrote it; small and capital letters are the same."),
    )


class EraseForm(forms.Form):
    """The address was looked up; typed once more it is meant."""

    address = forms.EmailField(widget=forms.HiddenInput)
    typed = forms.CharField(
        label=gettext_lazy("Type the address once more"),
        max_length=254,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = self.cleaned_data
        address, typed = said.get("address", ""), said.get("typed", "")
        if typed and normalise_email(typed) != normalise_email(address):
            self.add_error("typed", _("This is another address than the one above. Nothing was erased."))
        return said


@require_http_methods(["GET", "HEAD", "POST"])
@desk(OPS)
def page(request: HttpRequest) -> HttpResponse:
    """Look somebody up, by POST: an address does not belong into the addresses of pages."""
    form = AddressForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        return _found(request, form)
    return _page(request, form, status=422 if form.errors else 200)


@require_POST
@desk(OPS)
def export(request: HttpRequest) -> HttpResponse:
    """All that is kept of a person, as a zip of JSON files and of the files that they sent."""
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    told = erasure.export(erasure.look_up(form.cleaned_data["address"]))
    by = roles.user_of(request)
    audit.record(by, "person.exported", by, label="all that is kept of a customer", files=len(told))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in told.items():
            is_file = isinstance(content, bytes)
            archive.writestr(name, content if is_file else json.dumps(content, cls=DjangoJSONEncoder, indent=2))
    return HttpResponse(
        out.getvalue(),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="personal-data-{clock.now():%Y-%m-%d}.zip"'},
    )


@require_POST
@desk(ADMIN)
def erase(request: HttpRequest) -> HttpResponse:
    """Begin to forget a person; a worker does the rest."""
    form = EraseForm(request.POST)
    if not form.is_valid():
        address = AddressForm({"address": request.POST.get("address", "")})
        if not address.is_valid():
            return _page(request, address, status=422)
        return _found(request, address, erase_form=form, status=422)
    begun = erasure.begin(form.cleaned_data["address"], by=roles.user_of(request), enqueue=tasks.erase.delay)
    return redirect("desk:privacy-receipt", begun.pk)


@require_safe
@desk(OPS)
def receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """How far an erasure is, and what went: numbers only."""
    row = get_object_or_404(Erasure, pk=pk)
    parts = erasure.parts()
    rows = [(part.title, row.done.get(part.name)) for part in parts]
    context = {
        "section": "privacy",
        "row": row,
        "rows": [(title, sorted(kinds.items()) if kinds is not None else None) for title, kinds in rows],
        "done": len(row.done),
        "total": len(parts),
    }
    is_part = request.headers.get("HX-Request") == "true"
    return render(request, "desk/privacy_progress.html" if is_part else "desk/privacy_receipt.html", context)


def _page(request: HttpRequest, form: AddressForm, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "section": "privacy",
        "form": form,
        "erasures": Erasure.objects.all()[:_LISTED],
        "may_erase": ADMIN in roles.roles_of(request.user),
        **more,
    }
    return render(request, "desk/privacy.html", context, status=status)


def _found(
    request: HttpRequest, form: AddressForm, *, erase_form: EraseForm | None = None, status: int = 200
) -> HttpResponse:
    address = normalise_email(form.cleaned_data["address"])
    counts = erasure.count(erasure.look_up(address))
    kept = [(part.title, sorted(counts[part.name].items())) for part in erasure.parts() if part.name in counts]
    return _page(
        request,
        form,
        status=status,
        address=address,
        kept=kept,
        erase_form=erase_form or EraseForm(initial={"address": address}),
    )

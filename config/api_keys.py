"""The desk's page of API keys: who has them, made when, last used when; new ones, and the end of old ones."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from core import keys, roles
from core.models import ApiKey, Scope
from core.roles import ADMIN, desk

_SHOWN = 200


class KeyForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("Which program uses it, such as “shop front”."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=Scope.choices,
        initial=[Scope.SEARCH_READ],
        widget=forms.CheckboxSelectMultiple,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@desk(ADMIN)
def page(request: HttpRequest) -> HttpResponse:
    """The list; by POST a new key, whose text stands in this one answer and nowhere else."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    made, text = None, ""
    if request.method == "POST" and form.is_valid():
        scopes = [Scope(scope) for scope in form.cleaned_data["scopes"]]
        try:
            made, text = keys.create(name=form.cleaned_data["name"], scopes=scopes, by=roles.user_of(request))
            form = KeyForm()
        except keys.NameTaken:
            form.add_error("name", _("There is a live key of this name. Choose another, or revoke that one first."))
    context = {
        "section": "api-keys",
        "form": form,
        "made": made,
        "text": text,
        "keys": ApiKey.objects.select_related("created_by")[:_SHOWN],
    }
    return render(request, "desk/api_keys.html", context, status=400 if form.errors else 200)


@require_POST
@desk(ADMIN)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    if keys.revoke(pk, by=roles.user_of(request)):
        messages.success(request, _("The key is revoked. Programs that use it are refused from now on."))
    else:
        messages.info(request, _("This key was revoked before."))
    return redirect("desk:api-keys")

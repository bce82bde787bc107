"""Single sign-on with the one OpenID Connect provider of the settings."""

from __future__ import annotations

from typing import Any, cast

from allauth.socialaccount.providers.openid_connect import views
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from core import audit


@require_POST
def leave(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Go to the provider, to sign in or (process=connect) to connect one's account.

    By a page in between: our content policy lets no form lead to another host, by no redirect either.
    """
    _only_ours(provider_id)
    try:
        response = views.login(request, provider_id)
    except (RequestException, ValueError, KeyError):  # not there; what it answers is no configuration
        messages.error(request, _("{name} does not answer. Please try again later.").format(name=settings.OIDC_NAME))
        return redirect("desk:sign-in")
    if response.status_code != 302:
        return cast(HttpResponseBase, response)
    return render(request, "desk/account/oidc_leave.html", {"to": response["Location"], "name": settings.OIDC_NAME})


@require_safe
def come_back(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Where the provider sends people back to."""
    _only_ours(provider_id)
    is_connecting = request.user.is_authenticated
    had = isinstance(request.user, User) and request.user.socialaccount_set.exists()  # type: ignore[attr-defined]
    user: Any = request.user
    try:
        response = views.callback(request, provider_id)
    except (ValueError, KeyError):
        response = HttpResponse(status=401)
    if response.status_code == 401:
        messages.error(request, _("{name} did not let you in. Please try again.").format(name=settings.OIDC_NAME))
        return redirect("desk:account" if is_connecting else "desk:sign-in")
    if is_connecting and not had and user.socialaccount_set.exists():
        audit.record(user, "account.connected", user)
    return cast(HttpResponseBase, response)


@require_safe
def cancelled(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("You did not sign in at {name}.").format(name=settings.OIDC_NAME))
    return redirect("desk:sign-in")


def _only_ours(provider_id: str) -> None:
    if not settings.OIDC_ISSUER or provider_id != "oidc":
        raise Http404

"""The desk's door: name and password, then the second factor; or a passkey alone."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.stagekit import clear_login
from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from config import demo_accounts
from config.accounts import forms, invitations, sessions
from core import audit


class SignIn(LoginView):
    """Public. Shows the demo's accounts where this checkout is a demo."""

    form_class = forms.SignInForm
    template_name = "desk/account/sign_in.html"

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: Any) -> None:
        """Whoever comes back here begins anew, as somebody else perhaps."""
        clear_login(request)

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        if form.has_error(NON_FIELD_ERRORS, "too_many_login_attempts"):
            response.status_code = 429
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        said: dict[str, Any] = super().get_context_data(
            demo_accounts=demo_accounts.shown(),
            oidc_name=settings.OIDC_NAME if settings.OIDC_ISSUER else "",
            may_reset_password=invitations.mail_is_sent(),
            **kwargs,
        )
        return said


class SecondFactor(AuthenticateView):
    """Public, for a while after the right password. Nobody is signed in before it is passed."""

    template_name = "desk/account/second_factor.html"
    form_class = forms.SecondFactorForm
    webauthn_form_class = forms.PasskeyForm

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        if form.has_error("code", forms.TOO_MANY):
            response.status_code = 429
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kinds = set(Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True))
        said: dict[str, Any] = super().get_context_data(**kwargs)
        said["has_passkey"] = Authenticator.Type.WEBAUTHN in kinds
        return said


class PasskeySignIn(LoginWebAuthnView):
    """Public. GET: what a passkey must sign (JSON); POST: the signature. A passkey counts as both factors."""

    form_class = forms.PasskeySignInForm


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        if isinstance(request.user, User):
            audit.record(request.user, "sign_out.done", request.user)
        sessions.sign_out(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)

"""Your account: password, second factor, passkeys, sessions. Each change asks who you are, if that was long ago."""

from __future__ import annotations

import re
from typing import Any

from allauth.account import views as account_views
from allauth.account.decorators import reauthentication_required
from allauth.mfa.adapter import get_adapter as mfa_adapter
from allauth.mfa.base import views as mfa_views
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from allauth.mfa.webauthn import views as webauthn_views
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config.accounts import codes, forms, second_factor, sessions
from core import audit, roles
from core.roles import desk, roles_of


@require_safe
@desk(without_role=True)
def page(request: HttpRequest) -> HttpResponse:
    """What the account has, with a way to change each."""
    user = roles.user_of(request)
    found = list(Authenticator.objects.filter(user=user).order_by("created_at", "pk"))
    by_kind = {kind: [one for one in found if one.type == kind] for kind in Authenticator.Type}
    recovery = by_kind[Authenticator.Type.RECOVERY_CODES]
    said = {
        "section": "account",
        "roles": sorted(roles_of(user)),
        "app": next(iter(by_kind[Authenticator.Type.TOTP]), None),
        "passkeys": by_kind[Authenticator.Type.WEBAUTHN],
        "recovery_left": len(recovery[0].wrap().get_unused_codes()) if recovery else 0,
        "has_second_factor": any(one.type in second_factor.FACTORS for one in found),
        "must_have_one": settings.REQUIRE_SECOND_FACTOR,
        "sessions": [(row, sessions.is_own(request, row)) for row in sessions.open_sessions(user)],
        "oidc_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "connected": SocialAccount.objects.filter(user=user).first(),
    }
    return render(request, "desk/account/page.html", said)


class Password(account_views.PasswordChangeView):
    template_name = "desk/account/password.html"
    form_class = forms.PasswordForm
    extra_context = {"section": "account"}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not roles.user_of(request).has_usable_password():
            messages.info(
                request, _("Your account has no password: you sign in by {name}.").format(name=settings.OIDC_NAME)
            )
            return redirect("desk:account")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            sessions.touch(self.request)  # its key is another now
            sessions.end_all(form.user, but=self.request)
            audit.record(form.user, "account.password_changed", form.user)
        return response


class SetUpApp(totp_views.ActivateTOTPView):
    template_name = "desk/account/app.html"
    form_class = forms.AppForm
    extra_context = {"section": "account"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        said: dict[str, Any] = super().get_context_data(**kwargs)
        return said | {"qr": _as_part_of_page(said["totp_svg"]), "secret": _in_fours(said["form"].secret)}

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            made = Authenticator.objects.get(user=form.user, type=Authenticator.Type.TOTP)
            codes.note_used(made, form.step)
            audit.record(form.user, "account.second_factor_added", form.user, kind="app")
        return response


class RemoveApp(totp_views.DeactivateTOTPView):
    template_name = "desk/account/remove.html"
    extra_context = {"section": "account", "what": "app"}

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            person = roles.user_of(self.request)
            audit.record(person, "account.second_factor_removed", person, kind="app")
        return response


class RecoveryCodes(recovery_views.ViewRecoveryCodesView):
    template_name = "desk/account/recovery_codes.html"
    extra_context = {"section": "account"}


class NewRecoveryCodes(recovery_views.GenerateRecoveryCodesView):
    template_name = "desk/account/recovery_codes_new.html"
    extra_context = {"section": "account"}

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            person = roles.user_of(self.request)
            audit.record(person, "account.recovery_codes_made", person)
        return response


class DownloadRecoveryCodes(recovery_views.DownloadRecoveryCodesView):
    template_name = "desk/account/recovery_codes.txt"
    content_type = "text/plain; charset=utf-8"


class AddPasskey(webauthn_views.AddWebAuthnView):
    """A passkey that can sign in alone: kept by the device, which asks for a finger, a face or a PIN."""

    template_name = "desk/account/passkey.html"
    form_class = forms.NewPasskeyForm
    extra_context = {"section": "account"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        said: dict[str, Any] = super().get_context_data(**kwargs)
        options = webauthn.begin_registration(roles.user_of(self.request), True)
        return said | {"js_data": {"creation_options": options}}

    def get_form_kwargs(self) -> dict[str, Any]:
        said: dict[str, Any] = super().get_form_kwargs()
        if "data" in said:  # what a passkey must be is not the browser's to say
            said["data"] = said["data"].copy()
            said["data"]["passwordless"] = "on"
        return said

    def form_valid(self, form: Any) -> HttpResponse:
        form.cleaned_data["name"] = form.cleaned_data["name"][:80]
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            audit.record(form.user, "account.second_factor_added", form.user, kind="passkey")
        return response


class RemovePasskey(webauthn_views.RemoveWebAuthnView):
    template_name = "desk/account/remove.html"
    extra_context = {"section": "account", "what": "passkey"}

    def form_valid(self, form: Any) -> HttpResponse:
        if not mfa_adapter().can_delete_authenticator(self.get_object()):
            messages.error(self.request, mfa_adapter().error_messages["cannot_delete_authenticator"])
            return redirect("desk:account")
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            person = roles.user_of(self.request)
            audit.record(person, "account.second_factor_removed", person, kind="passkey")
        return response


class Confirm(account_views.ReauthenticateView):
    template_name = "desk/account/confirm.html"
    form_class = forms.ConfirmForm
    extra_context = {"section": "account", "way": "password"}


class ConfirmByCode(mfa_views.ReauthenticateView):
    template_name = "desk/account/confirm.html"
    form_class = forms.ConfirmByCodeForm
    extra_context = {"section": "account", "way": "code"}


class ConfirmByPasskey(webauthn_views.ReauthenticateWebAuthnView):
    template_name = "desk/account/confirm.html"
    form_class = forms.ConfirmByPasskeyForm
    extra_context = {"section": "account", "way": "passkey"}


@require_POST
@desk(without_role=True)
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere else."""
    user = roles.user_of(request)
    with transaction.atomic():
        ended = sessions.end_all(user, but=request)
        audit.record(user, "account.sessions_ended", user, ended=ended)
    messages.success(request, _("You are signed out everywhere but here."))
    return redirect("desk:account")


@require_POST
@desk(without_role=True)
@reauthentication_required(app="allauth.socialaccount")
def disconnect(request: HttpRequest) -> HttpResponse:
    """End the connection with the account of the provider of single sign-on."""
    user = roles.user_of(request)
    connected = SocialAccount.objects.filter(user=user).first()
    try:
        if connected is None:
            raise ValidationError(_("No account is connected."))
        if not user.has_usable_password():
            raise ValidationError(
                _("Your account has no password: without single sign-on you could not come in again.")
            )
    except ValidationError as error:
        messages.error(request, error.message)
        return redirect("desk:account")
    with transaction.atomic():
        SocialAccount.objects.filter(user=user).delete()
        audit.record(user, "account.disconnected", user)
    messages.success(request, _("The accounts are no longer connected."))
    return redirect("desk:account")


def _as_part_of_page(svg: str) -> SafeString:
    """The QR code of qrcode's SVG, made anew of its numbers only. Always dark on light: many apps read no other."""
    box = re.search(r'viewBox="([0-9. ]+)"', svg)
    path = re.search(r' d="([MHVLZmhvlz0-9., -]+)"', svg)
    if not box or not path:
        raise ValueError("qrcode draws its SVG in another way than it did: see config/accounts/own.py")
    label = _("QR code; its text stands below")
    return mark_safe(
        f'<svg class="qr" viewBox="{box[1]}" role="img" aria-label="{escape(label)}">'
        f'<rect width="100%" height="100%" fill="#ffffff"></rect><path fill="#000000" d="{path[1]}"></path></svg>'
    )


def _in_fours(secret: str) -> str:
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))

"""What allauth asks us. Its own defaults suit a site where customers sign up; here staff are invited."""

from __future__ import annotations

import base64
import logging
import time
from smtplib import SMTPException
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, _build_apps_from_settings
from allauth.socialaccount.models import SocialApp, SocialLogin
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.accounts import limits, oidc_roles, second_factor
from core import audit, brand, ratelimit

logger = logging.getLogger("preempt.accounts")

# Of allauth's messages those that tell people something they do not see anyway.
_SAID = {
    "account/messages/password_changed.txt": gettext_lazy("The password is changed."),
    "mfa/messages/totp_activated.txt": gettext_lazy("The app is set up. Signing in now asks for its code."),
    "mfa/messages/totp_deactivated.txt": gettext_lazy("The app no longer counts."),
    "mfa/messages/webauthn_added.txt": gettext_lazy("The passkey is added."),
    "mfa/messages/webauthn_removed.txt": gettext_lazy("The passkey is removed."),
    "mfa/messages/recovery_codes_generated.txt": gettext_lazy("These are new recovery codes; older ones are over."),
    "socialaccount/messages/account_connected.txt": gettext_lazy("The accounts are connected."),
    "socialaccount/messages/account_connected_updated.txt": gettext_lazy("The accounts were connected before."),
    "socialaccount/messages/account_connected_other.txt": gettext_lazy(
        "That account is connected to somebody else here. Ask an administrator."
    ),
}


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": gettext_lazy("Too many tries. Please wait a quarter of an hour and try again."),
        "username_password_mismatch": gettext_lazy(
            "Please enter a correct username and password. Note that both fields may be case-sensitive."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return ratelimit.network_of(request) or "unknown"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """An answer after the last try would tell whether the password was right, so none is looked at."""
        if not limits.may_sign_in(credentials.get("username", ""), request):
            raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        # A name that is no account's stays out of the log: people type passwords into the wrong field.
        user = User.objects.filter(username=credentials.get("username", "")).first()
        audit.record(None, "sign_in.failed", user, label="" if user else _("unknown name"))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail that is not taken changes nothing of the answer, which must not tell whose address is known."""
        try:
            super().send_mail(template_prefix, email, context | {"shop_name": brand.current().name})
        except SMTPException:
            logger.exception("mail not sent", extra={"template": template_prefix})

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        messages.error(request, _("This account is switched off. Ask an administrator."))
        return redirect("desk:sign-in")

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        said = get_authentication_records(request, user)
        ways = [f"mfa:{one['type']}" if one["method"] == "mfa" else one["method"] for one in said]
        audit.record(user, "sign_in.done", user, ways=ways)
        return response

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever has signed in within the last minutes need not say again who they are."""
        records = get_authentication_records(context.request, context.request.user)
        newest = max((record["at"] for record in records), default=0.0)
        if time.time() - newest < account_settings.REAUTHENTICATION_TIMEOUT:
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        said = {
            "reauthenticate": _("With your password"),
            "mfa_reauthenticate": _("With a code of your app, or a recovery code"),
            "mfa_reauthenticate:webauthn": _("With a passkey"),
        }
        return [way | {"description": said[way["id"]]} for way in super().get_reauthentication_methods(user)]

    def is_safe_url(self, url: str) -> bool:
        """Addresses of this very host only, whatever others ALLOWED_HOSTS names."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("desk:account")

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        text = kwargs.get("message") or _SAID.get(args[0] if args else kwargs.get("message_template", ""))
        if text:
            messages.add_message(request, messages.SUCCESS if level == messages.INFO else level, text)

    def is_ajax(self, request: HttpRequest) -> bool:
        """Of allauth's answers in JSON only one is ours: what a passkey must sign (static/js/passkeys.js)."""
        return request.method == "GET" and request.path == reverse("mfa_login_webauthn")


class MFAAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("That did not fit. Codes change every 30 seconds, and each is good once."),
        "cannot_delete_authenticator": gettext_lazy(
            "Everybody here needs a second factor, and this is your last. Set up another one first."
        ),
    }

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken as error:
            raise ValueError(
                "A second factor cannot be read: SECRET_KEY is another than when it was set up. Put the old one back, "
                "or run `manage.py reset_second_factor NAME`."
            ) from error

    def get_totp_issuer(self) -> str:
        return brand.current().name

    def _get_user_identifier(self, user: Any) -> str:
        return str(user.get_username())

    def _get_site_name(self) -> str:
        return brand.current().name

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not (settings.REQUIRE_SECOND_FACTOR and second_factor.is_last(authenticator))

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return _("Passkey {number}").format(number=number)


class SocialAdapter(DefaultSocialAccountAdapter):
    """The one provider of settings.OIDC_ISSUER. Whom it sends is staff; their roles come from an administrator, or from
    the provider where OIDC_ROLES says so (config/accounts/oidc_roles.py).
    """

    def list_apps(self, request: Any, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """From the settings alone: the table of apps, that nothing here writes, is not asked."""
        apps = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for some in apps.values() for app in some]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """An address alone proves nothing: who has an account here already connects it themselves, signed in."""
        sociallogin.email_addresses = []
        if sociallogin.state.get("process") == "connect":
            return
        if sociallogin.is_existing:
            oidc_roles.refresh(sociallogin.user, sociallogin.account.extra_data)
            return
        address = sociallogin.user.email
        if address and User.objects.filter(email__iexact=address).exists():
            audit.record(None, "sign_in.refused", label=_("single sign-on: address of another account"))
            raise ImmediateHttpResponse(
                render(request, "desk/account/oidc_taken.html", {"name": settings.OIDC_NAME}, status=403)
            )

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> Any:
        sociallogin.user.is_staff = True
        user = super().save_user(request, sociallogin, form)
        audit.record(user, "account.made", user, through="single sign-on", roles=[])
        oidc_roles.refresh(user, sociallogin.account.extra_data)
        return user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("desk:account")


def _box() -> Fernet:
    """The key of what must be read again (secrets of apps), made of the site's own."""
    key = HKDF(SHA256(), length=32, salt=None, info=b"preempt.second-factor").derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))

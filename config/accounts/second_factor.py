"""Second factors: an app's codes, passkeys, recovery codes. allauth keeps them; here is what we ask beyond it."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from core import roles

# Recovery codes alone are none: they stand in for one of these.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_SETTLED = "desk_second_factor"


def has_one(user: User | AnonymousUser) -> bool:
    return user.pk is not None and Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()


def is_last(authenticator: Authenticator) -> bool:
    """Whether its owner would be without a second factor once it is gone."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=FACTORS).exclude(pk=authenticator.pk)
    return authenticator.type in FACTORS and not others.exists()


def is_settled(request: HttpRequest) -> bool:
    """Whether this person may go on: nobody must have a second factor, or they have one. Asked once a session."""
    if not settings.REQUIRE_SECOND_FACTOR or request.session.get(_SETTLED):
        return True
    if not has_one(roles.user_of(request)):
        return False
    request.session[_SETTLED] = True
    return True

"""People of the desk for tests: made, signed in for real, with an app as their second factor."""

from __future__ import annotations

import base64
import re
import time

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import Group, User
from django.test import Client

PASSWORD = "a long walk at dusk"
SIGN_IN = "/desk/sign-in/"
SECOND = "/desk/sign-in/second-factor/"


def make(name: str, *roles: str, **more: object) -> User:
    user = User.objects.create_user(name, f"{name}@fernhill.example.com", PASSWORD, is_staff=True, **more)
    user.groups.add(*(Group.objects.get_or_create(name=role)[0] for role in roles))
    return user


def signed_in(name: str, client: Client | None = None) -> Client:
    client = client or Client()
    assert client.post(SIGN_IN, {"login": name, "password": PASSWORD}).status_code == 302
    return client


def code(secret: str, *, steps: int = 0) -> str:
    """What the app shows now, or so many steps of 30 seconds later."""
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + steps))


def give_app(user: User) -> str:
    """The secret of an app that is the second factor of `user` now."""
    secret = base64.b32encode(b"twenty bytes of test").decode()
    totp.TOTP.activate(user, secret)
    return secret


def give_recovery_codes(user: User) -> list[str]:
    return RecoveryCodes.activate(user).get_unused_codes()


def secret_on(page: str) -> str:
    """The key that the page of a new app shows for typing."""
    found = re.search(r"<code>([A-Z2-7 ]{32,})</code>", page)
    assert found, page
    return found[1].replace(" ", "")


def factors(user: User) -> list[str]:
    return sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True))

"""How often somebody may try to get in. Counted in the database, for all processes together (core/ratelimit.py)."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.http import HttpRequest

from core import ratelimit

_QUARTER, _DAY = timedelta(minutes=15), timedelta(days=1)
_OF_NAME, _OF_NETWORK = 10, 60  # a whole office may share one address
_CODES, _CODES_A_DAY = 10, 60  # with three right ones of a million at a time: a chance of 1 in 5,500 a day
_MAILS = 5


def may_sign_in(name: str, request: HttpRequest) -> bool:
    """A try to sign in as `name`, right or wrong."""
    return ratelimit.allow_all(
        {f"sign-in:{_short(name)}": _OF_NAME, **_of_network("sign-in-from", request)}, per=_QUARTER
    )


def may_try_code(user: User) -> bool:
    """A try of a code as the second factor of `user`, whose password was right."""
    today = ratelimit.allow(f"second-factor-day:{user.pk}", limit=_CODES_A_DAY, per=_DAY)
    return ratelimit.allow(f"second-factor:{user.pk}", limit=_CODES, per=_QUARTER) and today


def may_ask_for_password(address: str, request: HttpRequest) -> bool:
    """A request for a mail with a link to a new password."""
    return ratelimit.allow_all(
        {f"password-to:{_short(address)}": _MAILS, **_of_network("password-from", request)}, per=_QUARTER
    )


def may_join(request: HttpRequest) -> bool:
    """A look at an invitation's link."""
    return ratelimit.allow_all(_of_network("join-from", request), per=_QUARTER)


def may_open_password_link(request: HttpRequest) -> bool:
    """A look at a link to a new password."""
    return ratelimit.allow_all(_of_network("password-link-from", request), per=_QUARTER)


def _short(text: str) -> str:
    return text.replace("\0", "").strip().lower()[:150]


def _of_network(what: str, request: HttpRequest) -> dict[str, int]:
    network = ratelimit.network_of(request)
    return {f"{what}:{network}": _OF_NETWORK} if network else {}

"""Sessions on the desk: when they were last used, and their end.

Django's own session slides with use and ends after SESSION_COOKIE_AGE without. Beside it stands one row (DeskSession)
for each sign-in, so that all of a person's sessions can be found and ended at once. All of it is I/O time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from config.accounts import second_factor
from core.models import DeskSession

_ROW, _BEGAN, _SEEN = "desk_session", "desk_began", "desk_seen"
_EVERY = 60  # seconds between two notes that somebody is still there
# Where somebody gets in, out, or a second factor.
_OPEN = (
    "/desk/sign-in/",
    "/desk/sign-out/",
    "/desk/account/",
    "/desk/join/",
    "/desk/password/",
    "/desk/password-link/",
)


def begin(*, request: HttpRequest, user: User, **_signal: Any) -> None:
    """Note a new sign-in; its session has just got a new key. Called by Django's signal user_logged_in."""
    now = time.time()
    if not request.session.session_key:  # somebody else was signed in, and Django has just thrown theirs away
        request.session.create()
    row = DeskSession.objects.create(
        user=user,
        session_key=request.session.session_key or "",
        browser=request.META.get("HTTP_USER_AGENT", "").replace("\0", "")[:200],
    )
    request.session[_ROW], request.session[_BEGAN], request.session[_SEEN] = row.pk, now, now
    # What is long over tells nobody anything.
    old = DeskSession.objects.filter(user=user, ended_at__isnull=False).order_by("-seen_at")[20:]
    DeskSession.objects.filter(pk__in=old.values_list("pk")).delete()


def touch(request: HttpRequest) -> bool:
    """Note that this session is in use, under the key that it has now; False where it was ended meanwhile."""
    request.session[_SEEN] = time.time()
    if not (row := request.session.get(_ROW)):
        return True
    changed = DeskSession.objects.filter(pk=row, ended_at=None).update(
        seen_at=Now(), session_key=request.session.session_key
    )
    return bool(changed)


@transaction.atomic
def end_all(user: User, *, but: HttpRequest | None = None) -> int:
    """End every session of `user`, at once and for good; `but`: this request's own stays. How many were open."""
    rows = DeskSession.objects.filter(user=user, ended_at=None)
    if but is not None:
        rows = rows.exclude(pk=but.session.get(_ROW, 0))
    keys = list(rows.select_for_update().values_list("session_key", flat=True))
    open_ones, _each = Session.objects.filter(session_key__in=keys).delete()
    DeskSession.objects.filter(session_key__in=keys).update(ended_at=Now())
    return open_ones


def sign_out(request: HttpRequest) -> None:
    """End this request's session."""
    DeskSession.objects.filter(pk=request.session.get(_ROW, 0)).update(ended_at=Now())
    logout(request)


def open_sessions(user: User) -> list[DeskSession]:
    """The sessions of `user` that still let somebody in, the last used first."""
    rows = DeskSession.objects.filter(user=user, ended_at=None).order_by("-seen_at")[:100]
    live = set(
        Session.objects.filter(session_key__in=[row.session_key for row in rows], expire_date__gt=Now()).values_list(
            "session_key", flat=True
        )
    )
    return [row for row in rows if row.session_key in live]


def is_own(request: HttpRequest, row: DeskSession) -> bool:
    return bool(request.session.get(_ROW) == row.pk)


class DeskSessionMiddleware:
    """For pages of the desk: notes use, ends what is too old, and asks for a second factor where one must be."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponseBase | None:
        if not request.path.startswith("/desk/") or not request.user.is_authenticated:
            return None
        now = time.time()
        too_old = now - request.session.get(_BEGAN, now) > settings.SESSION_LONGEST_DAYS * 86_400
        is_ended = now - request.session.get(_SEEN, 0) > _EVERY and not touch(request)
        if too_old or is_ended:
            sign_out(request)
            return redirect_to_login(request.get_full_path())
        if request.path.startswith(_OPEN) or second_factor.is_settled(request):
            return None
        messages.warning(request, _("Set up a second factor first: everybody here needs one."))
        return redirect("desk:account")

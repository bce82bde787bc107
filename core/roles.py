"""Who may do what on the desk. Roles are groups, made by a migration; every desk view names the roles it lets in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

WRITER = "writer"  # writes and edits articles
REVIEWER = "reviewer"  # publishes them
OPS = "ops"  # looks after orders and messages
ANALYST = "analyst"  # reads every number and the rows behind it
ADMIN = "admin"  # everything, and who may do what
ALL = (WRITER, REVIEWER, OPS, ANALYST, ADMIN)

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def roles_of(user: User | AnonymousUser) -> set[str]:
    """The roles of a signed-in member of staff; empty for anybody else. A superuser has them all."""
    if not user.is_authenticated or not user.is_active or not user.is_staff:
        return set()
    if user.is_superuser:
        return set(ALL)
    found: set[str] | None = user.__dict__.get("_preempt_roles")
    if found is None:
        found = set(user.groups.values_list("name", flat=True)) & set(ALL)
        user.__dict__["_preempt_roles"] = found  # one query a request
    return found


def context(request: HttpRequest) -> dict[str, Any]:
    """For templates: `desk_roles`, looked up where one asks for it."""
    return {"desk_roles": SimpleLazyObject(lambda: roles_of(request.user))}


def desk(*roles: str) -> Callable[[View[P]], View[P]]:
    """Let in staff with one of `roles` (any where none is named). Others: to the sign-in, or 403 with the reason."""
    if unknown := set(roles) - set(ALL):
        raise ValueError(f"no such role: {', '.join(sorted(unknown))}")
    wanted = set(roles) or set(ALL)

    def decorate(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not roles_of(request.user) & (wanted | {ADMIN}):
                raise PermissionDenied(f"This page is for: {', '.join(sorted(wanted | {ADMIN}))}.")
            response = view(request, *args, **kwargs)
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return checked

    return decorate

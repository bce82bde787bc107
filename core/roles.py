"""Who may do what on the desk. Roles are groups, made by a migration; every desk view names the roles it lets in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

WRITER = "writer"  # writes and edits articles
REVIEWER = "reviewer"  # publishes them
OPS = "ops"  # looks after orders and messages
ANALYST = "analyst"  # reads every number and the rows behind it
ADMIN = "admin"  # everything, and who may do what
ALL = (WRITER, REVIEWER, OPS, ANALYST, ADMIN)
DOES = {
    WRITER: _("writes and edits articles"),
    REVIEWER: _("reviews and publishes articles"),
    OPS: _("looks after contacts, orders and messages"),
    ANALYST: _("reads every number and the rows behind it"),
    ADMIN: _("may do everything, and says who may do what"),
}

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


def may_write(user: User | AnonymousUser) -> bool:
    """Whether they may write and edit articles."""
    return bool(roles_of(user) & {WRITER, REVIEWER, ADMIN})


def may_publish(user: User | AnonymousUser) -> bool:
    """Whether what they say of an article may be live at once."""
    return bool(roles_of(user) & {REVIEWER, ADMIN})


def user_of(request: HttpRequest) -> User:
    """Who is signed in, in a view that desk() guards: it lets in nobody else."""
    return cast(User, request.user)


def administrators() -> QuerySet[User]:
    """Everybody who may change what others may do: at least one of them must stay."""
    return User.objects.filter(Q(groups__name=ADMIN) | Q(is_superuser=True), is_active=True, is_staff=True).distinct()


def context(request: HttpRequest) -> dict[str, Any]:
    """For templates: `desk_roles`, looked up where one asks for it."""
    return {"desk_roles": SimpleLazyObject(lambda: roles_of(request.user))}


def desk(*roles: str, without_role: bool = False) -> Callable[[View[P]], View[P]]:
    """Let in staff with one of `roles` (any where none is named). Others: to the sign-in, or 403 with the reason.

    `without_role`: also staff to whom no role is given yet, for pages about their own account. What a view asks for
    stands at it as `desk_roles`, for a test that walks them all.
    """
    if unknown := set(roles) - set(ALL):
        raise ValueError(f"no such role: {', '.join(sorted(unknown))}")
    wanted = set(roles) or set(ALL)

    def decorate(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not roles_of(request.user) & (wanted | {ADMIN}) and not (without_role and _works_here(request.user)):
                raise PermissionDenied(f"This page is for: {', '.join(sorted(wanted | {ADMIN}))}.")
            response = view(request, *args, **kwargs)
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        checked.__dict__["desk_roles"] = frozenset(wanted | {ADMIN} | ({""} if without_role else set()))
        return checked

    return decorate


def _works_here(user: User | AnonymousUser) -> bool:
    return user.is_active and user.is_staff

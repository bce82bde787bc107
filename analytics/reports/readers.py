"""Who may take a report or a list along: who may open the screen that shows it."""

from __future__ import annotations

import functools

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.urls import resolve, reverse

from core import roles


@functools.cache
def of(screen: str, *given: str) -> frozenset[str]:
    """The roles that its view names; `given` are the arguments of its address."""
    view = resolve(reverse(f"desk:{screen}", args=given)).func
    named: frozenset[str] = view.__dict__["desk_roles"]
    return named


def may_open(user: User | AnonymousUser, screen: str, *given: str) -> bool:
    return bool(roles.roles_of(user) & of(screen, *given))


def check(user: User | AnonymousUser, screen: str, *given: str) -> None:
    if not may_open(user, screen, *given):
        raise PermissionDenied(f"This page is for: {', '.join(sorted(of(screen, *given)))}.")

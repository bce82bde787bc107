"""What an administrator does to somebody's account. The last way in is protected: one who may do this must stay."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.db import transaction

from config.accounts import second_factor, sessions
from core import audit, roles


class Refused(Exception):
    """It was not done; the message says why, for the person who asked."""


@transaction.atomic
def set_roles(user: User, wanted: Collection[str], *, by: User | None, **detail: Any) -> bool:
    """Give `user` exactly these roles; False where they had them. Raises Refused for the last administrator.

    `by` None: nobody here decided it; `detail` says who did.
    """
    _one_at_a_time()
    before = set(user.groups.filter(name__in=roles.ALL).values_list("name", flat=True))
    after = set(wanted) & set(roles.ALL)
    if before == after:
        return False
    if roles.ADMIN in before - after:
        if by is not None and user.pk == by.pk:
            raise Refused("You cannot take the role of administrator from yourself: ask another administrator.")
        _keep_one_without(user, unless=user.is_superuser)
    user.groups.remove(*Group.objects.filter(name__in=before - after))
    user.groups.add(*Group.objects.filter(name__in=after - before))
    audit.record(by, "account.roles_changed", user, before=sorted(before), after=sorted(after), **detail)
    return True


@transaction.atomic
def switch_off(user: User, *, by: User) -> bool:
    """End all sessions of `user` and let nobody sign in as them; False where that is so. Raises Refused."""
    _one_at_a_time()
    if user.pk == by.pk:
        raise Refused("You cannot switch off your own account: ask another administrator.")
    _keep_one_without(user)
    if not User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        return False
    sessions.end_all(user)
    audit.record(by, "account.switched_off", user)
    return True


@transaction.atomic
def switch_on(user: User, *, by: User) -> bool:
    """Let `user` sign in again, with what they had before; sessions of old stay ended. False where that is so."""
    if not User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        return False
    audit.record(by, "account.switched_on", user)
    return True


@transaction.atomic
def reset_second_factor(user: User, *, by: User | None, **detail: str) -> int:
    """Take all second factors away from `user`, who lost them, and end their sessions. How many there were.

    With their password they come in again, and set up new ones.
    """
    rows = Authenticator.objects.filter(user=user)
    removed: int = rows.filter(type__in=second_factor.FACTORS).count()
    rows.delete()
    sessions.end_all(user)
    audit.record(by, "account.second_factor_reset", user, removed=removed, **detail)
    return removed


def _one_at_a_time() -> None:
    """Two administrators who remove each other at the same moment: the second waits, and finds themselves the last."""
    list(Group.objects.select_for_update().filter(name=roles.ADMIN))


def _keep_one_without(user: User, *, unless: bool = False) -> None:
    if not unless and not roles.administrators().exclude(pk=user.pk).exists():
        raise Refused(f"{user.get_username()} is the last administrator: make somebody else one first.")

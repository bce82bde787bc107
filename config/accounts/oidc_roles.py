"""Roles that the provider of single sign-on decides: one of its claims (groups, mostly), mapped by OIDC_ROLES.

The mapping names roles; those are the provider's, and are as it says after every sign-in by it. A role that the
mapping does not name is given on People alone, and is left alone here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from config.accounts import staff
from core import roles

logger = logging.getLogger("preempt.accounts")


def governed() -> set[str]:
    """The roles that the provider decides; empty where it decides none."""
    return {role for some in settings.OIDC_ROLES.values() for role in some} & set(roles.ALL)


def refresh(user: User, said: Mapping[str, Any]) -> None:
    """Give `user`, who is signing in, the roles of what the provider says of them (allauth's `extra_data`).

    Audit-logged where that changes any. The last administrator stays one, whatever the provider says.
    """
    if not settings.OIDC_ROLES:
        return
    groups = sorted(set(_values(said)) & set(settings.OIDC_ROLES))
    given = {role for group in groups for role in settings.OIDC_ROLES[group]} & set(roles.ALL)
    has = set(user.groups.filter(name__in=roles.ALL).values_list("name", flat=True))
    wanted = (has - governed()) | given
    detail = {"through": "single sign-on", "groups": groups}
    try:
        staff.set_roles(user, wanted, by=None, **detail)
    except staff.Refused:
        logger.warning("the last administrator keeps the role that the provider takes", extra={"user": user.pk})
        staff.set_roles(user, wanted | {roles.ADMIN}, by=None, **detail, kept=roles.ADMIN)
    user.__dict__.pop("_preempt_roles", None)


def _values(said: Mapping[str, Any]) -> Iterator[str]:
    """What the claim holds: a list of names, or one name. Nothing where it is not there, or is something else."""
    found = None
    for source in (said.get("userinfo"), said.get("id_token"), said):
        if isinstance(source, Mapping) and (found := _claim(source)) is not None:
            break
    for value in [found] if isinstance(found, str) else found if isinstance(found, list) else []:
        if isinstance(value, str):
            yield value


def _claim(source: Mapping[str, Any]) -> Any:
    """The claim of OIDC_ROLES_CLAIM by its whole name, which may have dots, or else as a path (realm_access.roles)."""
    name = settings.OIDC_ROLES_CLAIM
    if name in source:
        return source[name]
    here: Any = source
    for part in name.split("."):
        if not isinstance(here, Mapping) or part not in here:
            return None
        here = here[part]
    return here

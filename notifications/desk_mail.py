"""Mails to those of the desk who look after orders."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User

from core import roles
from core.commits import after_commit
from kb import tasks


def tell(subject: str, body: str, *, also: Iterable[User] = ()) -> None:
    """Write to ops, and to whoever of `also` is still there; to the administrators where none of these has an address.
    Sent after the commit by a worker, or not at all.
    """
    ops = User.objects.filter(groups__name=roles.OPS, is_active=True, is_staff=True)
    people = [*ops, *(one for one in also if one.is_active)]
    addresses = {one.email for one in people if one.email} or {one.email for one in roles.administrators() if one.email}
    for address in sorted(addresses):
        after_commit(lambda to=address: tasks.mail_to_desk.delay(to, subject, body))  # type: ignore[misc]

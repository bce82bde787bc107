"""Invitations: a signed link, good once and for a week, by which somebody makes their own account."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from core import audit, brand, clock, crypto, roles
from core.models import Invitation

LIFE = timedelta(days=7)
_PURPOSE = "invitation"


class Closed(Exception):
    """The link leads to no invitation that could still be taken; the message says why."""


def mail_is_sent() -> bool:
    """Whether mails reach people. Those of the console stand on the desk's outbox, where others would find the link."""
    return bool(settings.MAIL_PROVIDER != "console")


@transaction.atomic
def invite(*, email: str, wanted: Collection[str], by: User) -> Invitation:
    now = clock.now()
    made = Invitation.objects.create(
        email=email,
        roles=[role for role in roles.ALL if role in wanted],
        made_at=now,
        made_by=by,
        expires_at=now + LIFE,
    )
    audit.record(by, "invitation.made", made, roles=made.roles)
    return made


def link(invitation: Invitation) -> str:
    """The whole address to hand over. It is not kept: signed anew, it is as good."""
    return settings.SITE_URL + reverse("desk:join", args=[crypto.sign(_PURPOSE, invitation.pk)])


def send(invitation: Invitation) -> bool:
    """Mail the link; False where no provider is set, or it did not take the mail."""
    if not invitation.email or not mail_is_sent():
        return False
    said = {"invitation": invitation, "link": link(invitation), "shop_name": brand.current().name}
    try:
        sent = send_mail(
            f"Your account on the desk of {brand.current().name}",
            render_to_string("desk/account/mail/invitation.txt", said),
            None,
            [invitation.email],
        )
    except SMTPException:
        return False
    return bool(sent)


@transaction.atomic
def withdraw(invitation: Invitation, *, by: User) -> bool:
    """End an invitation that nobody has taken; False where there is nothing to end."""
    now = clock.now()
    if not Invitation.objects.filter(pk=invitation.pk, used_at=None, withdrawn_at=None).update(withdrawn_at=now):
        return False
    audit.record(by, "invitation.withdrawn", invitation)
    return True


def read(token: str) -> Invitation:
    """The invitation of a link. Raises Closed."""
    try:
        # The row says until when it is good; the signature's own age is by another clock.
        pk = crypto.unsign(_PURPOSE, token, max_age=timedelta(days=3650))
        found = Invitation.objects.get(pk=pk)
    except (crypto.BadLink, Invitation.DoesNotExist) as error:
        raise Closed("This link is not complete. Open it from the message again, or ask for a new one.") from error
    if found.used_at:
        raise Closed("This invitation has been used. If that was you, sign in; if not, tell an administrator.")
    if found.withdrawn_at:
        raise Closed("This invitation was withdrawn. Ask an administrator for a new one.")
    if found.expires_at <= clock.now():
        raise Closed("This invitation is over: a link is good for a week. Ask an administrator for a new one.")
    return found


@transaction.atomic
def accept(invitation: Invitation, *, username: str, first_name: str, password: str) -> User:
    """Make the account. Raises Closed where somebody was faster with the same link."""
    now = clock.now()
    still_open = Invitation.objects.filter(pk=invitation.pk, used_at=None, withdrawn_at=None, expires_at__gt=now)
    if not still_open.update(used_at=now):
        raise Closed("This invitation has just been used.")
    user = User.objects.create_user(username, invitation.email, password, first_name=first_name, is_staff=True)
    user.groups.add(*Group.objects.filter(name__in=invitation.roles))
    Invitation.objects.filter(pk=invitation.pk).update(used_by=user)
    audit.record(user, "account.made", user, through="invitation", roles=invitation.roles)
    return user

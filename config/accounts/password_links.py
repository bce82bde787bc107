"""Links by which somebody sets a new password: an administrator hands one over to a colleague who forgot theirs.

Signed, good once and for a day. What it cannot do: sign in, or get past a second factor.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPException

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from config.accounts import invitations, sessions
from config.accounts.staff import Refused
from core import audit, brand, clock, crypto
from core.commits import after_commit
from core.models import PasswordLink

LIFE = timedelta(days=1)
_PURPOSE = "password-link"
logger = logging.getLogger("preempt.accounts")


class Closed(Exception):
    """The link sets no password, or not any more; the message says why."""


@transaction.atomic
def make(user: User, *, by: User) -> str:
    """The whole address to hand over; it is not kept. Links made before lead nowhere from now on. Raises Refused."""
    if user.pk == by.pk:
        raise Refused("Change your own password under Your account.")
    if not user.is_active:
        raise Refused("The account is switched off: a new password would let nobody in. Switch it on first.")
    if not user.has_usable_password():
        raise Refused(f"{user.get_username()} has no password to forget: they sign in by {settings.OIDC_NAME}.")
    now = clock.now()
    User.objects.select_for_update().get(pk=user.pk)  # two administrators at once: one after the other
    _still_open(user).update(withdrawn_at=now)
    made = PasswordLink.objects.create(user=user, made_at=now, made_by=by, expires_at=now + LIFE)
    audit.record(by, "account.password_link_made", user, until=made.expires_at.isoformat())
    after_commit(lambda: _tell(user, by))
    return settings.SITE_URL + reverse("desk:password-link", args=[crypto.sign(_PURPOSE, [made.pk, _print_of(user)])])


@transaction.atomic
def withdraw(user: User, *, by: User) -> bool:
    """End the link that `user` has; False where there is none."""
    if not _still_open(user).update(withdrawn_at=clock.now()):
        return False
    audit.record(by, "account.password_link_withdrawn", user)
    return True


def open_link(user: User) -> PasswordLink | None:
    """The link that `user` could still use."""
    return _still_open(user).filter(expires_at__gt=clock.now()).select_related("made_by").first()


def read(token: str) -> PasswordLink:
    """What a link stands for, with its user. Raises Closed."""
    try:
        # The row says until when it is good; the signature's own age is by another clock.
        pk, print_of_password = crypto.unsign(_PURPOSE, token, max_age=timedelta(days=3650))
        found = PasswordLink.objects.select_related("user").get(pk=pk)
    except (crypto.BadLink, PasswordLink.DoesNotExist, TypeError, ValueError) as error:
        raise Closed("This link is not complete. Open it from the message again, or ask for a new one.") from error
    if found.used_at:
        raise Closed("This link has been used. If that was not you, tell an administrator.")
    if found.withdrawn_at or not found.user.is_active:
        raise Closed("This link does not count any more. Ask an administrator for a new one.")
    if found.expires_at <= clock.now():
        raise Closed("This link is over: it is good for a day. Ask an administrator for a new one.")
    if not constant_time_compare(print_of_password, _print_of(found.user)):
        raise Closed("The password was changed since this link was made. If that was not you, tell an administrator.")
    return found


@transaction.atomic
def use(link: PasswordLink, *, password: str) -> None:
    """Set the password, and end every session of that account. Raises Closed where somebody was faster."""
    now = clock.now()
    still_good = PasswordLink.objects.filter(pk=link.pk, used_at=None, withdrawn_at=None, expires_at__gt=now)
    if not still_good.update(used_at=now):
        raise Closed("This link has just been used.")
    user = User.objects.select_for_update().get(pk=link.user_id)
    get_adapter().set_password(user, password)
    sessions.end_all(user)
    audit.record(user, "account.password_reset", user, through="link of an administrator")


def _still_open(user: User) -> QuerySet[PasswordLink]:
    return PasswordLink.objects.filter(user=user, used_at=None, withdrawn_at=None)


def _print_of(user: User) -> str:
    """Another one after any change of the password; tells nothing of it."""
    return salted_hmac("preempt.password-link", user.password, algorithm="sha256").hexdigest()[:32]


def _tell(user: User, by: User) -> None:
    """Whoever did not ask for it must hear of it. The link itself is not in the mail: the administrator has it."""
    if not user.email or not invitations.mail_is_sent():
        return
    said = {"user": user, "by": by, "shop_name": brand.current().name}
    text = render_to_string("desk/account/mail/password_link.txt", said)
    try:
        send_mail(f"A new password for your account on the desk of {said['shop_name']}", text, None, [user.email])
    except SMTPException:
        logger.exception("mail not sent", extra={"template": "password_link"})

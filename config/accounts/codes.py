"""Codes of an authenticator app (TOTP, RFC 6238), each good for one sign-in.

allauth remembers a used code for one step of 30 seconds, while a code is good for three (the phone's clock may be off
by one either way). So the last step that was used is kept beside the secret, and nothing up to it is taken again
(RFC 6238, 5.2). Time here is that of the phones, not the story's.
"""

from __future__ import annotations

import re
import time

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt
from django.db import transaction
from django.utils.crypto import constant_time_compare

_LAST = "last_step"


def step_of(secret: str, code: str, *, after: int = -1) -> int | None:
    """Which step of 30 seconds `code` belongs to, among those that count now and are later than `after`."""
    typed = re.sub(r"[\s-]", "", code)
    now = int(time.time()) // app_settings.TOTP_PERIOD
    found = None
    for step in range(now - app_settings.TOTP_TOLERANCE, now + app_settings.TOTP_TOLERANCE + 1):
        right = totp.format_hotp_value(totp.hotp_value(secret, step))
        if constant_time_compare(typed, right) and step > after:
            found = step
    return found


def use(authenticator: Authenticator, code: str) -> bool:
    """Whether `code` is right and was not used before; it is used now."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=authenticator.pk).first()
        if row is None:
            return False
        step = step_of(decrypt(row.data["secret"]), code, after=row.data.get(_LAST, -1))
        if step is None:
            return False
        note_used(row, step)
        return True


def note_used(authenticator: Authenticator, step: int) -> None:
    authenticator.data[_LAST] = step
    authenticator.save(update_fields=["data"])

"""A person's key across rooms: contacts and orders know each other only by it."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings


def normalise_email(address: str) -> str:
    return address.strip().lower()


def person_key(address: str) -> str:
    """A keyed hash of an e-mail address, 32 hex digits; the same person has the same key in every room.

    Keyed with the site's secret, so that a copy of the database alone does not give the addresses away.
    """
    if not (address := normalise_email(address)):
        return ""
    digest = hmac.new(settings.SECRET_KEY.encode(), b"person:" + address.encode(), hashlib.sha256)
    return digest.hexdigest()[:32]

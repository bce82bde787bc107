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


ERASED = "erased:"  # how the stand-in of an id begins


def stand_in(source: str, external_id: str) -> str:
    """What stands in place of a source's id of an erased person: known again when it comes again, and says nobody."""
    if external_id.startswith(ERASED):
        return external_id
    said = f"erased:{source}:{external_id}".encode()
    return ERASED + hmac.new(settings.SECRET_KEY.encode(), said, hashlib.sha256).hexdigest()[:32]

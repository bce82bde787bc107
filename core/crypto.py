"""Signed links: who may open what, until when."""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing

_LONG = 128  # bytes of JSON; what is shorter gets hardly smaller by compressing
_JSON = json.JSONEncoder(separators=(",", ":"))


class BadLink(Exception):
    """The link was altered or is not ours."""


class ExpiredLink(BadLink):
    """The link is ours but its time is over. `value` is what it said: enough to offer a new one, never to let in."""

    def __init__(self, purpose: str, value: Any) -> None:
        super().__init__(purpose)
        self.value = value


def sign(purpose: str, value: Any) -> str:
    """A URL-safe token for `value` (JSON), good for this `purpose` only."""
    salt = f"preempt.{purpose}"
    data = _JSON.encode(value).encode()
    if len(data) > _LONG:
        return signing.dumps(value, salt=salt, compress=True)
    # As signing.dumps(), whose tokens these are, with the key derived once: a mail has three of them.
    signed = f"{signing.b64_encode(data).decode()}:{_stamp(int(time.time()))}"
    digest = hmac.digest(_key(salt, settings.SECRET_KEY), signed.encode(), "sha256")
    return f"{signed}:{signing.b64_encode(digest).decode()}"


@functools.lru_cache(maxsize=2)
def _stamp(second: int) -> str:
    return signing.b62_encode(second)


@functools.lru_cache(maxsize=32)
def _key(salt: str, secret: str) -> bytes:
    return hashlib.sha256(f"{salt}signer{secret}".encode()).digest()


def unsign(purpose: str, token: str, *, max_age: timedelta) -> Any:
    """The value of a token made by sign(). Raises ExpiredLink or BadLink."""
    salt = f"preempt.{purpose}"
    try:
        return signing.loads(token, salt=salt, max_age=max_age)
    except signing.SignatureExpired as error:
        raise ExpiredLink(purpose, signing.loads(token, salt=salt)) from error
    except signing.BadSignature as error:
        raise BadLink(purpose) from error

"""Signed links: who may open what, until when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core import signing


class BadLink(Exception):
    """The link was altered or is not ours."""


class ExpiredLink(BadLink):
    """The link is ours but its time is over. `value` is what it said: enough to offer a new one, never to let in."""

    def __init__(self, purpose: str, value: Any) -> None:
        super().__init__(purpose)
        self.value = value


def sign(purpose: str, value: Any) -> str:
    """A URL-safe token for `value` (JSON), good for this `purpose` only."""
    return signing.dumps(value, salt=f"preempt.{purpose}", compress=True)


def unsign(purpose: str, token: str, *, max_age: timedelta) -> Any:
    """The value of a token made by sign(). Raises ExpiredLink or BadLink."""
    salt = f"preempt.{purpose}"
    try:
        return signing.loads(token, salt=salt, max_age=max_age)
    except signing.SignatureExpired as error:
        raise ExpiredLink(purpose, signing.loads(token, salt=salt)) from error
    except signing.BadSignature as error:
        raise BadLink(purpose) from error

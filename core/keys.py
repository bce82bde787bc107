"""API keys: made once, kept as a hash, good for their scopes until they are revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q

from core import audit, clock
from core.models import ApiKey, Scope

BEGIN = "pk_"
_BYTES = 32  # of chance: a plain hash of it cannot be guessed back
_SHOWN = 10  # characters of a key that stay visible
_USE_NOTED = timedelta(minutes=1)  # at most so often, so that a busy key is not a write a request


class NameTaken(Exception):
    """There is a key of this name that has not been revoked."""


def create(*, name: str, scopes: Collection[Scope], by: User | None) -> tuple[ApiKey, str]:
    """A new key and its text, which nobody can read again. Raises NameTaken; ValueError without a scope."""
    if not scopes:
        raise ValueError("a key without a scope opens nothing")
    text = f"{BEGIN}{secrets.token_urlsafe(_BYTES)}"
    try:
        with transaction.atomic():
            key = ApiKey.objects.create(
                name=name,
                prefix=text[:_SHOWN],
                digest=_digest(text),
                scopes=sorted(scopes),
                created_at=clock.now(),
                created_by=by,
            )
            audit.record(by, "api_key.made", key, scopes=key.scopes)
    except IntegrityError as error:
        raise NameTaken(name) from error
    return key, text


def revoke(key_id: int, *, by: User | None = None) -> bool:
    """Never again, from the next request on; False where it already was, or there is none."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=clock.now()):
            return False
        audit.record(by, "api_key.revoked", ApiKey.objects.get(pk=key_id))
    return True


def find(text: str) -> ApiKey | None:
    """The live key of this text, its use noted; None where there is none."""
    key = ApiKey.objects.filter(digest=_digest(text), revoked_at=None).first()
    if key is not None:
        now = clock.now()
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - _USE_NOTED)
        if key.last_used_at is None or key.last_used_at < now - _USE_NOTED:
            ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)
    return key


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()

"""ShipEngine's public keys: what a "secret" of that source is, and how the published keys get here.

A secret is either the https address where the keys are published (a JWKS, RFC 7517), or such a document itself in
base64, for a shop that pins its keys. No request ever fetches anything: `manage.py shipengine_keys` and a task four
times a day do, and keep what they got in the database, where all processes see it. A secret whose keys are not there
yet lets nobody in.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from notifications.models import PublishedKeys

logger = logging.getLogger("preempt.intake")

_LONGEST = 30.0  # seconds for a whole answer, however slowly it drips
LARGEST = 64 * 1024  # bytes of a document
_SMALLEST_KEY = 2048  # bits; NIST SP 800-131A
_LARGEST_KEY = 8192  # a larger one costs more time to verify than any provider asks for
_LONGEST_ID = 200


class UnusableKeys(Exception):
    """No keys to be had from an address. The text says from which and why."""


@dataclass(frozen=True)
class Fetched:
    """What fetch() got from one address."""

    address: str
    key_ids: tuple[str, ...]
    is_new: bool  # other keys than before


def is_address(secret: str) -> bool:
    """Whether a secret is where keys are published, rather than keys."""
    return secret.startswith(("https://", "http://"))


def find(secret: str, key_id: str) -> RSAPublicKey | None:
    """The public key of this id; None where the secret does not have it (yet)."""
    if is_address(secret):
        found = PublishedKeys.objects.filter(address=secret).values_list("document", flat=True).first()
        return keys_in(found or "").get(key_id)
    try:
        return keys_in(base64.b64decode(secret, validate=True).decode()).get(key_id)
    except (binascii.Error, ValueError):
        return None


@functools.lru_cache(maxsize=16)
def keys_in(document: str) -> dict[str, RSAPublicKey]:
    """The RSA keys that a JWKS has for signatures, by id. Others, and what is none, are left out."""
    try:
        entries = json.loads(document)["keys"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return {}
    keys = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and (key := _key(entry)) is not None:
            keys[entry["kid"]] = key
    return keys


def _key(entry: dict[str, object]) -> RSAPublicKey | None:
    key_id, modulus, exponent = entry.get("kid"), _number(entry.get("n")), _number(entry.get("e"))
    if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return None
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _LONGEST_ID:
        return None
    if not _SMALLEST_KEY <= modulus.bit_length() <= _LARGEST_KEY or exponent.bit_length() > 32:
        return None
    try:
        return RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        return None


def _number(text: object) -> int:
    """An unsigned number in base64url (RFC 7518, 6.3.1); 0 for anything else."""
    if not isinstance(text, str) or len(text) > 2 * _LARGEST_KEY:
        return 0
    try:
        return int.from_bytes(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True), "big")
    except (binascii.Error, ValueError):
        return 0


def fetch(secrets: Sequence[str], *, now: datetime) -> list[Fetched | UnusableKeys]:
    """Fetch the keys of every secret that is an address, and keep them. What failed stays as it was before."""
    done: list[Fetched | UnusableKeys] = []
    for address in filter(is_address, secrets):
        try:
            done.append(_fetch(address, now=now))
        except UnusableKeys as error:
            done.append(error)
    return done


def refresh(secrets: Sequence[str], *, now: datetime) -> None:
    """As fetch(), and failures go into the log."""
    for done in fetch(secrets, now=now):
        if isinstance(done, UnusableKeys):
            logger.warning("ShipEngine's keys stay as they are: %s", done)


def _fetch(address: str, *, now: datetime) -> Fetched:
    import httpx  # here: dear to import, and asked for once a day

    if not address.startswith("https://") and urlsplit(address).hostname not in ("127.0.0.1", "localhost"):
        raise UnusableKeys(f"{address}: keys are fetched by https only")
    try:
        timeout = httpx.Timeout(10, connect=5)
        with httpx.stream("GET", address, timeout=timeout, headers={"Accept": "application/json"}) as answer:
            if answer.status_code != httpx.codes.OK:
                raise UnusableKeys(f"{address}: answered {answer.status_code}")
            body = b""
            until = time.monotonic() + _LONGEST
            for piece in answer.iter_bytes():
                body += piece
                if time.monotonic() > until:
                    raise UnusableKeys(f"{address}: the answer takes longer than {_LONGEST:.0f} seconds")
                if len(body) > LARGEST:
                    raise UnusableKeys(f"{address}: the answer is larger than {LARGEST} bytes")
        document = body.decode()
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeDecodeError) as error:
        raise UnusableKeys(f"{address}: {type(error).__name__}: {error}") from error
    if not (keys := keys_in(document)):
        raise UnusableKeys(f"{address}: the answer has no RSA key for signatures")
    before = PublishedKeys.objects.filter(address=address).values_list("document", flat=True).first()
    PublishedKeys.objects.update_or_create(address=address, defaults={"document": document, "fetched_at": now})
    return Fetched(address, tuple(keys), is_new=_numbers(keys) != _numbers(keys_in(before or "")))


def _numbers(keys: Mapping[str, RSAPublicKey]) -> dict[str, RSAPublicNumbers]:
    return {key_id: key.public_numbers() for key_id, key in keys.items()}

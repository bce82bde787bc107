"""HMAC-SHA256 over raw bytes, compared in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence


def mac(secret: str | bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 of the parts, one after the other."""
    signer = hmac.new(secret.encode() if isinstance(secret, str) else secret, digestmod=hashlib.sha256)
    for part in parts:
        signer.update(part)
    return signer.digest()


def is_base64_of(signature: str, macs: Iterable[bytes]) -> bool:
    """Whether a header is the base64 text of one of these. All are compared, so that time tells nothing."""
    given = signature.strip().encode("utf-8", "replace")
    matches = [hmac.compare_digest(base64.b64encode(one), given) for one in macs]
    return bool(given) and any(matches)


def base64_hmac(signature: str, body: bytes, secrets: Sequence[str]) -> bool:
    """Whether the header is the base64 HMAC-SHA256 of the body by one of the secrets. False without any."""
    return is_base64_of(signature, [mac(secret, body) for secret in secrets if secret])

"""A DKIM key's record read (RFC 6376, 3.6.1; RFC 8463 for Ed25519). Pure."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from notifications.sender import tags

SHORTEST = 1024  # bits: receivers take no key that is shorter (RFC 8301)
GOOD = 2048
_ED25519_BYTES = 32


@dataclass(frozen=True)
class Key:
    """What a record says. `bits` is 0 where no key could be read."""

    kind: str = "rsa"
    bits: int = 0
    is_revoked: bool = False
    is_test: bool = False  # t=y: receivers are asked not to count it
    errors: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether receivers accept a signature by it."""
        return not self.errors and not self.is_revoked and (self.kind == "ed25519" or self.bits >= SHORTEST)


def looks_like_a_key(text: str) -> bool:
    return "p=" in text.replace(" ", "") or text.strip().lower().startswith("v=dkim")


def parse(text: str) -> Key:
    found, wrong = tags.read(text)
    kind = found.get("k", "rsa").lower()
    if "v" in found and (found["v"] != "DKIM1" or next(iter(found)) != "v"):
        wrong.append("it does not begin with v=DKIM1")
    if kind not in ("rsa", "ed25519"):
        wrong.append(f"k={kind[:40]} is no kind of key that receivers know")
    if "h" in found and "sha256" not in found["h"].lower().split(":"):
        wrong.append("h= leaves out sha256, which every signature uses")
    if "s" in found and not {"*", "email"} & {word.strip().lower() for word in found["s"].split(":")}:
        wrong.append("s= says that the key is not for mail")
    is_test = "y" in found.get("t", "").lower().split(":")
    if "p" not in found:
        return Key(kind, errors=(*wrong, "it has no key (p=)"))
    if not (value := "".join(found["p"].split())):
        return Key(kind, is_revoked=True, is_test=is_test, errors=tuple(wrong))
    bits, error = _bits(value, kind)
    return Key(kind, bits, False, is_test, (*wrong, *([error] if error else [])))


def _bits(value: str, kind: str) -> tuple[int, str]:
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return 0, "its key (p=) is not base64; it may have been cut when it was pasted"
    if kind == "ed25519":
        return (256, "") if len(raw) == _ED25519_BYTES else (0, "its key (p=) is not as long as an Ed25519 key")
    try:
        key = serialization.load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        return 0, "its key (p=) cannot be read; it may have been cut when it was pasted"
    return (key.key_size, "") if isinstance(key, rsa.RSAPublicKey) else (0, "its key (p=) is no RSA key")

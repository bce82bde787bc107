"""A DMARC record read, and whose domain is whose (RFC 7489 and the tree walk of its successor). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from notifications.sender import tags

POLICIES = ("none", "quarantine", "reject")
_DEEPEST = 8  # names asked for one domain


@dataclass(frozen=True)
class Dmarc:
    policy: str = ""
    subdomain_policy: str = ""
    is_strict_dkim: bool = False
    is_strict_spf: bool = False
    percent: int = 100
    reports_to: tuple[str, ...] = ()  # domains of rua
    psd: str = ""
    errors: tuple[str, ...] = ()


def records(texts: Sequence[str]) -> list[str]:
    """Those TXT records that are meant as DMARC."""
    return [text for text in texts if text.strip().lower().startswith("v=dmarc")]


def parse(text: str) -> Dmarc:
    found, wrong = tags.read(text)
    if found.get("v") != "DMARC1" or text.split("=")[0].strip() != "v":
        wrong.append("it does not begin with v=DMARC1")
    for name in ("p", "sp"):
        if name in found and found[name].lower() not in POLICIES:
            wrong.append(f"{name}={found[name][:40]} is none of none, quarantine, reject")
    if "p" not in found:
        wrong.append("it has no policy (p=)")
    for name in ("adkim", "aspf"):
        if name in found and found[name].lower() not in ("r", "s"):
            wrong.append(f"{name}={found[name][:40]} is neither r nor s")
    percent = found.get("pct", "100")
    if not (percent.isascii() and percent.isdecimal() and len(percent) < 4 and int(percent) <= 100):
        wrong.append(f"pct={percent[:40]} is no share from 0 to 100")
        percent = "100"
    addresses = [one.strip() for one in found.get("rua", "").split(",") if one.strip()]
    for address in addresses:
        if address.lower().startswith("mailto:") and "@" not in address:
            wrong.append(f"rua={address[:60]} is no address")
        elif ":" not in address:
            wrong.append(f"rua={address[:60]} lacks mailto:")
    return Dmarc(
        policy=found.get("p", "").lower(),
        subdomain_policy=found.get("sp", found.get("p", "")).lower(),
        is_strict_dkim=found.get("adkim", "r").lower() == "s",
        is_strict_spf=found.get("aspf", "r").lower() == "s",
        percent=int(percent),
        reports_to=tuple(filter(None, (_domain_of(one) for one in addresses))),
        psd=found.get("psd", "").lower(),
        errors=tuple(wrong),
    )


def walk(domain: str) -> list[str]:
    """The domains that are asked for a record, the nearest first: this one and those above it, but no top-level one."""
    labels = domain.split(".")
    above = [".".join(labels[place:]) for place in range(1, len(labels) - 1)]
    return [domain, *above[-(_DEEPEST - 1) :]]


def organisation(domain: str, found: Mapping[str, Dmarc]) -> str:
    """The organisational domain by the records that walk() found: the highest, where none says psd=. Else empty."""
    for name in walk(domain):
        if name in found and found[name].psd == "n":
            return name
        if name in found and found[name].psd == "y" and name != domain:
            below = domain.removesuffix(f".{name}").split(".")[-1]
            return f"{below}.{name}"
    return next((name for name in reversed(walk(domain)) if name in found), "")


def is_aligned(one: str, other: str, *, organisation: str, is_strict: bool) -> bool:
    """Whether two domains count as the same sender."""
    if is_strict or one == other:
        return one == other
    if organisation:
        return _is_under(one, organisation) and _is_under(other, organisation)
    return _is_under(one, other) or _is_under(other, one)


def _is_under(domain: str, above: str) -> bool:
    return domain == above or domain.endswith(f".{above}")


def _domain_of(address: str) -> str:
    scheme, _colon, rest = address.partition(":")
    return unquote(rest).partition("!")[0].rpartition("@")[2].strip().lower() if scheme.lower() == "mailto" else ""

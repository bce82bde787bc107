"""Whose mail is checked: the From address, who hands it over, and what of it cannot be seen in DNS."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings

from notifications.providers.smtp import server_of

SENDGRID_SELECTORS = ("s1", "s2")
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}")


@dataclass(frozen=True)
class Sender:
    """`return_path`: the domain that bounces go to, for which receivers ask SPF; `is_return_path_told` where the
    settings name it, or the way of sending leaves no other.
    """

    address: str
    domain: str
    providers: tuple[str, ...] = ("console",)
    smtp_host: str = ""
    return_path: str = ""
    is_return_path_told: bool = True
    dkim_domain: str = ""  # d= of the signature; empty: the From domain or one above it
    selectors: tuple[str, ...] = ()

    @property
    def has_sendgrid(self) -> bool:
        return "sendgrid" in self.providers


def sender_of_settings(address: str = "") -> Sender:
    """The sender of our mails, or one with another From address. Raises ValueError, saying what to write."""
    address = address or settings.MAIL_FROM
    domain = domain_of(address)
    providers = tuple(dict.fromkeys(filter(None, (settings.MAIL_PROVIDER, settings.MAIL_FAILOVER))))
    usual = SENDGRID_SELECTORS if "sendgrid" in providers else ()
    told = _named("MAIL_RETURN_PATH", settings.MAIL_RETURN_PATH)
    return Sender(
        address=address,
        domain=domain,
        providers=providers,
        smtp_host=server_of(settings.SMTP_URL).host if "smtp" in providers else "",
        return_path=told or domain,
        is_return_path_told=bool(told) or "sendgrid" not in providers,
        dkim_domain=_named("DKIM_DOMAIN", settings.DKIM_DOMAIN),
        selectors=tuple(dict.fromkeys([*settings.DKIM_SELECTORS, *usual])),
    )


def domain_of(address: str) -> str:
    """The domain of an address, as DNS writes it. Raises ValueError."""
    local, _at, domain = address.strip().rpartition("@")
    if not local or not domain or any(letter.isspace() for letter in local):
        raise ValueError(f"{address!r} is no e-mail address, like help@shop.example.com.")
    return _named("The address's domain", domain)


def _named(what: str, domain: str) -> str:
    try:
        plain = domain.strip().rstrip(".").lower().encode("idna").decode() if domain else ""
    except UnicodeError:
        plain = "?"
    if plain and not _DOMAIN.fullmatch(plain):
        raise ValueError(f"{what} {domain!r} is no domain, like shop.example.com.")
    return plain

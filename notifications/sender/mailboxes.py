"""Which mailbox provider an address belongs to, as a word that is kept without the address. Pure."""

from __future__ import annotations

from dataclasses import dataclass

REST = "rest"  # any other domain, which is never kept


@dataclass(frozen=True)
class Mailboxes:
    """`tells_complaints`: whether it reports to senders who pressed "spam"; Gmail and iCloud tell nobody."""

    name: str
    domains: tuple[str, ...]
    brands: tuple[str, ...] = ()  # with any ending: yahoo.fr, yahoo.co.uk
    tells_complaints: bool = True


GROUPS = {
    "gmail": Mailboxes("Gmail", ("gmail.com", "googlemail.com"), tells_complaints=False),
    "microsoft": Mailboxes("Outlook and Hotmail", ("passport.com", "msn.com"), ("outlook", "hotmail", "live")),
    "yahoo": Mailboxes("Yahoo and AOL", ("ymail.com", "rocketmail.com", "myyahoo.com"), ("yahoo", "aol")),
    "icloud": Mailboxes("iCloud", ("icloud.com", "me.com", "mac.com"), tells_complaints=False),
    "gmx": Mailboxes("GMX and WEB.DE", ("web.de",), ("gmx",)),
    "mailru": Mailboxes("Mail.ru", ("mail.ru", "bk.ru", "inbox.ru", "list.ru")),
    "proton": Mailboxes("Proton", ("proton.me", "protonmail.com", "protonmail.ch", "pm.me")),
    "telekom": Mailboxes("T-Online", ("t-online.de", "magenta.de")),
    "orange": Mailboxes("Orange", ("orange.fr", "wanadoo.fr")),
    "uol": Mailboxes("UOL and BOL", ("uol.com.br", "bol.com.br")),
    REST: Mailboxes("All other domains", ()),
}
_BY_DOMAIN = {domain: key for key, group in GROUPS.items() for domain in group.domains}
_BY_BRAND = {brand: key for key, group in GROUPS.items() for brand in group.brands}


def group_of(address: str) -> str:
    """A key of GROUPS; REST for every domain that is nobody's in particular. Empty without an address."""
    local, at, domain = address.strip().lower().rpartition("@")
    if not at or not local:
        return ""
    brand, _dot, ending = domain.partition(".")
    # yahoo.com, yahoo.fr, yahoo.co.uk, yahoo.com.br: but not yahoo.shop.example.com.
    is_brands = len(ending.replace(".", "")) <= 5 and ending.count(".") <= 1
    return _BY_DOMAIN.get(domain) or (_BY_BRAND.get(brand, REST) if is_brands else REST)

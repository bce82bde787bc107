"""An SPF record read into its terms (RFC 7208). Pure: it asks nobody."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ASKING = ("include", "a", "mx", "ptr", "exists")  # each costs a receiver a look-up; so does redirect
MOST_LOOKUPS = 10
MOST_VOID = 2  # look-ups that find nothing
_TERM = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:(?<=\w):([^/]*))?((?:/.*)?)", re.IGNORECASE)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")
_LENGTHS = re.compile(r"(?:/(\d{1,2}))?(?://(\d{1,3}))?")
_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


@dataclass(frozen=True)
class Term:
    """A mechanism, or the modifier redirect. `value` is empty where the record's own domain is meant."""

    kind: str
    qualifier: str = "+"
    value: str = ""
    length4: int = 32
    length6: int = 128

    @property
    def has_macro(self) -> bool:
        return "%" in self.value

    @property
    def network(self) -> Network | None:
        """Of ip4 and ip6."""
        return ipaddress.ip_network(self.value, strict=False) if self.kind in ("ip4", "ip6") else None


@dataclass(frozen=True)
class Spf:
    terms: tuple[Term, ...]
    errors: tuple[str, ...]

    @property
    def ending(self) -> str:
        """The qualifier of `all`: what becomes of mail from elsewhere. Empty where there is none."""
        return next((term.qualifier for term in self.terms if term.kind == "all"), "")

    @property
    def redirect(self) -> str:
        """Where to go on reading; it counts only without `all`."""
        found = next((term.value for term in self.terms if term.kind == "redirect"), "")
        return "" if self.ending else found


def records(texts: Sequence[str]) -> list[str]:
    """Those TXT records that are SPF."""
    return [text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


def almost(texts: Sequence[str]) -> list[str]:
    """Those that were meant to be, and that no receiver takes for it."""
    return [text for text in texts if "v=spf1" in text.lower().replace(" ", "") and text not in records([text])]


def parse(text: str) -> Spf:
    """A record that records() found."""
    terms: list[Term] = []
    errors: list[str] = []
    for word in text.split(" ")[1:]:
        if not word:
            continue
        term = _term(word)
        if isinstance(term, str):
            errors.append(term)
        elif term is not None:
            terms.append(term)
    if sum(term.kind == "redirect" for term in terms) > 1:
        errors.append("redirect= stands there twice")
    return Spf(tuple(terms), tuple(errors))


def with_term(text: str, added: Sequence[str]) -> str:
    """The record with more mechanisms, before its `all`."""
    words = text.split()
    at = next((place for place, word in enumerate(words) if word.lower().lstrip("+-~?") == "all"), len(words))
    ending = [] if at < len(words) or any(word.lower().startswith("redirect=") for word in words) else ["~all"]
    return " ".join([*words[:at], *added, *words[at:], *ending])


def with_ending(text: str) -> str:
    """The record with ~all as its end, whatever it ended in."""
    return " ".join([*(word for word in text.split() if word.lower().lstrip("+-~?") != "all"), "~all"])


def merged(texts: Sequence[str]) -> str:
    """One record in place of several."""
    words = [word for text in texts for word in text.split()[1:]]
    kept = [word for word in dict.fromkeys(words) if word.lower().lstrip("+-~?") != "all"]
    return " ".join(["v=spf1", *kept, "~all"])


def _term(word: str) -> Term | str | None:
    """A term, what is wrong with it, or None for a modifier that means nothing here."""
    if modifier := _MODIFIER.fullmatch(word):
        name, value = modifier[1].lower(), modifier[2]
        if name == "redirect" and not _is_name(value):
            return f"“{word[:80]}”: redirect= names no domain"
        return Term("redirect", value=value.rstrip(".").lower()) if name == "redirect" else None
    found = _TERM.fullmatch(word)
    if found is None:
        return f"“{word[:80]}” is no term of SPF"
    qualifier, kind, value, lengths = found[1] or "+", found[2].lower(), found[3], found[4]
    if kind in ("ip4", "ip6"):
        return _addresses(word, qualifier, kind, f"{value or ''}{lengths}")
    if kind == "all":
        return Term(kind, qualifier) if value is None and not lengths else f"“{word[:80]}”: all takes nothing behind it"
    if kind in ("include", "exists") and not value:
        return f"“{word[:80]}” names no domain"
    if value is not None and not _is_name(value):
        return f"“{word[:80]}” names no domain"
    sizes = _LENGTHS.fullmatch(lengths)
    if sizes is None or int(sizes[1] or 0) > 32 or int(sizes[2] or 0) > 128 or (lengths and kind not in ("a", "mx")):
        return f"“{word[:80]}” has no such length of network"
    return Term(kind, qualifier, (value or "").rstrip(".").lower(), int(sizes[1] or 32), int(sizes[2] or 128))


def _addresses(word: str, qualifier: str, kind: str, value: str) -> Term | str:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return f"“{word[:80]}” is no address or network"
    if network.version != int(kind[2]):
        return f"“{word[:80]}”: that address belongs behind ip{network.version}:"
    return Term(kind, qualifier, value)


def _is_name(value: str) -> bool:
    return "%" in value or bool(_NAME.fullmatch(value))

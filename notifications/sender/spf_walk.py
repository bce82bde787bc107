"""An SPF record followed through its includes, as a receiver does that counts its look-ups (RFC 7208, 4.6.4)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Protocol

from notifications.sender import spf
from notifications.sender.asking import Answer, Status
from notifications.sender.spf import Network, Spf, Term

_COUNTED = 30  # look-ups, after which nobody counts on


class Asks(Protocol):
    """What is asked of DNS here."""

    def texts(self, name: str) -> Answer: ...
    def mail_hosts(self, name: str) -> Answer: ...
    def addresses(self, name: str) -> Answer: ...


@dataclass
class Walk:
    """What following a record showed. Networks are those whose mail passes; macros are not followed."""

    lookups: int = 0
    voids: int = 0
    ending: str = ""  # the qualifier of `all`, by a redirect too
    errors: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    networks: list[Network] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)  # the includes and redirects, in their order
    has_macros: bool = False

    @property
    def is_cut(self) -> bool:
        return self.lookups > _COUNTED

    def allows(self, address: str) -> bool:
        """Whether mail from this address passes."""
        ip = ipaddress.ip_address(address)
        return any(ip.version == network.version and ip in network for network in self.networks)


def follow(domain: str, record: Spf, *, ask: Asks) -> Walk:
    walk = Walk(errors=list(record.errors))
    end_of_redirect = _visit(domain, record, walk, passes=True, path=(domain,), ask=ask)
    walk.ending = record.ending or end_of_redirect
    return walk


def _visit(domain: str, record: Spf, walk: Walk, *, passes: bool, path: tuple[str, ...], ask: Asks) -> str:
    """Count one record's terms. Returns the qualifier of the `all` that it ends in."""
    for term in record.terms:
        if walk.is_cut:
            return ""
        if term.kind in spf.ASKING:
            walk.lookups += 1
        if term.kind == "include":
            _include(term.value, walk, passes=passes and term.qualifier == "+", path=path, ask=ask)
        elif (network := term.network) is not None:
            if passes and term.qualifier == "+":
                walk.networks.append(network)
        elif term.kind in ("a", "mx"):
            _hosts(domain, term, walk, passes=passes, ask=ask)
        elif term.kind in ("exists", "ptr"):
            walk.has_macros = True  # whom it lets pass depends on the mail
    if record.redirect and not walk.is_cut:
        walk.lookups += 1
        return _include(record.redirect, walk, passes=passes, path=path, ask=ask)
    return record.ending


def _include(target: str, walk: Walk, *, passes: bool, path: tuple[str, ...], ask: Asks) -> str:
    if "%" in target:
        walk.has_macros = True
        return ""
    if target in path:
        walk.errors.append(f"it goes round in a circle: {' → '.join([*path[path.index(target) :], target])}")
        return ""
    walk.domains.append(target)
    answer = ask.texts(target)
    if answer.is_unasked:
        walk.unasked.append(answer.why)
        return ""
    if answer.status is Status.NONE:
        walk.voids += 1
    found = spf.records(answer.values)
    if len(found) != 1:
        walk.errors.append(f"{target}, which it includes, has {'no' if not found else 'more than one'} SPF record")
        return ""
    inner = spf.parse(found[0])
    walk.errors += [f"in {target}: {error}" for error in inner.errors]
    return _visit(target, inner, walk, passes=passes, path=(*path, target), ask=ask)


def _hosts(domain: str, term: Term, walk: Walk, *, passes: bool, ask: Asks) -> None:
    """The addresses of `a`, or of the hosts of `mx`."""
    if term.has_macro:
        walk.has_macros = True
        return
    name = term.value or domain
    hosts = [name]
    if term.kind == "mx":
        answer = ask.mail_hosts(name)
        _note(answer, walk)
        if len(answer.values) > spf.MOST_LOOKUPS:
            walk.errors.append(f"{name} has more than {spf.MOST_LOOKUPS} MX hosts, which mx does not allow")
        hosts = [host for host in answer.values[: spf.MOST_LOOKUPS] if host]
    for host in hosts:
        found = ask.addresses(host)
        if term.kind == "a":
            _note(found, walk)
        elif found.is_unasked:
            walk.unasked.append(found.why)
        if passes and term.qualifier == "+":
            walk.networks += [_network(address, term) for address in found.values]


def _note(answer: Answer, walk: Walk) -> None:
    if answer.is_unasked:
        walk.unasked.append(answer.why)
    elif answer.status is Status.NONE:
        walk.voids += 1


def _network(address: str, term: Term) -> Network:
    length = term.length4 if "." in address else term.length6
    return ipaddress.ip_network(f"{address}/{length}", strict=False)

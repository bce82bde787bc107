"""DNS asked, with every silence told from a "there is none"."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import dns.exception
import dns.name
import dns.nameserver
import dns.resolver
import dns.reversename

QUERY_SECONDS = 5.0  # for one question, over all name servers and tries
TRY_SECONDS = 2.0
BUDGET_SECONDS = 60.0  # for all questions together
MOST_QUESTIONS = 150


class Status(Enum):
    FOUND = "found"
    NONE = "none"  # DNS says that there is none
    UNASKED = "unasked"  # no answer, or SERVFAIL: nothing is known


@dataclass(frozen=True)
class Answer:
    """`via`: where CNAMEs led, if anywhere. `why`: of what is not found, in words."""

    status: Status
    values: tuple[str, ...] = ()
    via: str = ""
    why: str = ""

    @property
    def is_unasked(self) -> bool:
        return self.status is Status.UNASKED


class Asker:
    """Asks each question once. Gives up asking, never guessing, when its time or number of questions is used up."""

    def __init__(
        self,
        servers: Sequence[str] = (),
        *,
        seconds: float = QUERY_SECONDS,
        try_seconds: float = TRY_SECONDS,
        budget: float = BUDGET_SECONDS,
    ) -> None:
        """`servers`: `address` or `address:port` of name servers; this machine's own where there are none.

        Raises ValueError for one that is no address.
        """
        self._known: dict[tuple[str, str], Answer] = {}
        self._seconds, self._ends = seconds, time.monotonic() + budget
        self._resolver: dns.resolver.Resolver | None = None
        if servers:
            self._resolver = dns.resolver.Resolver(configure=False)
            self._resolver.nameservers = [_server(one) for one in servers]
        else:
            try:
                self._resolver = dns.resolver.Resolver()
            except dns.resolver.NoResolverConfiguration:
                return  # then nothing can be asked
        self._resolver.timeout = try_seconds
        self._resolver.search = []

    def texts(self, name: str) -> Answer:
        """TXT records, the strings of each put together."""
        return self._ask(name, "TXT", lambda record: b"".join(record.strings).decode("utf-8", "replace"))

    def mail_hosts(self, name: str) -> Answer:
        """The hosts of MX records, the preferred first; "" is the null MX of RFC 7505."""
        found = self._ask(name, "MX", lambda record: f"{record.preference:05d} {_plain(record.exchange)}")
        hosts = tuple(value.partition(" ")[2] for value in sorted(found.values))
        return Answer(found.status, hosts, found.via, found.why)

    def addresses(self, name: str) -> Answer:
        """IPv4 and IPv6 addresses. One kind is enough; where one is found, the other's silence does not count."""
        if _is_address(name):
            return Answer(Status.FOUND, (name,))
        four = self._ask(name, "A", lambda record: str(record.address))
        six = self._ask(name, "AAAA", lambda record: str(record.address))
        if values := four.values + six.values:
            return Answer(Status.FOUND, values, four.via or six.via)
        return four if four.is_unasked or not six.is_unasked else six

    def names_of(self, address: str) -> Answer:
        """The names in an address's reverse record."""
        return self._ask(str(dns.reversename.from_address(address)), "PTR", lambda record: _plain(record.target))

    def _ask(self, name: str, kind: str, read: Callable[..., str]) -> Answer:
        key = (name.lower().rstrip("."), kind)
        if key not in self._known:
            self._known[key] = self._asked(key[0], kind, read)
        return self._known[key]

    def _asked(self, name: str, kind: str, read: Callable[..., str]) -> Answer:
        if self._resolver is None:
            return Answer(Status.UNASKED, why="this machine names no DNS server: set DNS_SERVERS")
        left = self._ends - time.monotonic()
        if left <= 0 or len(self._known) >= MOST_QUESTIONS:
            return Answer(Status.UNASKED, why="the time for questions was used up")
        try:
            asked = dns.name.from_text(name)
            found = self._resolver.resolve(
                asked, kind, lifetime=min(left, self._seconds), raise_on_no_answer=False, search=False
            )
        except dns.resolver.NXDOMAIN as error:
            via = _led_to(error)
            return Answer(Status.NONE, via=via, why=f"{via or name} does not exist")
        except dns.resolver.YXDOMAIN:
            return Answer(Status.NONE, why=f"{name} is too long a name")
        except dns.resolver.NoNameservers:
            return Answer(Status.UNASKED, why=f"the name servers of {name} failed (SERVFAIL)")
        except (dns.exception.Timeout, OSError):
            return Answer(Status.UNASKED, why=f"no answer about {name} in time")
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape, UnicodeError):
            return Answer(Status.NONE, why=f"{name} is no domain name")
        except dns.exception.DNSException as error:
            return Answer(Status.UNASKED, why=f"DNS answered nonsense about {name} ({type(error).__name__})")
        via = "" if found.canonical_name == asked else _plain(found.canonical_name)
        if found.rrset is None:
            return Answer(Status.NONE, via=via, why=f"{via or name} has no {kind} record")
        return Answer(Status.FOUND, tuple(read(record) for record in found.rrset), via)


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


def _led_to(error: dns.resolver.NXDOMAIN) -> str:
    """Where the CNAMEs of a name that does not exist led."""
    try:
        [asked], canonical = error.kwargs["qnames"], error.canonical_name
    except (TypeError, ValueError, KeyError, dns.exception.DNSException):
        return ""
    return "" if canonical == asked else _plain(canonical)


def _server(text: str) -> dns.nameserver.Nameserver:
    host, colon, port = text.rpartition(":")
    if not colon or _is_address(text):
        host, port = text, "53"
    host = host.strip("[]")
    if not _is_address(host) or not port.isdecimal():
        raise ValueError(f"DNS_SERVERS: {text!r} is no address of a name server, like 192.0.2.53 or 192.0.2.53:5353.")
    return dns.nameserver.Do53Nameserver(host, int(port))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

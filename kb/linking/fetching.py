"""Whether an address on another site opens, asked without letting an editor's link reach into our own network.

The name of each host is resolved here, every address it has must be one that anybody on the internet may reach, and the
connection goes to that very address: a name that answers otherwise a moment later (DNS rebinding) gains nothing. This
holds for each redirect anew. Only http and https on their usual ports; nothing of a body is kept.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore

from kb.models import LinkTrouble

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_ALL_SECONDS = 25.0  # for one address with all its redirects
_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# A person's browser may well get in: the site keeps programs out, or wants a sign-in, or has had enough of us.
_GUARDED = {401, 402, 403, 405, 406, 407, 429, 451, 999}
_WORTH_A_GET = {LinkTrouble.ANSWERED, LinkTrouble.GUARDED, LinkTrouble.REFUSED, LinkTrouble.NO_ANSWER}
_REDIRECTING = {301, 302, 303, 307, 308}


def is_public(address: str) -> bool:
    """Whether anybody on the internet may reach this IP address, also where IPv6 carries an IPv4 address in it."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if ip.is_multicast or not ip.is_global:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.is_site_local:
            return False
        inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        return all(is_public(str(one)) for one in inner if one is not None)
    return True


@dataclass(frozen=True)
class Rule:
    """Where requests may go. `free` are hosts ("name:port") that are asked wherever they are: our own site."""

    is_allowed: Callable[[str], bool] = is_public
    ports: Collection[int] = (80, 443)
    free: Collection[str] = field(default_factory=tuple)

    def is_free(self, host: str, port: int) -> bool:
        return f"{host.lower()}:{port}" in self.free


@dataclass(frozen=True)
class Answer:
    """What came of one address. No `trouble`: it opens. `status` is that of the last answer, None where none came."""

    status: int | None = None
    trouble: str = ""


class NotAllowed(Exception):
    """The host is inside a network."""


class TooSlow(Exception):
    """The whole took too long, though each part came in time."""


def ask(url: str, *, rule: Rule, agent: str) -> Answer:
    """Follow an address: HEAD, and GET where that is not taken well. Never raises for what the other side does."""
    deadline = time.monotonic() + _ALL_SECONDS
    for _hop in range(_REDIRECTS + 1):
        answer = _ask_once(url, "HEAD", rule=rule, agent=agent, deadline=deadline)
        if isinstance(answer, Answer) and answer.trouble in _WORTH_A_GET:
            answer = _ask_once(url, "GET", rule=rule, agent=agent, deadline=deadline)
        if isinstance(answer, Answer):
            return answer
        url = answer
    return Answer(trouble=LinkTrouble.ROUNDABOUT)


def host_of(url: str) -> str:
    """The host, with its port, that a request for this address goes to; empty where it is no address."""
    try:
        parts = urlsplit(url)
        return f"{(parts.hostname or '').lower()}:{parts.port or _PORTS.get(parts.scheme, 0)}"
    except ValueError:
        return ""


def _ask_once(url: str, method: str, *, rule: Rule, agent: str, deadline: float) -> Answer | str:
    """The answer, or the address that it sends us to."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
        if parts.scheme not in _PORTS or not host or any(sign.isspace() for sign in host):
            return Answer(trouble=LinkTrouble.BAD_ADDRESS)
        if port not in rule.ports and not rule.is_free(host, port):
            return Answer(trouble=LinkTrouble.BAD_ADDRESS)
        name = host if ":" in host else host.encode("idna").decode()
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = httpcore.URL(
            scheme=parts.scheme.encode(), host=name.encode(), port=port, target=_quoted(target).encode()
        )
    except (ValueError, UnicodeError):
        return Answer(trouble=LinkTrouble.BAD_ADDRESS)
    is_usual = port == _PORTS[parts.scheme]
    shown = f"[{name}]" if ":" in name else name
    headers = [("Host", shown if is_usual else f"{shown}:{port}"), ("User-Agent", agent), ("Accept", "*/*")]
    if method == "GET":
        headers.append(("Range", "bytes=0-0"))  # most need not send what nobody reads
    timeout = {"connect": _CONNECT_SECONDS, "read": _READ_SECONDS, "write": _READ_SECONDS, "pool": _CONNECT_SECONDS}
    backend = _Guard(rule, deadline)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend, retries=0) as pool,
            pool.stream(method, request, headers=headers, extensions={"timeout": timeout}) as response,
        ):
            status: int = response.status
            location = next((value for key, value in response.headers if key.lower() == b"location"), b"")
    except NotAllowed:
        return Answer(trouble=LinkTrouble.INSIDE)
    except socket.gaierror:
        return Answer(trouble=LinkTrouble.NO_HOST)
    except httpcore.ConnectError as error:
        is_insecure = any(isinstance(cause, ssl.SSLError) for cause in _causes(error))
        return Answer(trouble=LinkTrouble.INSECURE if is_insecure else LinkTrouble.REFUSED)
    except (httpcore.TimeoutException, TooSlow):
        return Answer(trouble=LinkTrouble.NO_ANSWER)
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
        return Answer(trouble=LinkTrouble.REFUSED)
    if status in _REDIRECTING and location:
        try:
            return urljoin(url, location.decode("utf-8", "replace").strip())
        except ValueError:
            return Answer(status, LinkTrouble.BAD_ADDRESS)
    if status in _GUARDED:
        return Answer(status, LinkTrouble.GUARDED)
    is_good = status < 400 or status == 416  # of the one byte we asked for, none is there: the page is
    return Answer(status, "" if is_good else LinkTrouble.ANSWERED)


def _quoted(target: str) -> str:
    """As it goes over the wire: what is no ASCII, and spaces, as percent signs."""
    return "".join(sign if "!" <= sign <= "~" else "".join(f"%{byte:02X}" for byte in sign.encode()) for sign in target)


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@cache
def _tls() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


class _Guard(httpcore.NetworkBackend):
    """Connects to addresses that the rule allows, and to nothing that only has an allowed name."""

    def __init__(self, rule: Rule, deadline: float) -> None:
        self._rule = rule
        self._deadline = deadline
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if not self._rule.is_free(host, port) and not all(self._rule.is_allowed(address) for address in addresses):
            raise NotAllowed(host)
        for address in addresses[:-1]:
            try:
                return self._connected(address, port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the next one may be of the kind that this machine has a way to
        return self._connected(addresses[-1], port, timeout)

    def _connected(self, address: str, port: int, timeout: float | None) -> httpcore.NetworkStream:
        return _Timed(self._network.connect_tcp(address, port, timeout=timeout), self._deadline)

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        raise NotAllowed(path)

    def sleep(self, seconds: float) -> None:
        self._network.sleep(seconds)


class _Timed(httpcore.NetworkStream):
    """A connection on which everything together has a time: a site that drips its answer holds nobody up."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._within(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, self._within(timeout))
        return _Timed(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _within(self, timeout: float | None) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TooSlow
        return left if timeout is None else min(timeout, left)

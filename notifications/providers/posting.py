"""Posts over connections that stay open, and says of what failed whether the request can have arrived.

Thread-safe, made for many threads with one request each. With httpx most of what such a request cost was threads that
waited for each other (docs/decisions/0005-sendgrid-client.md).
"""

from __future__ import annotations

import base64
import collections
import select
import ssl
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

_IDLE_SECONDS = 5.0  # that an open connection is kept without a request
_MOST_IDLE = 36
_MOST_OF_A_BODY = 64 * 1024  # bytes of an answer's body that are read


class NotSent(Exception):
    """The request was provably not written to its end. The text says why."""


class NoAnswer(Exception):
    """The request was written, and no answer came: whether it arrived, nobody can tell. The text says why."""


class Times(NamedTuple):
    """Seconds: for a connection, and for its TLS; for writing the whole request; for each piece of the answer."""

    connect: float
    write: float
    read: float


@dataclass(frozen=True)
class Answer:
    """`is_early`: it came before the whole request was written."""

    status: int
    headers: Message
    body: bytes
    is_early: bool


class Poster:
    """Posts to one server. It follows no redirect and tries nothing again. HTTPS_PROXY and NO_PROXY count."""

    def __init__(self, base_url: str, *, headers: Mapping[str, str], times: Times) -> None:
        """Raises ValueError for an address with no host in it, or a port that is none."""
        at = urlsplit(base_url)
        self._server, self._headers, self._times = _address(at), dict(headers), times
        self._tls = _trusting() if at.scheme == "https" else None
        self._proxy = _proxy_for(at.scheme, self._server[0])
        self._before_path = at.path.rstrip("/")
        if self._proxy is not None and self._tls is None:
            self._before_path = f"http://{at.netloc}{self._before_path}"
        self._idle: collections.deque[tuple[float, HTTPConnection]] = collections.deque(maxlen=_MOST_IDLE)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop()[1].close()

    def post(self, path: str, body: bytes) -> Answer:
        """The answer, whatever it is. Raises NotSent or NoAnswer."""
        connection = self._connection()
        is_reusable = False
        try:
            is_early = self._write(connection, path, body)
            answer, is_reusable = self._read(connection, is_early=is_early)
        finally:
            if is_reusable:
                self._idle.append((time.monotonic(), connection))
            else:
                connection.close()
        return answer

    def _connection(self) -> HTTPConnection:
        while self._idle:
            try:
                since, connection = self._idle.pop()
            except IndexError:
                break  # another thread has it
            if time.monotonic() - since < _IDLE_SECONDS and not _is_readable(connection):
                return connection
            connection.close()
        connection = self._new()
        try:
            connection.connect()
        except (OSError, HTTPException) as error:
            connection.close()
            raise NotSent(_what(error)) from error
        return connection

    def _new(self) -> HTTPConnection:
        host, port = _address(self._proxy) if self._proxy else self._server
        if self._tls is None:
            return HTTPConnection(host, port, timeout=self._times.connect)
        connection = HTTPSConnection(host, port, timeout=self._times.connect, context=self._tls)
        if self._proxy is not None:
            connection.set_tunnel(*self._server, headers=_authorization(self._proxy))
        return connection

    def _write(self, connection: HTTPConnection, path: str, body: bytes) -> bool:
        """False where all was written; True where it broke, and the server may have said why before."""
        connection.sock.settimeout(self._times.write)
        try:
            connection.request("POST", self._before_path + path, body, self._headers)
        except TimeoutError as error:
            raise NotSent(_what(error)) from error
        except OSError:
            return True
        return False

    def _read(self, connection: HTTPConnection, *, is_early: bool) -> tuple[Answer, bool]:
        """The answer, and whether the connection is good for another request."""
        try:
            connection.sock.settimeout(self._times.read)
            response = connection.getresponse()
        except (OSError, HTTPException) as error:
            raise (NotSent if is_early else NoAnswer)(_what(error)) from error
        with response:
            answer = Answer(response.status, response.headers, _body(response), is_early)
            return answer, response.isclosed() and not response.will_close and not is_early


def _body(response: HTTPResponse) -> bytes:
    """As much as can be had: a connection that breaks here changes nothing any more."""
    try:
        return response.read(_MOST_OF_A_BODY)
    except IncompleteRead as broken:
        return broken.partial
    except (OSError, HTTPException):
        return b""


def _is_readable(connection: HTTPConnection) -> bool:
    """Of a connection that should be silent: the server has closed it."""
    look = select.poll()
    look.register(connection.sock, select.POLLIN)
    return bool(look.poll(0))


def _trusting() -> ssl.SSLContext:
    import httpx  # here: dear to import, and who has no https server to post to needs none of it

    return httpx.create_ssl_context()


def _address(at: SplitResult) -> tuple[str, int]:
    """Raises ValueError for no host, or a port that is none."""
    if not at.hostname:
        raise ValueError("it names no host")
    return at.hostname, at.port or (443 if at.scheme == "https" else 80)


def _proxy_for(scheme: str, host: str) -> SplitResult | None:
    known = urllib.request.getproxies()
    url = known.get(scheme) or known.get("all", "")
    if not url or urllib.request.proxy_bypass(host):
        return None
    proxy = urlsplit(url if "://" in url else f"http://{url}")
    if proxy.scheme != "http":
        raise ValueError(f"the proxy in the environment begins with {proxy.scheme}://, and only http:// is known here")
    return proxy


def _authorization(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    said = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(said.encode()).decode()}"}


def _what(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")[:200]

"""The fake SendGrid's server; what it is and how to order it about stands in sendgrid.py."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import secrets
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from core import clock
from tests.fakes import sendgrid_rules
from tests.fakes.sendgrid_events import Key, Manner, Reporter

DEFAULT_LARGEST = 30 * 1024 * 1024  # bytes of a request
_LONGEST_HEAD = 64 * 1024


@dataclass
class Answer:
    """One ordered misbehaviour; see sendgrid.py."""

    times: int = 1
    accept: bool = False
    then: str = "status"
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    reset_in: int | None = None

    def __post_init__(self) -> None:
        if self.then not in ("status", "hang", "reset", "reset_before_body"):
            raise ValueError(f"then={self.then!r} is not known")


@dataclass
class Orders:
    """What the fake was told to do wrong."""

    answers: deque[Answer] = field(default_factory=deque)
    refuse_addresses: frozenset[str] = frozenset()
    latency_ms: int = 0
    outcomes: dict[str, list[str]] = field(default_factory=dict)
    keep_content: bool = False

    def next_answer(self) -> Answer | None:
        if not self.answers:
            return None
        first = self.answers[0]
        first.times -= 1
        if first.times <= 0:
            self.answers.popleft()
        return first


Reply = tuple[int, dict[str, str], bytes]


class FakeSendGrid:
    """The server. One event loop, so that every count and every order is exact."""

    def __init__(
        self,
        *,
        log: Path,
        key: Key,
        events_to: str | None = None,
        api_key: str | None = None,
        largest: int = DEFAULT_LARGEST,
    ) -> None:
        """`api_key`: the only one that is let in; None lets any in."""
        self.reporter = Reporter(key=key, events_to=events_to)
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._api_key = api_key
        self._largest = largest
        self._orders = Orders()
        self._counts: Counter[str] = Counter()

    async def serve(self, *, port: int, on_ready: Callable[[int], None], stop: asyncio.Event) -> None:
        """Serve on loopback until `stop`; `on_ready` gets the port."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", port, limit=_LONGEST_HEAD)
        reports = asyncio.create_task(self.reporter.run())
        try:
            on_ready(server.sockets[0].getsockname()[1])
            await stop.wait()
        finally:
            server.close()
            reports.cancel()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            os.close(self._log)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._counts["connections"] += 1
        try:
            while await self._request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, or never spoke HTTP
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        is_mail = path == "/v3/mail/send"
        ordered = self._orders.next_answer() if is_mail and method == "POST" else None
        if ordered and ordered.then == "reset_before_body":
            self._counts["requests"] += 1
            return _reset(writer)
        body = await self._body(reader, headers)
        if not is_mail:
            status, extra, answer = self._control(method, path, body)
        else:
            self._counts["requests"] += 1
            if self._orders.latency_ms:
                await asyncio.sleep(self._orders.latency_ms / 1000)
            status, extra, answer = self._mail(method, headers, body, ordered)
            if ordered and ordered.then == "hang":
                await reader.read()  # until the client gives up
                return False
            if ordered and ordered.then == "reset":
                return _reset(writer)
        self._counts[f"answered_{status}"] += is_mail
        writer.write(_encode(status, extra, answer))
        await writer.drain()
        return headers.get("connection", "").lower() != "close"

    async def _body(self, reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes | None:
        """The body; None if it is too large: then it is read and dropped, so that the answer gets through."""
        size = int(headers.get("content-length") or 0)
        if size <= self._largest:
            return await reader.readexactly(size)
        while size > 0 and (part := await reader.read(min(size, 1 << 16))):
            size -= len(part)
        return None

    def _mail(self, method: str, headers: dict[str, str], body: bytes | None, ordered: Answer | None) -> Reply:
        if ordered and not ordered.accept:
            return _ordered_reply(ordered)
        if method != "POST":
            return _refusal(405, "method not allowed", None)
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key or (self._api_key and key != self._api_key):
            return _refusal(401, "The provided authorization grant is invalid, expired, or revoked", None)
        if body is None:
            return _refusal(413, "The payload is too large.", None)
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _refusal(415, "Content-Type should be application/json.", None)
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            return _refusal(400, "Bad Request: the body is not JSON", None)
        now = clock.now()
        if wrong := sendgrid_rules.errors(payload, now=now, refused=self._orders.refuse_addresses):
            return 400, {}, json.dumps({"errors": wrong}).encode()
        if payload.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            return 200, {}, b""
        x_message_id = secrets.token_urlsafe(16)
        self._accept(payload, x_message_id)
        return _ordered_reply(ordered) if ordered else (202, {"X-Message-Id": x_message_id}, b"")

    def _accept(self, payload: dict[str, Any], x_message_id: str) -> None:
        lines = []
        at = clock.now().isoformat()
        for place, person in enumerate(payload["personalizations"]):
            custom_args = {**payload.get("custom_args", {}), **person.get("custom_args", {})}
            addresses = [to["email"] for to in person["to"]]
            line = {
                "at": at,
                "wall": time.time(),
                "x_message_id": x_message_id,
                "to": addresses,
                "subject": person.get("subject") or payload.get("subject", ""),
                "custom_args": custom_args,
                "headers": {**payload.get("headers", {}), **person.get("headers", {})},
                "categories": payload.get("categories", []),
            }
            if self._orders.keep_content:
                line["content"] = {part["type"]: _substituted(part["value"], person) for part in payload["content"]}
            lines.append(json.dumps(line) + "\n")
            for address in addresses:
                self.reporter.add(
                    words=self._orders.outcomes.get(address.lower(), ["processed", "delivered"]),
                    address=address,
                    sg_message_id=f"{x_message_id}.fake-0001-{place}",
                    custom_args=custom_args,
                )
        os.write(self._log, "".join(lines).encode())
        self._counts["accepted"] += len(lines)

    def _control(self, method: str, path: str, body: bytes | None) -> Reply:
        if (method, path) == ("GET", "/_state"):
            counts = {"requests": 0, "accepted": 0, **self._counts}
            events = {"made": 0, "posted": 0, "failed_posts": 0, **self.reporter.counts}
            events["pending"] = self.reporter.pending
            state = {**counts, "events": events, "public_key": self.reporter.key.public}
            return 200, {}, json.dumps(state).encode()
        if (method, path) != ("POST", "/_control"):
            return _refusal(404, "not found", None)
        try:
            self._obey(json.loads(body or b"{}"))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return _refusal(400, f"an order that is not understood: {error!r}", None)
        return 200, {}, b"{}"

    def _obey(self, order: dict[str, Any]) -> None:
        if order.pop("reset", False):
            self._orders, self.reporter.manner = Orders(), Manner()
        if "events" in order:
            self.reporter.manner = Manner(**order.pop("events"))
        if "answers" in order:
            order["answers"] = deque(Answer(**answer) for answer in order["answers"])
        if "refuse_addresses" in order:
            order["refuse_addresses"] = frozenset(address.lower() for address in order["refuse_addresses"])
        self._orders = dataclasses.replace(self._orders, **order)


def _substituted(text: str, person: dict[str, Any]) -> str:
    for key, value in person.get("substitutions", {}).items():
        text = text.replace(key, value)
    return text


def _ordered_reply(ordered: Answer) -> Reply:
    headers = dict(ordered.headers)
    if ordered.reset_in is not None:
        headers["X-RateLimit-Reset"] = str(int(clock.now().timestamp()) + ordered.reset_in)
    if ordered.body:
        return ordered.status, headers, ordered.body.encode()
    status, extra, body = _refusal(ordered.status, f"ordered {ordered.status}", None)
    return status, {**extra, **headers}, body


def _refusal(status: int, message: str, name: str | None) -> Reply:
    return status, {}, json.dumps({"errors": [{"message": message, "field": name, "help": None}]}).encode()


def _encode(status: int, extra: dict[str, str], body: bytes) -> bytes:
    headers = {
        "Server": "fake-sendgrid",
        "Date": format_datetime(clock.now().replace(microsecond=0), usegmt=True),
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **extra,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode("latin-1") + body


def _reset(writer: asyncio.StreamWriter) -> bool:
    """Break the connection so that the client sees a reset and not an orderly end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False

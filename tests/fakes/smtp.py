"""A mail server on loopback that speaks enough SMTP to be handed mail, and fails to order.

    with smtp.running() as server: ... server.url, server.order("DATA-END", "451 later"), server.mails

An order is for the next time that a step is reached: CONNECT, EHLO, AUTH, MAIL, RCPT, DATA or DATA-END (after the last
line). It is an answer's line, or one of HANG (never answer), CLOSE (break off) and TAKE-AND-CLOSE (only after the last
line: keep the mail, then break off).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import email
import email.policy
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage

HANG, CLOSE, TAKE_AND_CLOSE = "HANG", "CLOSE", "TAKE-AND-CLOSE"


@dataclass
class Mail:
    sender: str
    recipient: str
    raw: bytes

    @property
    def parsed(self) -> EmailMessage:
        found = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found


@dataclass
class Server:
    """What one server was told and has seen; safe to read from the test's thread."""

    user: str = ""
    password: str = ""
    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    connections: int = 0
    orders: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))

    @property
    def url(self) -> str:
        who = f"{self.user}:{self.password}@" if self.user else ""
        return f"smtp://{who}127.0.0.1:{self.port}?plain"

    def order(self, step: str, answer: str, *, times: int = 1) -> None:
        self.orders[step].extend([answer] * times)


class _Broken(Exception):
    """The server breaks off, as ordered."""


class _Talk:
    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.sender = self.recipient = ""

    async def run(self) -> None:
        self.server.connections += 1
        try:
            await self._answer("CONNECT", "220 fake ready")
            while line := (await self.reader.readline()).decode().strip():
                await self._one(line)
        except (_Broken, ConnectionError, asyncio.IncompleteReadError):
            pass  # as ordered, or the client went away
        finally:
            self.writer.transport.abort()

    async def _one(self, line: str) -> None:
        verb = line.split(" ")[0].upper()
        match verb:
            case "EHLO":
                await self._answer("EHLO", "250-fake\r\n250 AUTH PLAIN" if self.server.user else "250 fake")
            case "AUTH":
                said = base64.b64decode(line.split(" ")[2]).decode().split("\0")
                is_right = said == ["", self.server.user, self.server.password]
                await self._answer("AUTH", "235 welcome" if is_right else "535 wrong user or password")
            case "MAIL":
                self.sender = line.split("<")[1].split(">")[0]
                await self._answer("MAIL", "250 ok")
            case "RCPT":
                self.recipient = line.split("<")[1].split(">")[0]
                await self._answer("RCPT", "250 ok")
            case "DATA":
                if await self._answer("DATA", "354 go on") == "354 go on":
                    await self._data()
            case "RSET" | "NOOP":
                await self._say("250 ok")
            case "QUIT":
                await self._say("221 bye")
                raise _Broken
            case _:
                await self._say("502 not here")

    async def _data(self) -> None:
        raw = await self.reader.readuntil(b"\r\n.\r\n")
        lines = raw[:-3].splitlines(keepends=True)
        mail = Mail(self.sender, self.recipient, b"".join(one[1:] if one.startswith(b".") else one for one in lines))
        ordered = self.server.orders["DATA-END"][0] if self.server.orders["DATA-END"] else "250 taken"
        if ordered.startswith("2") or ordered == TAKE_AND_CLOSE:
            self.server.mails.append(mail)
        await self._answer("DATA-END", "250 taken as 1234")

    async def _answer(self, step: str, usual: str) -> str:
        ordered = self.server.orders[step].popleft() if self.server.orders[step] else usual
        if ordered in (CLOSE, TAKE_AND_CLOSE):
            raise _Broken
        if ordered == HANG:
            await self.reader.read()
            raise _Broken
        await self._say(ordered)
        return ordered

    async def _say(self, text: str) -> None:
        self.writer.write(f"{text}\r\n".encode())
        await self.writer.drain()


@contextlib.contextmanager
def running(*, user: str = "", password: str = "") -> Iterator[Server]:
    """A server in a thread of this process, on a free port."""
    server = Server(user=user, password=password)
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        stop.append(asyncio.Event())

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _Talk(server, reader, writer).run()

        listening = await asyncio.start_server(talk, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stop[0].wait()
        listening.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close in the loop's next turn

    stop: list[asyncio.Event] = []
    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), name="fake-smtp", daemon=True)
    thread.start()
    assert ready.wait(10), "the mail server did not start"
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop[0].set)
        thread.join(10)
        loop.close()

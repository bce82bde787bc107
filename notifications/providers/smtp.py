"""Any mail server by SMTP: one mail out on a connection that is kept open between mails.

SMTP has no reports and no way to ask: what became of a mail is known until the server's answer to its last line, and
never after. So the care of this module is the moment at which that line is written: before it nothing was sent.
"""

from __future__ import annotations

import contextlib
import queue
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from notifications.providers.base import Accepted, Capabilities, DeliveryError, Fate, Mail

NAME = "smtp"
PORTS = {"smtp": 587, "smtps": 465}
CONNECT_SECONDS = 3.0
READ_SECONDS = 20.0
MOST_KEPT = 8  # connections
KEPT_FOR = 30.0  # seconds without a mail; servers close what is idle after a minute or so
_END = b".\r\n"
# Connect, greeting, EHLO, STARTTLS, EHLO, AUTH (two answers), MAIL, RCPT, DATA and the end: each may take its time.
_STEPS = 11
_AUTH_IS_WANTED = (530, 534, 535, 538)
_OF_ITS_SYSTEM = re.compile(r"4\.3\.\d")
Refuse = Callable[[int, str, Mail], NoReturn]


@dataclass(frozen=True)
class Server:
    """Where to hand mail to. `is_tls`: from the first byte; otherwise STARTTLS wherever the server offers it."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    is_tls: bool = False
    must_encrypt: bool = True


def server_of(url: str) -> Server:
    """`smtp://user:password@host:587` or `smtps://...`; `?plain` for a server that knows no encryption.

    Raises ValueError, saying what to write, without the password.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in PORTS or not parts.hostname or port == -1 or parts.query not in ("", "plain"):
        raise ValueError("SMTP_URL is not of the form smtp://user:password@mail.example.com:587 (or smtps://).")
    return Server(
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        is_tls=parts.scheme == "smtps",
        must_encrypt=parts.query != "plain",
    )


class Smtp:
    """The SMTP adapter. One per process and thread-safe."""

    name = NAME

    def __init__(self, server: Server, *, connect: float = CONNECT_SECONDS, read: float = READ_SECONDS) -> None:
        self.capabilities = Capabilities(timeout_seconds=connect + _STEPS * read)
        self._server, self._connect, self._read = server, connect, read
        self._kept: queue.LifoQueue[tuple[smtplib.SMTP, float]] = queue.LifoQueue(MOST_KEPT)

    def close(self) -> None:
        """Close the connections that are kept."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._kept.get_nowait()[0].close()

    def has(self, message_id: str, attempt: int) -> None:
        """SMTP cannot be asked."""
        return

    def deliver(self, mail: Mail) -> Accepted:
        """Hand over one mail. Raises DeliveryError."""
        body = _body(mail)
        with self._connection() as connection:
            self._say(connection, f"MAIL FROM:<{mail.from_address}>", mail, refuse=_refuse_sender)
            self._say(connection, f"RCPT TO:<{mail.to_address}>", mail, refuse=_refuse_recipient)
            self._say(connection, "DATA", mail, wanted=3)
            code, text = _finish(connection, body)
            if code // 100 != 2:
                _refuse(code, text, mail)
            return Accepted(provider_msg_id=text[:200])

    def _say(
        self, connection: smtplib.SMTP, line: str, mail: Mail, *, wanted: int = 2, refuse: Refuse | None = None
    ) -> None:
        try:
            code, answer = connection.docmd(line)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"the mail server broke off ({_what(error)})", fate=Fate.NOT_SENT) from error
        if code // 100 != wanted:
            (refuse or _refuse)(code, answer.decode("utf-8", "replace"), mail)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        """A connection that is ready for MAIL; it is kept unless the mail ends in doubt, or the server in trouble."""
        connection = self._idle() or self._open()
        try:
            yield connection
        except DeliveryError as error:
            if error.fate in (Fate.UNKNOWN, Fate.NOT_SENT, Fate.BUSY) or not _reset(connection):
                connection.close()
            else:
                self._keep(connection)
            raise
        self._keep(connection)

    def _idle(self) -> smtplib.SMTP | None:
        """One that is kept and still answers; a server may have closed it meanwhile."""
        with contextlib.suppress(queue.Empty):
            while True:
                connection, since = self._kept.get_nowait()
                if time.monotonic() - since < KEPT_FOR and _reset(connection):
                    return connection
                connection.close()
        return None

    def _keep(self, connection: smtplib.SMTP) -> None:
        try:
            self._kept.put_nowait((connection, time.monotonic()))
        except queue.Full:
            connection.close()

    def _open(self) -> smtplib.SMTP:
        server = self._server
        context = ssl.create_default_context()
        try:
            if server.is_tls:
                made: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=self._connect, context=context)
            else:
                made = smtplib.SMTP(server.host, server.port, timeout=self._connect)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"the mail server was not reached ({_what(error)})", fate=Fate.NOT_SENT) from error
        try:
            _socket(made).settimeout(self._read)
            made.ehlo_or_helo_if_needed()
            if not server.is_tls and made.has_extn("starttls"):
                made.starttls(context=context)
                made.ehlo()
            elif not server.is_tls and server.must_encrypt:
                raise DeliveryError(
                    "the mail server offers no encryption. Use its smtps:// port, or add ?plain to SMTP_URL.",
                    fate=Fate.CIRCUIT,
                )
            if server.user:
                made.login(server.user, server.password)
        except smtplib.SMTPAuthenticationError as error:
            made.close()
            fate = Fate.BUSY if error.smtp_code // 100 == 4 else Fate.CIRCUIT
            said = f"the mail server answered {error.smtp_code} to our user name and password: check SMTP_URL."
            raise DeliveryError(said, fate=fate) from None  # the cause may hold what was sent
        except smtplib.SMTPNotSupportedError as error:
            made.close()
            raise DeliveryError(f"the mail server takes no log-in: {_what(error)}", fate=Fate.CIRCUIT) from error
        except (OSError, smtplib.SMTPException) as error:
            made.close()
            raise DeliveryError(f"the mail server was not reached ({_what(error)})", fate=Fate.NOT_SENT) from error
        except DeliveryError:
            made.close()
            raise
        return made


def _finish(connection: smtplib.SMTP, body: bytes) -> tuple[int, str]:
    """Write the mail, then its last line, and read the answer. Only from the last line on can the server have it."""
    sock = _socket(connection)
    try:
        sock.sendall(body)
    except OSError as error:
        raise DeliveryError(f"the mail was cut short ({_what(error)})", fate=Fate.NOT_SENT) from error
    try:
        sock.sendall(_END)
        code, answer = connection.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryError(f"the mail server did not answer ({_what(error)})", fate=Fate.UNKNOWN) from error
    if code < 200 or code >= 600:
        raise DeliveryError(f"the mail server answered {code}, which is no SMTP", fate=Fate.UNKNOWN)
    return code, answer.decode("utf-8", "replace")


def _socket(connection: smtplib.SMTP) -> socket.socket:
    if connection.sock is None:
        raise DeliveryError("the mail server broke off", fate=Fate.NOT_SENT)
    return connection.sock


def _refuse_sender(code: int, answer: str, mail: Mail) -> NoReturn:
    """To MAIL: all our mails have this sender, so a no for good is no mail's own fault, and none may be given up."""
    if code // 100 == 5 and code not in (*_AUTH_IS_WANTED, 552):
        said = _said(code, answer, mail)
        raise DeliveryError(f"{said} It refuses the sender: check MAIL_FROM and SMTP_URL.", fate=Fate.CIRCUIT)
    _refuse(code, answer, mail)


def _refuse_recipient(code: int, answer: str, mail: Mail) -> NoReturn:
    """To RCPT: a "not now" is this recipient's (a full mailbox, a greylist) and no reason to spare the server.

    But for 421, with which it closes, and for what it says of its own system (RFC 3463: 4.3.x).
    """
    if code // 100 == 4 and code != 421 and not _OF_ITS_SYSTEM.match(answer):
        raise DeliveryError(_said(code, answer, mail), fate=Fate.LATER)
    _refuse(code, answer, mail)


def _said(code: int, answer: str, mail: Mail) -> str:
    text = " ".join(answer.replace(mail.to_address, "<address>").split())[:200]
    return f"the mail server answered {code}: {text}"


def _refuse(code: int, answer: str, mail: Mail) -> NoReturn:
    """Raise what an answer that is no yes means; whatever it is, the server does not have the mail."""
    said = _said(code, answer, mail)
    if code in _AUTH_IS_WANTED:
        raise DeliveryError(f"{said} Check the user and password in SMTP_URL.", fate=Fate.CIRCUIT)
    if code == 552 and "size" in answer.lower():
        raise DeliveryError(said, fate=Fate.TOO_LARGE)
    if code // 100 == 5:
        raise DeliveryError(said, fate=Fate.REJECTED)
    raise DeliveryError(said, fate=Fate.BUSY)


def _reset(connection: smtplib.SMTP) -> bool:
    try:
        return connection.docmd("RSET")[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def _body(mail: Mail) -> bytes:
    """The mail as SMTP writes it, without the last line."""
    made = EmailMessage(policy=SMTP)
    try:
        made["From"] = Address(mail.from_name, addr_spec=mail.from_address)
        made["To"] = Address(mail.to_name, addr_spec=mail.to_address)
        made["Subject"] = mail.subject
        for name, value in mail.headers.items():
            made[name] = value
        if mail.reply_to:
            made["Reply-To"] = Address(addr_spec=mail.reply_to)
        if "Message-ID" not in made:
            # The same for each attempt of a message: a mailbox that gets two can tell.
            made["Message-ID"] = f"<{mail.message_id}@{mail.from_address.rpartition('@')[2]}>"
    except (ValueError, IndexError) as error:
        raise DeliveryError(f"an address or header cannot be written: {_what(error)}", fate=Fate.REJECTED) from error
    made.set_content(mail.text)
    if mail.html:
        made.add_alternative(mail.html, subtype="html")
    written = made.as_bytes()
    if not written.endswith(b"\r\n"):
        written += b"\r\n"
    lines = written.splitlines(keepends=True)
    return b"".join(b"." + line if line.startswith(b".") else line for line in lines)


def _what(error: Exception) -> str:
    """An error in a few words, without what we sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return f"{type(error).__name__}: {error}".rstrip(": ")[:150] if isinstance(error, OSError) else type(error).__name__

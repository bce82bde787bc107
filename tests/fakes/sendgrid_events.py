"""The fake's event webhook: signs reports and posts them to the shop, in batches, until they are taken."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core import clock

_MOST_IN_A_BATCH = 500
_TICK = 0.02  # seconds between looks at what is due
_RETRY_FOR = 24 * 3600.0  # seconds, as SendGrid does
_LONGEST_PAUSE = 5.0  # seconds between tries; SendGrid's are longer, no test could wait for them
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # loopback goes through no proxy


@dataclass
class Manner:
    """How reports are to go wrong, by order."""

    delay_ms: int = 0  # late
    hold: bool = False  # not at all until it is lifted
    double_every: int = 0  # every n-th event goes out twice
    lose_every: int = 0  # every n-th event never goes out
    is_reversed: bool = False  # the newest first, across and within batches


class Key:
    """The fake's ECDSA key."""

    def __init__(self, path: Path | None) -> None:
        """Read the PEM at `path`; without a file make a key and keep it there."""
        if path and path.exists():
            loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
            assert isinstance(loaded, ec.EllipticCurvePrivateKey)
            self._private = loaded
            return
        self._private = ec.generate_private_key(ec.SECP256R1())
        if path:
            path.touch(mode=0o600)
            path.write_bytes(
                self._private.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )

    @property
    def public(self) -> str:
        """As SendGrid's settings page shows it: base64 of the DER."""
        der = self._private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def sign(self, timestamp: str, body: bytes) -> str:
        signed = self._private.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(signed).decode()


class Reporter:
    """Queues the events of accepted mails and posts those that are due."""

    def __init__(self, *, key: Key, events_to: str | None) -> None:
        self.key = key
        self.events_to = events_to
        self.manner = Manner()
        self.counts: Counter[str] = Counter()
        self._queue: list[tuple[float, dict[str, Any]]] = []  # (when it may go, monotonic; event)
        self._in_flight = 0

    @property
    def pending(self) -> int:
        """Events that are still to be taken by the shop."""
        return len(self._queue) + self._in_flight

    def add(self, *, words: list[str], address: str, sg_message_id: str, custom_args: dict[str, str]) -> None:
        """Queue one event for each of SendGrid's words."""
        if not self.events_to:
            return
        at = int(clock.now().timestamp())
        due = time.monotonic() + self.manner.delay_ms / 1000
        for place, word in enumerate(words):
            event = {
                **custom_args,
                "email": address,
                "timestamp": at + place,
                "event": word,
                "sg_event_id": secrets.token_urlsafe(16),
                "sg_message_id": sg_message_id,
                **_DETAILS.get(word, {}),
            }
            self.counts["made"] += 1
            if self._is_nth(self.manner.lose_every):
                self.counts["lost"] += 1
                continue
            self._queue.append((due, event))
            if self._is_nth(self.manner.double_every):
                self.counts["doubled"] += 1
                self._queue.append((due, event))

    def _is_nth(self, every: int) -> bool:
        return every > 0 and self.counts["made"] % every == 0

    async def run(self) -> None:
        """Post what is due, for ever."""
        while True:
            await asyncio.sleep(_TICK)
            while not self.manner.hold and (batch := self._take()):
                self._in_flight = len(batch)
                await self._post(batch)
                self._in_flight = 0

    def _take(self) -> list[dict[str, Any]]:
        now = time.monotonic()
        due = [entry for entry in self._queue if entry[0] <= now]
        if self.manner.is_reversed:
            due.reverse()
        taken = due[:_MOST_IN_A_BATCH]
        gone = {id(entry) for entry in taken}
        self._queue = [entry for entry in self._queue if id(entry) not in gone]
        return [event for _, event in taken]

    async def _post(self, batch: list[dict[str, Any]]) -> None:
        body = json.dumps(batch).encode()
        give_up_at = time.monotonic() + _RETRY_FOR
        pause = 0.1
        while time.monotonic() < give_up_at:
            if await asyncio.to_thread(self._post_once, body):
                self.counts["posted"] += len(batch)
                return
            self.counts["failed_posts"] += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        self.counts["given_up"] += len(batch)

    def _post_once(self, body: bytes) -> bool:
        assert self.events_to
        timestamp = str(int(clock.now().timestamp()))
        request = urllib.request.Request(
            self.events_to,
            data=body,
            headers={
                "Content-Type": "application/json",
                "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
                "X-Twilio-Email-Event-Webhook-Signature": self.key.sign(timestamp, body),
            },
        )
        try:
            with _open(request, timeout=10) as response:
                return 200 <= response.status < 300
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False


# What SendGrid says beside the word. "attempt" is its own count of tries and no argument of the sender's.
_DETAILS: dict[str, dict[str, Any]] = {
    "deferred": {"response": "450 try again later", "attempt": "5"},
    "delivered": {"response": "250 OK"},
    "bounce": {"reason": "550 5.1.1 unknown user", "status": "5.1.1", "type": "bounce"},
    "blocked": {"event": "bounce", "reason": "554 refused for now", "status": "5.7.1", "type": "blocked"},
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
    "open": {"useragent": "a phone", "ip": "192.0.2.1"},
    "click": {"url": "https://shop.example.com/", "useragent": "a phone", "ip": "192.0.2.1"},
}

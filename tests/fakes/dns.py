"""A DNS server on loopback, by UDP and TCP, that answers from a zone and fails to order.

    with dns.running(zone) as server: Asker([server.address]) ...

A zone is `{(name, kind): [record, …]}`, as in a zone file; a name with a CNAME is followed. A list may hold one word
in place of records: SERVFAIL, SILENT (no answer ever), or TRUNCATED before the records (UDP says "ask by TCP").
"""

from __future__ import annotations

import contextlib
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

SERVFAIL, SILENT, TRUNCATED = "SERVFAIL", "SILENT", "TRUNCATED"
Zone = dict[tuple[str, str], list[str]]


@dataclass
class Server:
    zone: Zone
    port: int = 0
    asked: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (name, kind, udp or tcp)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, wire: bytes, how: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind, how] += 1
        reply = dns.message.make_response(query, recursion_available=True)
        for _ in range(10):
            if (name, "CNAME") not in self.zone:
                break
            target = self.zone[name, "CNAME"]
            if target == [SERVFAIL]:
                break
            self._add(reply, name, "CNAME", target)
            name = target[0].rstrip(".")
        records = self.zone.get((name, kind), [])
        if records == [SILENT]:
            return None
        if records == [SERVFAIL]:
            reply.answer.clear()
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif records[:1] == [TRUNCATED] and how == "udp":
            reply.flags |= dns.flags.TC
        elif real := [one for one in records if one != TRUNCATED]:
            self._add(reply, name, kind, real)
        elif not any(known == name for known, _kind in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire(max_size=65535 if how == "tcp" else 16384)

    @staticmethod
    def _add(reply: dns.message.Message, name: str, kind: str, records: list[str]) -> None:
        reply.answer.append(dns.rrset.from_text(dns.name.from_text(name), 60, "IN", kind, *records))


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, sock = self.request
        if (reply := self.server.ours.answer(wire, "udp")) is not None:
            sock.sendto(reply, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        (size,) = struct.unpack("!H", self.rfile.read(2))
        if (reply := self.server.ours.answer(self.rfile.read(size), "tcp")) is not None:
            self.wfile.write(struct.pack("!H", len(reply)) + reply)


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def text(value: str, *, cut: int = 255) -> str:
    """A TXT record of this text, in strings of at most 255 bytes as DNS wants."""
    parts = [value[at : at + cut] for at in range(0, len(value), cut)] or [""]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)


@contextlib.contextmanager
def running(zone: Zone) -> Iterator[Server]:
    """A server in threads of this process, on one free port for both."""
    ours = Server(zone)
    for _ in range(20):  # until a port is free for both
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Udp)
        try:
            tcp = _TcpServer(udp.server_address, _Tcp)
            break
        except OSError:
            udp.server_close()
    udp.max_packet_size, udp.daemon_threads = 65535, True
    udp.ours = tcp.ours = ours
    ours.port = udp.server_address[1]
    threads = [threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True) for one in (udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield ours
    finally:
        for one in (udp, tcp):
            one.shutdown()
            one.server_close()
        for thread in threads:
            thread.join(5)

"""Zones of a shop that does everything right, by SendGrid and by a mail server of its own; tests spoil them."""

from __future__ import annotations

import base64
import functools
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifications.sender.asked import Sender
from tests.fakes.dns import Zone, text

DOMAIN = "shop.example.com"
SELECTOR = f"s1._domainkey.{DOMAIN}"
HEADERS = {
    "List-Unsubscribe": "<https://help.example.com/u/x/>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


@functools.cache
def key(bits: int) -> str:
    """p= of a new RSA key."""
    public = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def by_sendgrid(**changes: Any) -> Sender:
    words: dict[str, Any] = {
        "address": f"help@{DOMAIN}",
        "domain": DOMAIN,
        "providers": ("sendgrid",),
        "return_path": f"em1.{DOMAIN}",
        "selectors": ("s1", "s2"),
    }
    return Sender(**{**words, **changes})


def by_smtp(**changes: Any) -> Sender:
    words: dict[str, Any] = {
        "address": f"help@{DOMAIN}",
        "domain": DOMAIN,
        "providers": ("smtp",),
        "smtp_host": "mail.example.com",
        "return_path": DOMAIN,
        "selectors": ("k1",),
    }
    return Sender(**{**words, **changes})


def sendgrid_zone() -> Zone:
    """As SendGrid sets it up: keys and the return path are CNAMEs into its own zone."""
    return {
        (f"em1.{DOMAIN}", "CNAME"): ["u1.wl2.sendgrid.net."],
        ("u1.wl2.sendgrid.net", "TXT"): [text("v=spf1 ip4:192.0.2.0/24 -all")],
        (SELECTOR, "CNAME"): ["s1.domainkey.u1.wl2.sendgrid.net."],
        (f"s2._domainkey.{DOMAIN}", "CNAME"): ["s2.domainkey.u1.wl2.sendgrid.net."],
        ("s1.domainkey.u1.wl2.sendgrid.net", "TXT"): [text(f"k=rsa; t=s; p={key(2048)}")],
        ("s2.domainkey.u1.wl2.sendgrid.net", "TXT"): [text(f"k=rsa; t=s; p={key(2048)}")],
        ("_dmarc.example.com", "TXT"): [text("v=DMARC1; p=reject; rua=mailto:dmarc@example.com")],
        (DOMAIN, "MX"): ["10 mx.example.com."],
        ("mx.example.com", "A"): ["192.0.2.25"],
    }


def smtp_zone() -> Zone:
    return {
        (DOMAIN, "TXT"): [text("another=record"), text("v=spf1 mx include:_spf.example.com ~all")],
        ("_spf.example.com", "TXT"): [text("v=spf1 ip4:198.51.100.0/24 -all")],
        (DOMAIN, "MX"): ["10 mx.example.com."],
        ("mx.example.com", "A"): ["192.0.2.25"],
        ("mail.example.com", "A"): ["198.51.100.7"],
        ("7.100.51.198.in-addr.arpa", "PTR"): ["mail.example.com."],
        (f"k1._domainkey.{DOMAIN}", "TXT"): [text(f"v=DKIM1; k=rsa; p={key(2048)}")],
        ("_dmarc.shop.example.com", "TXT"): [text("v=DMARC1; p=quarantine; adkim=s; rua=mailto:d@shop.example.com")],
    }

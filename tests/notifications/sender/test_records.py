"""SPF, DKIM and DMARC records read, by their words alone."""

from __future__ import annotations

import base64

import pytest

from notifications.sender import dkim, dmarc, spf
from notifications.sender.findings import clean
from tests.notifications.sender.zones import key


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 -all",
        "V=SPF1 MX A:mail.example.com/24//64 ?all",
        "v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:_spf.example.com ~all",
        "v=spf1 exists:%{i}._spf.example.com redirect=_spf.example.com exp=why.example.com unknown=ok",
        "v=spf1  a/24  mx//64 ptr:example.com  -all",
    ],
)
def test_good_spf_records_have_no_errors(text: str) -> None:
    assert spf.records([text]) == [text]
    assert spf.parse(text).errors == ()


@pytest.mark.parametrize(
    ("term", "word"),
    [
        ("ip4:192.0.2.999", "no address"),
        ("ip4:2001:db8::1", "ip6:"),
        ("ip6:192.0.2.1", "ip4:"),
        ("ipv4:192.0.2.1", "no term"),
        ("include:", "names no domain"),
        ("include", "names no domain"),
        ("include:exa mple.com", "no term"),
        ("include:https://example.com", "names no domain"),
        ("a:mail.example.com/99", "length"),
        ("all:example.com", "takes nothing"),
        ("-al", "no term"),
        ("redirect=", "names no domain"),
        ("+", "no term"),
    ],
)
def test_a_bad_term_of_spf_is_named(term: str, word: str) -> None:
    errors = " ".join(spf.parse(f"v=spf1 {term} ~all").errors)
    assert term.split()[0] in errors or term.split()[-1] in errors
    assert word in errors


def test_what_was_meant_as_spf_and_is_none_is_found() -> None:
    texts = ["v=spf1include:x ~all", " v=spf1 ~all", "v = spf1 ~all", "v=spf10 ~all", "v=spf1 ~all", "other"]
    assert spf.records(texts) == ["v=spf1 ~all"]
    assert spf.almost(texts) == texts[:4]


def test_suggested_spf_records_are_good_ones() -> None:
    assert spf.with_term("v=spf1 mx -all", ["include:sendgrid.net"]) == "v=spf1 mx include:sendgrid.net -all"
    assert spf.with_term("v=spf1 mx", ["a"]) == "v=spf1 mx a ~all"
    assert spf.with_term("v=spf1 redirect=x.example", ["a"]) == "v=spf1 redirect=x.example a"
    assert spf.with_ending("v=spf1 mx +all") == "v=spf1 mx ~all"
    assert spf.merged(["v=spf1 mx a -all", "v=spf1 a include:x.example ?all"]) == "v=spf1 mx a include:x.example ~all"


def test_the_size_of_a_key_is_told() -> None:
    assert dkim.parse(f"v=DKIM1; k=rsa; p={key(2048)}") == dkim.Key("rsa", 2048)
    assert dkim.parse(f"p={key(1024)}").is_good
    short = dkim.Key("rsa", 768)
    assert not short.is_good
    ed25519 = base64.b64encode(bytes(32)).decode()
    assert dkim.parse(f"v=DKIM1; k=ed25519; p={ed25519}").is_good


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("v=DKIM2; p={}", "begin with"),
        ("k=rsa; v=DKIM1; p={}", "begin with"),
        ("v=DKIM1; k=rsa", "no key"),
        ("v=DKIM1; k=dsa; p={}", "kind of key"),
        ("v=DKIM1; h=sha1; p={}", "sha256"),
        ("v=DKIM1; s=chat; p={}", "not for mail"),
        ("v=DKIM1; p={}; p={}", "twice"),
        ("v=DKIM1 p={}", "begin with"),
        ("v=DKIM1; p=MIG*", "base64"),
        ("v=DKIM1; p=MIGfMA0G", "cut"),
        ("v=DKIM1; k=ed25519; p=MIGfMA0G", "Ed25519"),
        ("v=DKIM1; =x; p={}", "tag=value"),
    ],
)
def test_a_key_that_nobody_can_use_says_why(text: str, word: str) -> None:
    found = dkim.parse(text.replace("{}", key(1024)))
    assert not found.is_good
    assert word in " ".join(found.errors)


def test_a_key_taken_back_and_a_key_on_trial_are_told() -> None:
    assert dkim.parse("v=DKIM1; p=").is_revoked
    assert dkim.parse("v=DKIM1; p= ;").is_revoked
    assert dkim.parse(f"v=DKIM1; t=y:s; p={key(1024)}").is_test


def test_a_dmarc_record_is_read() -> None:
    found = dmarc.parse(
        "v=DMARC1; p=Reject; sp=none; adkim=s; aspf=r; pct=20; rua=mailto:a@x.example!10m,mailto:b@y.example;"
    )
    assert found == dmarc.Dmarc("reject", "none", True, False, 20, ("x.example", "y.example"))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("v=DMARC1", "no policy"),
        ("v=DMARC1; p=block", "p=block"),
        ("v=DMARC1; p=none; sp=all", "sp=all"),
        ("v=dmarc1; p=none", "begin"),
        ("v=DMARC2; p=none", "begin"),
        ("v=DMARC1; p=none; pct=120", "pct"),
        ("v=DMARC1; p=none; pct=½", "pct"),
        ("v=DMARC1; p=none; adkim=strict", "adkim"),
        ("v=DMARC1; p=none; rua=me@example.com", "mailto:"),
        ("v=DMARC1; p=none; rua=mailto:me", "no address"),
        ("v=DMARC1; p=none; p=reject", "twice"),
        ("v=DMARC1 p=none", "policy"),
    ],
)
def test_a_broken_dmarc_record_says_why(text: str, word: str) -> None:
    assert word in " ".join(dmarc.parse(text).errors)


def test_the_walk_up_asks_no_top_level_domain_and_is_bounded() -> None:
    assert dmarc.walk("shop.example.com") == ["shop.example.com", "example.com"]
    assert dmarc.walk("example.com") == ["example.com"]
    deep = dmarc.walk("a.b.c.d.e.f.g.h.i.example.com")
    assert (len(deep), deep[0], deep[-1]) == (8, "a.b.c.d.e.f.g.h.i.example.com", "example.com")


def test_whose_organisation_a_domain_is() -> None:
    plain, end, top = dmarc.parse("v=DMARC1; p=none"), dmarc.parse("v=DMARC1; p=none; psd=n"), dmarc.Dmarc(psd="y")
    assert dmarc.organisation("a.b.example.com", {"a.b.example.com": plain, "example.com": plain}) == "example.com"
    assert dmarc.organisation("a.b.example.com", {"b.example.com": end, "example.com": plain}) == "b.example.com"
    assert dmarc.organisation("a.shop.co.example", {"co.example": top}) == "shop.co.example"
    assert dmarc.organisation("a.example.com", {}) == ""


@pytest.mark.parametrize(
    ("other", "is_strict", "is_aligned"),
    [
        ("shop.example.com", True, True),
        ("example.com", True, False),
        ("example.com", False, True),
        ("mail.example.com", False, True),
        ("notexample.com", False, False),
        ("example.com.evil.example", False, False),
    ],
)
def test_alignment(other: str, is_strict: bool, is_aligned: bool) -> None:
    found = dmarc.is_aligned(other, "shop.example.com", organisation="example.com", is_strict=is_strict)
    assert found is is_aligned


def test_a_hostile_record_is_cut_and_has_no_control_characters() -> None:
    shown = clean("\x1b[2J<script>\u202e" + "x" * 10_000)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown) < 450
    assert shown.endswith("(10,013 characters)")

"""The sender check against a DNS server on loopback: good zones, and each fault alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifications.sender.asked import Sender
from notifications.sender.asking import Asker, Status
from notifications.sender.checking import check
from notifications.sender.findings import Finding, Level, Report, report_of
from tests.fakes import dns
from tests.fakes.dns import SERVFAIL, SILENT, TRUNCATED, Zone, text
from tests.notifications.sender.zones import (
    DOMAIN,
    HEADERS,
    SELECTOR,
    by_sendgrid,
    by_smtp,
    key,
    sendgrid_zone,
    smtp_zone,
)

Ask = Callable[[Sender, Zone], Report]
TXT = (DOMAIN, "TXT")
DMARC = (f"_dmarc.{DOMAIN}", "TXT")


@pytest.fixture
def server() -> Iterator[dns.Server]:
    with dns.running({}) as running:
        yield running


@pytest.fixture
def ask(server: dns.Server) -> Ask:
    def asked(sender: Sender, zone: Zone, **more: Any) -> Report:
        server.zone.update(zone)
        asker = Asker([server.address], seconds=1, try_seconds=0.1)
        return check(sender, asker, mails=[HEADERS], **more)

    return asked


def row(report: Report, key: str) -> Finding:
    [found] = [one for one in report.findings if one.key == key]
    return found


@pytest.mark.parametrize(("sender", "zone"), [(by_sendgrid(), sendgrid_zone()), (by_smtp(), smtp_zone())])
def test_a_good_sender_has_nothing_to_do(ask: Ask, sender: Sender, zone: Zone) -> None:
    steps: list[int] = []
    report = ask(sender, zone, tell=steps.append)
    assert [(one.key, one.found) for one in report.findings if one.level is not Level.FINE] == []
    assert report.verdict == "Mailbox providers can check that this mail is yours."
    assert (report.exit_code, steps) == (0, [1, 2, 3, 4, 5, 6])
    assert report_of(report.as_json()) == report


def test_a_key_behind_a_cname_is_followed_and_said(ask: Ask) -> None:
    found = row(ask(by_sendgrid(), sendgrid_zone()), "dkim_s1")
    assert found.found == "RSA, 2,048 bits by way of s1.domainkey.u1.wl2.sendgrid.net."


# What is changed in the good zone, the row that must see it, its level, and a word of what it says.
_SMTP: list[tuple[dict[tuple[str, str], list[str]], str, Level, str]] = [
    ({TXT: []}, "spf", Level.PROBLEM, "no SPF record"),
    ({TXT: [text("v=spf1 mx ~all"), text("v=spf1 a ~all")]}, "spf", Level.PROBLEM, "2 SPF records"),
    ({TXT: [text("v=spf1 mx +all")]}, "spf", Level.PROBLEM, "everybody may send"),
    ({TXT: [text("v=spf1 ip4:198.51.100.0/24")]}, "spf", Level.NOTE, "no all"),
    ({TXT: [text("v=spf1 ip4:198.51.100.0/24 ?all")]}, "spf", Level.NOTE, "?all"),
    ({TXT: [text("v=spf1 ipv4:198.51.100.7 ~all")]}, "spf", Level.PROBLEM, "no term of SPF"),
    ({TXT: [text("v=spf1include:x ~all")]}, "spf", Level.PROBLEM, "No receiver takes this for SPF"),
    ({TXT: [text("v=spf1 include:nowhere.example.com ~all")]}, "spf", Level.PROBLEM, "has no SPF record"),
    ({("_spf.example.com", "TXT"): [text("v=spf1 include:shop.example.com -all")]}, "spf", Level.PROBLEM, "circle"),
    ({("_spf.example.com", "TXT"): [SERVFAIL]}, "spf_lookups", Level.UNASKED, "SERVFAIL"),
    ({("_spf.example.com", "TXT"): [text("v=spf1 ip4:203.0.113.0/24 -all")]}, "spf_smtp", Level.NOTE, "198.51.100.7"),
    ({TXT: [text("v=spf1 a:x1.example.com a:x2.example.com a:x3.example.com ip4:198.51.100.7 ~all")]},
     "spf_lookups", Level.PROBLEM, "do not exist"),
    ({TXT: [SERVFAIL]}, "spf", Level.UNASKED, "SERVFAIL"),
    ({TXT: [SILENT]}, "spf", Level.UNASKED, "no answer"),
    ({DMARC: []}, "dmarc", Level.PROBLEM, "_dmarc.shop.example.com and _dmarc.example.com"),
    ({DMARC: [text("v=DMARC1; p=none"), text("v=DMARC1; p=reject")]}, "dmarc", Level.PROBLEM, "2 records"),
    ({DMARC: [text("v=DMARC1; p=maybe")]}, "dmarc", Level.PROBLEM, "p=maybe"),
    ({DMARC: [text("v=DMARC1; p=none; rua=mailto:d@shop.example.com")]}, "dmarc_policy", Level.NOTE, "none"),
    ({DMARC: [text("v=DMARC1; p=reject; pct=10; rua=mailto:d@shop.example.com")]}, "dmarc_policy", Level.NOTE, "10 %"),
    ({DMARC: [text("v=DMARC1; p=reject")]}, "dmarc_reports", Level.NOTE, "rua is missing"),
    ({DMARC: [text("v=DMARC1; p=reject; rua=mailto:x@reports.example")]}, "dmarc_reports", Level.NOTE, "not agreed"),
    ({DMARC: [SERVFAIL]}, "dmarc", Level.UNASKED, "SERVFAIL"),
    ({(f"k1._domainkey.{DOMAIN}", "TXT"): [text("v=DKIM1; p=")]}, "dkim_k1", Level.PROBLEM, "taken back"),
    ({(f"k1._domainkey.{DOMAIN}", "TXT"): [text(f"v=DKIM1; p={key(1024)}")]}, "dkim_k1", Level.NOTE, "1,024 bits"),
    ({(f"k1._domainkey.{DOMAIN}", "TXT"): [text(f"v=DKIM1; p={key(2048)[:200]}")]}, "dkim_k1", Level.PROBLEM, "cut"),
    ({(f"k1._domainkey.{DOMAIN}", "TXT"): []}, "dkim_k1", Level.PROBLEM, "does not exist"),
    ({(f"k1._domainkey.{DOMAIN}", "TXT"): [text("hello")]}, "dkim_k1", Level.PROBLEM, "no key"),
    ({(f"k1._domainkey.{DOMAIN}", "TXT"): [SILENT]}, "dkim_k1", Level.UNASKED, "no answer"),
    ({(DOMAIN, "MX"): ["0 ."], TXT: [text("v=spf1 ip4:198.51.100.7 -all")]}, "mx", Level.PROBLEM, "null MX"),
    ({(DOMAIN, "MX"): [], TXT: [text("v=spf1 ip4:198.51.100.7 -all")]}, "mx", Level.PROBLEM, "neither MX nor address"),
    ({(DOMAIN, "MX"): [], (DOMAIN, "A"): ["192.0.2.1"]}, "mx", Level.NOTE, "no MX record"),
    ({(DOMAIN, "MX"): ["10 gone.example.com."]}, "mx", Level.PROBLEM, "no address"),
    ({(DOMAIN, "MX"): [SERVFAIL]}, "mx", Level.UNASKED, "SERVFAIL"),
    ({("7.100.51.198.in-addr.arpa", "PTR"): []}, "reverse", Level.NOTE, "has no name"),
    ({("7.100.51.198.in-addr.arpa", "PTR"): ["host7.example.net."]}, "reverse", Level.NOTE, "does not lead back"),
    ({("7.100.51.198.in-addr.arpa", "PTR"): [SERVFAIL]}, "reverse", Level.UNASKED, "SERVFAIL"),
    ({("mail.example.com", "A"): []}, "spf_smtp", Level.PROBLEM, "has no address"),
]  # fmt: skip


def spoilt(zone: Zone, changes: Zone) -> Zone:
    """The zone with these records in place of its own; a name without records any more is gone."""
    return {place: records for place, records in {**zone, **changes}.items() if records}


@pytest.mark.parametrize(("changes", "seen", "level", "word"), _SMTP, ids=[f"{one[1]}: {one[3]}" for one in _SMTP])
def test_each_fault_is_seen_by_its_row(ask: Ask, changes: Zone, seen: str, level: Level, word: str) -> None:
    report = ask(by_smtp(), spoilt(smtp_zone(), changes))
    found = row(report, seen)
    assert (found.level, word in found.found) == (level, True), found
    assert (report.exit_code == 1) is any(one.level is Level.PROBLEM for one in report.findings)
    if level is Level.PROBLEM:
        assert found.wanted
        assert found.short in report.verdict


_SENDGRID: list[tuple[dict[tuple[str, str], list[str]], str, Level, str]] = [
    ({("s1.domainkey.u1.wl2.sendgrid.net", "TXT"): []}, "dkim_s1", Level.NOTE, "there is nothing"),
    ({(f"s2._domainkey.{DOMAIN}", "CNAME"): []}, "dkim_s2", Level.NOTE, "does not exist"),
    ({("s1.domainkey.u1.wl2.sendgrid.net", "TXT"): [SERVFAIL]}, "dkim_s1", Level.UNASKED, "SERVFAIL"),
    ({("u1.wl2.sendgrid.net", "TXT"): []}, "spf", Level.PROBLEM, "no SPF record"),
]


@pytest.mark.parametrize(("changes", "seen", "level", "word"), _SENDGRID, ids=[one[1] + one[3] for one in _SENDGRID])
def test_what_sendgrid_set_up_may_break(ask: Ask, changes: Zone, seen: str, level: Level, word: str) -> None:
    found = row(ask(by_sendgrid(), spoilt(sendgrid_zone(), changes)), seen)
    assert (found.level, word in found.found) == (level, True), found


def test_no_dmarc_record_is_said_first_with_the_record_to_publish(ask: Ask) -> None:
    report = ask(by_smtp(), spoilt(smtp_zone(), {DMARC: []}))
    assert report.verdict == "Gmail and Yahoo may refuse this mail: no DMARC record."
    found = row(report, "dmarc")
    assert found.name == "_dmarc.shop.example.com"
    assert found.record == 'TXT "v=DMARC1; p=none; rua=mailto:dmarc-reports@shop.example.com"'


def test_no_answer_is_never_taken_for_no_record(ask: Ask) -> None:
    """With every record failing nothing is called missing, and the exit code says that nothing is known."""
    zone = {place: [SERVFAIL] for place in smtp_zone()}
    zone |= {(name, kind): [SERVFAIL] for name in ("example.com", DOMAIN) for kind in ("A", "AAAA", "TXT", "MX")}
    zone |= {("_dmarc.example.com", "TXT"): [SERVFAIL], ("mail.example.com", "AAAA"): [SERVFAIL]}
    report = ask(by_smtp(), zone)
    assert {one.key for one in report.of(Level.UNASKED)} == {"alignment", "dkim_k1", "spf", "dmarc", "mx", "reverse"}
    assert report.of(Level.PROBLEM) == []
    assert report.exit_code == 2
    assert report.verdict.startswith("It cannot be said at present")


@pytest.mark.parametrize(("count", "level"), [(10, Level.FINE), (11, Level.PROBLEM)])
def test_look_ups_are_counted_through_includes(ask: Ask, count: int, level: Level) -> None:
    zone = smtp_zone()
    chain = [f"spf{number}.example.com" for number in range(count)]
    zone[TXT] = [text(f"v=spf1 ip4:198.51.100.7 include:{chain[0]} ~all")]
    for one, following in itertools.pairwise(chain):
        zone[one, "TXT"] = [text(f"v=spf1 include:{following} -all")]
    zone[chain[-1], "TXT"] = [text("v=spf1 ip4:192.0.2.1 -all")]
    found = row(ask(by_smtp(), zone), "spf_lookups")
    assert (found.level, found.found.startswith(str(count))) == (level, True), found


def test_a_record_that_branches_without_end_is_not_followed_without_end(ask: Ask, server: dns.Server) -> None:
    zone = smtp_zone()
    zone[TXT] = [text("v=spf1 include:a0.example.com include:b0.example.com ~all")]
    for level in range(9):
        for name in ("a", "b"):
            inner = f"v=spf1 include:a{level + 1}.example.com include:b{level + 1}.example.com -all"
            zone[f"{name}{level}.example.com", "TXT"] = [text(inner)]
    zone |= {(f"{name}9.example.com", "TXT"): [text("v=spf1 ip4:192.0.2.1 -all")] for name in ("a", "b")}
    report = ask(by_smtp(), zone)
    found = row(report, "spf_lookups")
    assert found.level is Level.PROBLEM
    assert "more than 30" in found.found
    assert row(report, "spf").level is Level.FINE  # its end is there, whatever else was not read
    assert server.asked.total() < 80


def test_a_redirect_counts_and_its_end_is_the_records_end(ask: Ask) -> None:
    zone = smtp_zone()
    zone[TXT] = [text("v=spf1 redirect=_spf.example.com")]
    report = ask(by_smtp(), zone)
    assert [row(report, one).level for one in ("spf", "spf_lookups", "spf_smtp")] == [Level.FINE] * 3
    zone["_spf.example.com", "TXT"] = [text("v=spf1 ip4:198.51.100.7 +all")]
    assert row(ask(by_smtp(), zone), "spf").level is Level.PROBLEM


def test_a_truncated_answer_is_asked_again_by_tcp(ask: Ask, server: dns.Server) -> None:
    zone = sendgrid_zone()
    place = ("s1.domainkey.u1.wl2.sendgrid.net", "TXT")
    zone[place] = [TRUNCATED, *zone[place]]
    assert row(ask(by_sendgrid(), zone), "dkim_s1").level is Level.FINE
    assert server.asked[SELECTOR, "TXT", "tcp"] == 1


def test_the_strings_of_a_record_are_put_together_without_spaces(ask: Ask) -> None:
    zone = smtp_zone()
    zone[f"k1._domainkey.{DOMAIN}", "TXT"] = [text(f"v=DKIM1; p={key(2048)}", cut=50)]
    zone[TXT] = [text("v=spf1 ip4:198.51.100.7 ~all", cut=9)]
    report = ask(by_smtp(), zone)
    assert [row(report, one).level for one in ("dkim_k1", "spf")] == [Level.FINE] * 2


@pytest.mark.parametrize(
    ("policy", "dkim_domain", "level"),
    [
        ("adkim=r; aspf=r", "", Level.FINE),
        ("adkim=s; aspf=r", "", Level.FINE),
        ("adkim=r; aspf=s", "", Level.NOTE),
        ("adkim=s; aspf=s", "example.com", Level.PROBLEM),
        ("adkim=r; aspf=s", "example.com", Level.NOTE),
        ("adkim=r; aspf=s", "sender.example", Level.PROBLEM),
    ],
)
def test_alignment_is_by_dkim_or_by_the_return_path(ask: Ask, policy: str, dkim_domain: str, level: Level) -> None:
    """The return path em1.shop.example.com is another domain than From for `s`, and the same for `r`."""
    zone = sendgrid_zone()
    zone["_dmarc.example.com", "TXT"] = [text(f"v=DMARC1; p=reject; {policy}; rua=mailto:d@example.com")]
    if dkim_domain:
        for selector in ("s1", "s2"):
            zone[f"{selector}._domainkey.{dkim_domain}", "CNAME"] = [f"{selector}.domainkey.u1.wl2.sendgrid.net."]
    found = row(ask(by_sendgrid(dkim_domain=dkim_domain), zone), "alignment")
    assert found.level is level, found


def test_a_key_of_the_organisations_domain_is_found(ask: Ask) -> None:
    zone = sendgrid_zone()
    for selector in ("s1", "s2"):
        zone[f"{selector}._domainkey.example.com", "CNAME"] = zone.pop((f"{selector}._domainkey.{DOMAIN}", "CNAME"))
    found = row(ask(by_sendgrid(), zone), "alignment")
    assert (found.level, "DKIM (example.com)" in found.found) == (Level.FINE, True)


def test_without_a_selector_a_key_is_not_called_missing(ask: Ask) -> None:
    report = ask(by_smtp(selectors=()), smtp_zone())
    assert row(report, "dkim").level is Level.NOTE
    assert row(report, "alignment").level is Level.FINE
    assert report.exit_code == 0


def test_sendgrids_own_return_path_is_not_called_a_fault(ask: Ask) -> None:
    report = ask(by_sendgrid(return_path=DOMAIN, is_return_path_told=False), sendgrid_zone())
    assert (row(report, "spf").level, row(report, "alignment").level) == (Level.NOTE, Level.NOTE)
    assert "MAIL_RETURN_PATH" in row(report, "spf").wanted
    assert report.exit_code == 0


def test_reports_to_somebody_who_agreed_are_fine(ask: Ask) -> None:
    zone = smtp_zone()
    zone[DMARC] = [text("v=DMARC1; p=reject; rua=mailto:x@reports.example")]
    zone[f"{DOMAIN}._report._dmarc.reports.example", "TXT"] = [text("v=DMARC1")]
    assert row(ask(by_smtp(), zone), "dmarc_reports").level is Level.FINE


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({}, "no List-Unsubscribe"),
        ({"List-Unsubscribe": HEADERS["List-Unsubscribe"]}, "no List-Unsubscribe-Post"),
        ({**HEADERS, "List-Unsubscribe": "<http://help.example.com/u/x/>"}, "without https"),
    ],
)
def test_our_own_headers_are_looked_at(server: dns.Server, headers: dict[str, str], word: str) -> None:
    server.zone.update(sendgrid_zone())
    found = row(check(by_sendgrid(), Asker([server.address]), mails=[HEADERS, headers]), "unsubscribe")
    assert (found.level, word in found.found) == (Level.PROBLEM, True)
    assert "Of 2 mails" in found.found


def test_hostile_records_are_shown_cut_and_without_control_characters(ask: Ask) -> None:
    zone = smtp_zone()
    zone[TXT] = [text("v=spf1 include:" + "<b>" * 3_400 + " \x1b[31m ~all")]
    zone[DMARC] = [text("v=DMARC1; p=<script>alert(1)</script>\x07" + "x" * 10_000)]
    report = ask(by_smtp(), zone)
    shown = report.as_json()
    assert row(report, "spf").level is row(report, "dmarc").level is Level.PROBLEM
    assert all(len(one["found"]) < 1_500 and one["found"].isprintable() for one in shown["findings"])


def test_time_and_questions_run_out_as_not_asked(server: dns.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.zone.update(smtp_zone())
    assert Asker([server.address], budget=0).texts(DOMAIN).status is Status.UNASKED
    monkeypatch.setattr("notifications.sender.asking.MOST_QUESTIONS", 1)
    ask = Asker([server.address])
    assert [ask.texts(DOMAIN).status, ask.texts(DOMAIN).status] == [Status.FOUND] * 2  # asked once
    assert ask.texts("_spf.example.com").status is Status.UNASKED


@pytest.mark.parametrize(
    "name", ["x" * 64 + ".example.com", "a..example.com", ".".join(["x" * 60] * 5), "%{i}.example"]
)
def test_a_name_that_is_none_is_nowhere(server: dns.Server, name: str) -> None:
    assert Asker([server.address]).texts(name).status is Status.NONE


@pytest.mark.parametrize("server", ["dns.example.com", "127.0.0.1:port", "127.0.0.1:"])
def test_a_wrong_name_server_is_refused(server: str) -> None:
    with pytest.raises(ValueError, match="DNS_SERVERS"):
        Asker([server])

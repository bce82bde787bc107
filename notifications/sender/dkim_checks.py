"""The rows about DKIM: the keys by which receivers check our provider's signature."""

from __future__ import annotations

from dataclasses import dataclass

from notifications.sender import dkim
from notifications.sender.asked import SENDGRID_SELECTORS, Sender
from notifications.sender.asking import Answer, Asker, Status
from notifications.sender.findings import Finding, Level, clean


@dataclass(frozen=True)
class Dkim:
    """The rows, the domain whose key is good (empty where none is), and whether silence hides one."""

    rows: list[Finding]
    good: str = ""
    is_unasked: bool = False


def check(sender: Sender, ask: Asker, *, domains: list[str]) -> Dkim:
    """Each selector's key at the first of `domains` that has one."""
    if not sender.selectors:
        said = "Which key the mail server signs with cannot be seen in DNS: only its operator knows the selector."
        wanted = (
            "Set DKIM_SELECTORS to it (and DKIM_DOMAIN, where the signature names another domain), and check again."
        )
        return Dkim([Finding("dkim", "DKIM", Level.NOTE, said, wanted)])
    place = {selector: _where(selector, domains, ask) for selector in sender.selectors}
    found = [domain for domain, answer in place.values() if answer.status is Status.FOUND]
    rows, good = [], ""
    for selector, (domain, answer) in place.items():
        row, is_good = _row(selector, domain, answer, sender, has_other=bool(found))
        rows.append(row)
        good = good or (domain if is_good else "")
    return Dkim(rows, good, any(answer.is_unasked for _domain, answer in place.values()))


def _where(selector: str, domains: list[str], ask: Asker) -> tuple[str, Answer]:
    answers = [(domain, ask.texts(f"{selector}._domainkey.{domain}")) for domain in domains]
    told = [one for one in answers if one[1].status is Status.FOUND or one[1].via]
    unasked = [one for one in answers if one[1].is_unasked]
    return (told or unasked or answers)[0]


def _row(selector: str, domain: str, answer: Answer, sender: Sender, *, has_other: bool) -> tuple[Finding, bool]:
    key, title, name = f"dkim_{selector}", f"DKIM key {selector}", f"{selector}._domainkey.{domain}"
    if answer.is_unasked:
        return Finding(key, title, Level.UNASKED, f"Could not be asked: {answer.why}."), False
    if answer.status is Status.NONE:
        return _missing(key, title, name, selector, answer, sender, has_other=has_other), False
    texts = [text for text in answer.values if dkim.looks_like_a_key(text)]
    via = f" by way of {clean(answer.via)}" if answer.via else ""
    if len(texts) != 1:
        said = (
            f"{name} has {'several keys' if texts else 'no key in its TXT record'}: {clean(' | '.join(answer.values))}"
        )
        return Finding(key, title, Level.PROBLEM, said, "One key.", short=f"no DKIM key at {selector}"), False
    found = dkim.parse(texts[0])
    return _of_key(found, key, title, name, via, texts[0]), found.is_good


def _missing(
    key: str, title: str, name: str, selector: str, answer: Answer, sender: Sender, *, has_other: bool
) -> Finding:
    said = f"{name} does not exist."
    if answer.via:
        said = f"{name} points to {clean(answer.via)}, and there is nothing."
    is_sendgrids = sender.has_sendgrid and selector in SENDGRID_SELECTORS
    record = f"CNAME {selector}.domainkey.u<your number>.wl<your number>.sendgrid.net" if is_sendgrids else ""
    wanted = "The key that the operator of the mail server gives you."
    if is_sendgrids:
        wanted = "The record that SendGrid shows under Settings, Sender Authentication."
    level = Level.NOTE if has_other else Level.PROBLEM
    if has_other:
        wanted += " Another key is there; this one is used when they take turns."
    return Finding(key, title, level, said, wanted, name if record else "", record, f"no DKIM key at {selector}")


def _of_key(found: dkim.Key, key: str, title: str, name: str, via: str, text: str) -> Finding:
    if found.errors:
        said = f"{clean(text)}. {clean('; '.join(found.errors))}."
        return Finding(key, title, Level.PROBLEM, said, f"The record of {name} as your provider shows it, whole.",
                       short=f"the DKIM key {title.rpartition(' ')[2]} cannot be used")  # fmt: skip
    if found.is_revoked:
        said = f"{name}{via} has an empty p=: the key was taken back."
        return Finding(key, title, Level.PROBLEM, said, "A key that is in force.",
                       short=f"the DKIM key {title.rpartition(' ')[2]} was revoked")  # fmt: skip
    size = "Ed25519" if found.kind == "ed25519" else f"RSA, {found.bits:,} bits"
    if not found.is_good:
        wanted = f"{dkim.GOOD:,} bits; receivers take none under {dkim.SHORTEST:,}."
        return Finding(key, title, Level.PROBLEM, f"{size}{via}.", wanted, short=f"a DKIM key of {found.bits} bits")
    if found.is_test:
        said = f"{size}{via}. It is marked as a test (t=y)."
        return Finding(key, title, Level.NOTE, said, "Take out t=y once mail arrives.")
    if found.kind == "rsa" and found.bits < dkim.GOOD:
        return Finding(key, title, Level.NOTE, f"{size}{via}.", f"{dkim.GOOD:,} bits, at the next change of keys.")
    return Finding(key, title, Level.FINE, f"{size}{via}.")

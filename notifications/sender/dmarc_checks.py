"""The rows about DMARC: the policy of the From domain, where its reports go, and what is aligned with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from notifications.sender import dmarc
from notifications.sender.asked import Sender
from notifications.sender.asking import Answer, Asker
from notifications.sender.dmarc import Dmarc
from notifications.sender.findings import Finding, Level, clean, listed

_START = "v=DMARC1; p=none; rua=mailto:dmarc-reports@{}"


@dataclass(frozen=True)
class Found:
    """What stands at the From domain and above it."""

    policies: dict[str, Dmarc] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)  # by domain; more than one record counts as none
    unasked: list[str] = field(default_factory=list)

    @property
    def many(self) -> list[str]:
        return [domain for domain, texts in self.texts.items() if len(texts) > 1]


def find(domain: str, ask: Asker) -> Found:
    """Every record from the From domain up."""
    found = Found()
    for name in dmarc.walk(domain):
        answer: Answer = ask.texts(f"_dmarc.{name}")
        if answer.is_unasked:
            found.unasked.append(answer.why)
        elif texts := dmarc.records(answer.values):
            found.texts[name] = texts
            if len(texts) == 1:
                found.policies[name] = dmarc.parse(texts[0])
    return found


def organisation_of(sender: Sender, found: Found) -> str:
    return dmarc.organisation(sender.domain, found.policies)


def policy_of(sender: Sender, found: Found) -> tuple[str, Dmarc] | None:
    """The record that holds for the From domain and where it stands: its own, else that of its organisation."""
    for name in (sender.domain, organisation_of(sender, found)):
        if name in found.policies:
            return name, found.policies[name]
    return None


def check(sender: Sender, found: Found, ask: Asker) -> list[Finding]:
    """The record, its policy, and its reports."""
    if sender.domain in found.many or (found.many and not found.policies):
        name = found.many[0]
        return [
            Finding(
                "dmarc", "DMARC", Level.PROBLEM,
                f"{len(found.texts[name])} records at _dmarc.{name}: {clean(' | '.join(found.texts[name]))}",
                "One record only: receivers take several for none.", f"_dmarc.{name}",
                f'TXT "{clean(found.texts[name][0])}"', "two DMARC records",
            )
        ]  # fmt: skip
    standing = policy_of(sender, found)
    if standing is None:
        if found.unasked:
            return [Finding("dmarc", "DMARC", Level.UNASKED, f"Could not be asked: {found.unasked[0]}.")]
        asked = listed([f"_dmarc.{name}" for name in dmarc.walk(sender.domain)])
        return [
            Finding(
                "dmarc", "DMARC", Level.PROBLEM, f"No record at {asked}.",
                "A record. p=none asks for reports and changes nothing for your mail.", f"_dmarc.{sender.domain}",
                f'TXT "{_START.format(sender.domain)}"', "no DMARC record",
            )
        ]  # fmt: skip
    name, policy = standing
    text = clean(found.texts[name][0])
    if policy.errors:
        said = f"_dmarc.{name}: {text}. {clean('; '.join(policy.errors))}."
        return [
            Finding(
                "dmarc", "DMARC", Level.PROBLEM, said, "A record without errors, such as:", f"_dmarc.{name}",
                f'TXT "{_START.format(name)}"', "the DMARC record has errors",
            )
        ]  # fmt: skip
    record = Finding("dmarc", "DMARC", Level.FINE, f"_dmarc.{name}: {text}")
    return [record, _strength(sender, name, policy), _reports(sender, name, policy, found, ask)]


def _strength(sender: Sender, name: str, policy: Dmarc) -> Finding:
    word = policy.policy if name == sender.domain else policy.subdomain_policy
    if word == "none":
        said = "none: mail that only pretends to be yours is delivered like any other."
        wanted = "p=quarantine, once the reports show that all your own mail passes."
        return Finding("dmarc_policy", "DMARC policy", Level.NOTE, said, wanted)
    if policy.percent < 100:
        said = f"{word}, for {policy.percent} % of the mail that fails."
        return Finding("dmarc_policy", "DMARC policy", Level.NOTE, said, "Without pct, for all of it.")
    return Finding("dmarc_policy", "DMARC policy", Level.FINE, f"{word}.")


def _reports(sender: Sender, name: str, policy: Dmarc, found: Found, ask: Asker) -> Finding:
    key, title = "dmarc_reports", "DMARC reports"
    if not policy.reports_to:
        text = found.texts[name][0].strip().rstrip(";")
        return Finding(
            key, title, Level.NOTE, "Nobody gets the reports: rua is missing.",
            "An address of yours or of a service that reads them.", f"_dmarc.{name}",
            f'TXT "{clean(text)}; rua=mailto:dmarc-reports@{name}"',
        )  # fmt: skip
    home = organisation_of(sender, found) or name
    for domain in policy.reports_to:
        if dmarc.is_aligned(domain, home, organisation=home, is_strict=False):
            continue
        answer = ask.texts(f"{name}._report._dmarc.{domain}")
        if answer.is_unasked:
            return Finding(key, title, Level.UNASKED, f"Could not be asked: {answer.why}.")
        if not dmarc.records(answer.values):
            return Finding(
                key, title, Level.NOTE, f"{clean(domain)} has not agreed to get reports about {name}: none are sent.",
                f"Its owner publishes this, or rua names an address at {name}.",
                f"{name}._report._dmarc.{clean(domain)}", 'TXT "v=DMARC1"',
            )  # fmt: skip
    return Finding(key, title, Level.FINE, f"They go to {clean(listed(policy.reports_to))}.")


@dataclass(frozen=True)
class Proofs:
    """What the other rows say that alignment needs: domains for which DKIM, and SPF, would pass; empty for none."""

    dkim_domain: str
    spf_domain: str
    is_dkim_hidden: bool  # its selector is not known, or DNS was silent
    is_spf_hidden: bool


def alignment(sender: Sender, found: Found, proofs: Proofs) -> Finding:
    """Whether one of the two that pass belongs to the From domain, which is what DMARC asks."""
    key, title = "alignment", "Alignment with the From domain"
    policy = (policy_of(sender, found) or ("", Dmarc()))[1]
    organisation = organisation_of(sender, found)

    def aligned(domain: str, *, is_strict: bool) -> bool:
        return bool(domain) and dmarc.is_aligned(domain, sender.domain, organisation=organisation, is_strict=is_strict)

    by_dkim = aligned(proofs.dkim_domain, is_strict=policy.is_strict_dkim)
    by_spf = aligned(proofs.spf_domain, is_strict=policy.is_strict_spf)
    ways = [f"DKIM ({proofs.dkim_domain})"] * by_dkim + [f"SPF ({proofs.spf_domain})"] * by_spf
    if ways:
        said = f"{sender.domain} is proved by {listed(ways)}."
        if len(ways) == 2 or (not by_dkim and proofs.is_dkim_hidden):
            return Finding(key, title, Level.FINE, said)
        other = "SPF" if by_dkim else "DKIM"
        wanted = (
            "Both: Gmail and Yahoo ask that of who sends 5,000 mails a day. "
            f"{other} does not pass, or names another domain."
        )
        return Finding(key, title, Level.NOTE, said, wanted)
    if proofs.is_dkim_hidden or proofs.is_spf_hidden:
        said = "Not known: see the rows above that could not be asked."
        if proofs.is_dkim_hidden and not sender.selectors:
            said = "SPF does not prove it, and whether DKIM does cannot be seen without the selector."
        return Finding(key, title, Level.UNASKED, said, "" if sender.selectors else "Set DKIM_SELECTORS.")
    strict = [f"{tag}=s" for tag, on in (("adkim", policy.is_strict_dkim), ("aspf", policy.is_strict_spf)) if on]
    others = [f"{what} proves {domain}" for what, domain in
              (("DKIM", proofs.dkim_domain), ("SPF", proofs.spf_domain)) if domain]  # fmt: skip
    said = f"Nothing proves {sender.domain}. {clean(listed(others) or 'Neither DKIM nor SPF proves any domain')}."
    if strict and others:
        said += f" The DMARC record asks for the very same domain ({', '.join(strict)})."
    wanted = f"A DKIM key or a return path of {organisation or sender.domain}."
    return Finding(key, title, Level.PROBLEM, said, wanted, short=f"nothing proves that {sender.domain} sent it")

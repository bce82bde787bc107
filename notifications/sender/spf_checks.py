"""The rows about SPF: which servers may send for the domain that bounces go to."""

from __future__ import annotations

from notifications.sender import spf, spf_walk
from notifications.sender.asked import Sender
from notifications.sender.asking import Answer, Asker
from notifications.sender.findings import Finding, Level, clean, listed

SENDGRID = "sendgrid.net"


def check(sender: Sender, ask: Asker) -> list[Finding]:
    """The record itself, its look-ups, and whether it names who hands our mail over."""
    domain = sender.return_path
    answer = ask.texts(domain)
    if answer.is_unasked:
        return [Finding("spf", "SPF", Level.UNASKED, f"Could not be asked: {answer.why}.")]
    found = spf.records(answer.values)
    if len(found) > 1:
        return [
            Finding(
                "spf", "SPF", Level.PROBLEM, f"{len(found)} SPF records: {clean(' | '.join(found))}",
                "One record only. Receivers count several as an error.",
                domain, f'TXT "{spf.merged(found)}"', "two SPF records",
            )
        ]  # fmt: skip
    if not found:
        return [_missing(sender, answer, ask)]
    record = spf.parse(found[0])
    walk = spf_walk.follow(domain, record, ask=ask)
    rows = [_record(domain, found[0], walk), _lookups(walk)]
    return rows + [row for name in sender.providers if (row := _provider(name, sender, answer, found[0], walk, ask))]


def _missing(sender: Sender, answer: Answer, ask: Asker) -> Finding:
    domain = sender.return_path
    meant = spf.almost(answer.values)
    found = f"{domain} has no SPF record."
    if meant:
        found = f"No receiver takes this for SPF: {clean(meant[0])}. It must begin with v=spf1 and a space."
    wanted, level = "A record that names the servers which send for it.", Level.PROBLEM
    if not sender.is_return_path_told:
        level = Level.NOTE
        wanted = (
            "With SendGrid bounces usually go to a domain of their own, like em123." + domain + ", and SPF is asked "
            "there. Set MAIL_RETURN_PATH to it (SendGrid: Settings, Sender Authentication) and check again."
        )
    terms = _terms(sender, ask)
    record = f'TXT "{" ".join(["v=spf1", *terms, "~all"])}"' if terms else ""
    return Finding("spf", "SPF", level, found, wanted, domain if record else "", record, "no SPF record")


def _record(domain: str, text: str, walk: spf_walk.Walk) -> Finding:
    shown = clean(text)
    if walk.errors:
        wrong = clean("; ".join(dict.fromkeys(walk.errors)))
        return Finding(
            "spf", "SPF", Level.PROBLEM, f"{shown}. {wrong}.", "A record without errors: one is enough that receivers "
            "ignore all of it.", short="the SPF record has errors",
        )  # fmt: skip
    if walk.unasked and not walk.ending:
        return Finding("spf", "SPF", Level.UNASKED, f"{shown}. Could not be asked: {walk.unasked[0]}.")
    if walk.ending == "+":
        return Finding(
            "spf", "SPF", Level.PROBLEM, f"{shown}. It ends in +all: everybody may send in your name.",
            "~all at its end", domain, f'TXT "{spf.with_ending(text)}"', "SPF lets everybody send (+all)",
        )  # fmt: skip
    if walk.ending not in ("~", "-"):
        what = "It ends in ?all" if walk.ending else "It has no all at its end"
        return Finding(
            "spf", "SPF", Level.NOTE, f"{shown}. {what}: nothing is said of other servers.",
            "~all at its end", domain, f'TXT "{spf.with_ending(text)}"',
        )  # fmt: skip
    return Finding("spf", "SPF", Level.FINE, shown)


def _lookups(walk: spf_walk.Walk) -> Finding:
    title, most = "SPF look-ups", spf.MOST_LOOKUPS
    count = f"more than {walk.lookups - 1}" if walk.is_cut else str(walk.lookups)
    via = f" ({clean(listed(list(dict.fromkeys(walk.domains))))})" if walk.domains else ""
    if walk.lookups > most:
        return Finding(
            "spf_lookups", title, Level.PROBLEM, f"{count} look-ups{via}.", f"At most {most}, or receivers give up. "
            "Take out what you no longer send through.", short=f"SPF needs {count} look-ups; {most} are allowed",
        )  # fmt: skip
    if walk.unasked:
        return Finding("spf_lookups", title, Level.UNASKED, f"Could not be counted: {walk.unasked[0]}.")
    if walk.voids > spf.MOST_VOID:
        return Finding(
            "spf_lookups", title, Level.PROBLEM, f"{walk.voids} of its names do not exist.",
            f"At most {spf.MOST_VOID} that lead nowhere.", short="SPF names hosts that do not exist",
        )  # fmt: skip
    return Finding("spf_lookups", title, Level.FINE, f"{count} of at most {most}{via}.")


def _provider(name: str, sender: Sender, answer: Answer, text: str, walk: spf_walk.Walk, ask: Asker) -> Finding | None:
    if name == "sendgrid":
        return _sendgrid(sender, answer, text, walk)
    return _smtp(sender, text, walk, ask) if name == "smtp" else None


def _sendgrid(sender: Sender, answer: Answer, text: str, walk: spf_walk.Walk) -> Finding:
    title = "SPF allows SendGrid"
    if any(name == SENDGRID or name.endswith(f".{SENDGRID}") for name in [answer.via, *walk.domains]):
        return Finding("spf_sendgrid", title, Level.FINE, f"{sender.return_path} leads to SendGrid.")
    if walk.unasked:
        return Finding("spf_sendgrid", title, Level.UNASKED, f"Could not be asked: {walk.unasked[0]}.")
    level = Level.PROBLEM if sender.is_return_path_told else Level.NOTE
    wanted = "The record includes sendgrid.net."
    if not sender.is_return_path_told:
        wanted += " Not needed where SendGrid uses a return path of its own: then set MAIL_RETURN_PATH to that domain."
    record = f'TXT "{spf.with_term(text, [f"include:{SENDGRID}"])}"'
    said = f"The record of {sender.return_path} does not include SendGrid."
    return Finding("spf_sendgrid", title, level, said, wanted, sender.return_path, record, "SPF leaves out SendGrid")


def _smtp(sender: Sender, text: str, walk: spf_walk.Walk, ask: Asker) -> Finding:
    title, host = "SPF allows the mail server", sender.smtp_host
    answer = ask.addresses(host)
    unasked = [answer.why] if answer.is_unasked else walk.unasked
    outside = [address for address in answer.values if not walk.allows(address)]
    if answer.values and not outside:
        return Finding("spf_smtp", title, Level.FINE, f"The addresses of {host} may send: {listed(answer.values)}.")
    if unasked:
        return Finding("spf_smtp", title, Level.UNASKED, f"Could not be asked: {unasked[0]}.")
    if not outside:
        said = f"{host} has no address ({answer.why})."
        return Finding("spf_smtp", title, Level.PROBLEM, said, "SMTP_URL names a host that exists.",
                       short="the mail server has no address")  # fmt: skip
    return Finding(
        "spf_smtp", title, Level.NOTE, f"{host} is at {listed(outside)}, which the record does not allow.",
        "Allow these, unless its operator says that it sends from other addresses: then add the operator's include:.",
        sender.return_path, f'TXT "{spf.with_term(text, [_ip(one) for one in outside])}"',
    )  # fmt: skip


def _terms(sender: Sender, ask: Asker) -> list[str]:
    """The mechanisms that name who hands our mail over."""
    terms = [f"include:{SENDGRID}"] if sender.has_sendgrid else []
    return terms + [_ip(one) for one in (ask.addresses(sender.smtp_host).values if sender.smtp_host else ())]


def _ip(address: str) -> str:
    return f"ip6:{address}" if ":" in address else f"ip4:{address}"

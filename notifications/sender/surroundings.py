"""The rows about what else mailbox providers look at: a way back, a way out, and the server's own name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from notifications.sender.asked import Sender
from notifications.sender.asking import Asker
from notifications.sender.findings import Finding, Level, clean, listed

_MOST = 4  # hosts or addresses that are looked at
_ONE_CLICK = re.compile(r"<(https://[^<>\s]+)>")


def replies(sender: Sender, ask: Asker) -> Finding:
    """Whether an answer to our mail arrives."""
    title, domain = "Answers arrive (MX)", sender.domain
    answer = ask.mail_hosts(domain)
    if answer.is_unasked:
        return Finding("mx", title, Level.UNASKED, f"Could not be asked: {answer.why}.")
    if answer.values and not any(answer.values):
        said = f"{domain} says that it takes no mail at all (null MX)."
        return Finding("mx", title, Level.PROBLEM, said, "An MX record that names the server of your mailboxes.",
                       domain, "MX 10 <your mail server>", "answers cannot arrive (null MX)")  # fmt: skip
    hosts = [host for host in answer.values if host] or [domain]
    found = [ask.addresses(host) for host in hosts[:_MOST]]
    if any(one.values for one in found):
        if answer.values:
            return Finding("mx", title, Level.FINE, f"{clean(listed(hosts))}.")
        said = f"{domain} has no MX record; mail goes to its own address."
        return Finding("mx", title, Level.NOTE, said, "An MX record.", domain, "MX 10 <your mail server>")
    if any(one.is_unasked for one in found):
        return Finding("mx", title, Level.UNASKED, f"Could not be asked: {next(o.why for o in found if o.is_unasked)}.")
    said = f"{clean(listed(hosts))}: no address." if answer.values else f"{domain} has neither MX nor address."
    return Finding("mx", title, Level.PROBLEM, said, "An MX record that names a server that exists.",
                   domain, "MX 10 <your mail server>", "answers cannot arrive (no MX)")  # fmt: skip


def reverse_names(sender: Sender, ask: Asker) -> list[Finding]:
    """Whether the mail server's addresses have names that lead back to them; a hint only."""
    if not sender.smtp_host:
        return []
    title, host = "Reverse names of the mail server", sender.smtp_host
    answer = ask.addresses(host)
    if not answer.values:
        return [Finding("reverse", title, Level.UNASKED, f"Could not be asked: {answer.why}.")] * answer.is_unasked
    wrong, unasked = [], []
    for address in answer.values[:_MOST]:
        names = ask.names_of(address)
        back = [ask.addresses(name) for name in names.values[:_MOST]]
        if any(address in one.values for one in back):
            continue
        unasked += [one.why for one in [names, *back] if one.is_unasked]
        if not unasked:
            what = f"is called {clean(names.values[0])}, which does not lead back" if names.values else "has no name"
            wrong.append(f"{address} {what}")
    if wrong:
        wanted = (
            f"A PTR record whose name leads back to the address. If {host} hands mail on to others that send it, these "
            "must have them: ask its operator."
        )
        return [Finding("reverse", title, Level.NOTE, f"{listed(wrong)}.", wanted)]
    if unasked:
        return [Finding("reverse", title, Level.UNASKED, f"Could not be asked: {unasked[0]}.")]
    return [Finding("reverse", title, Level.FINE, f"{listed(answer.values[:_MOST])}: each has a name that leads back.")]


def unsubscribing(mails: Sequence[Mapping[str, str]]) -> Finding:
    """Whether the headers of our own mails let a mailbox show its unsubscribe button (RFC 8058)."""
    title, wanted = "Unsubscribe button", "Both headers, with an https address, in every mail."
    if not mails:
        said = "There is no message to look at yet."
        return Finding("unsubscribe", title, Level.NOTE, said, "Check again once there are some.")
    without = sum("List-Unsubscribe" not in mail for mail in mails)
    no_post = sum(mail.get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" for mail in mails)
    open_http = [
        mail for mail in mails if "List-Unsubscribe" in mail and not _ONE_CLICK.search(mail["List-Unsubscribe"])
    ]
    looked = (
        f"{len(mails)} mails made anew of the newest messages" if len(mails) > 1 else "1 mail made anew of a message"
    )
    for count, said, short in (
        (without, "no List-Unsubscribe", "no unsubscribe header"),
        (no_post, "no List-Unsubscribe-Post for one click", "no one-click unsubscribe"),
        (
            len(open_http),
            "an unsubscribe address without https (SITE_URL)",
            "the unsubscribe link is not https",
        ),
    ):
        if count:
            return Finding(
                "unsubscribe", title, Level.PROBLEM, f"Of {looked}, {count} with {said}.", wanted, short=short
            )
    return Finding("unsubscribe", title, Level.FINE, f"Both headers of RFC 8058 are in {looked}.")

"""The sender check: everything that mailbox providers ask about our From address, asked by us."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from notifications import composing
from notifications.models import Message, MessageState
from notifications.sender import dkim_checks, dmarc, dmarc_checks, spf_checks, surroundings
from notifications.sender.asked import Sender
from notifications.sender.asking import Asker
from notifications.sender.findings import Finding, Level, Report

STEPS = 6
_LOOKED_AT = 5  # of our own mails
Tell = Callable[[int], object]


def check(sender: Sender, ask: Asker, *, mails: Sequence[Mapping[str, str]], tell: Tell = lambda done: None) -> Report:
    """Ask everything. `mails` are the headers of mails of ours; `tell` is called with how many of STEPS are done."""
    policies = dmarc_checks.find(sender.domain, ask)
    tell(1)
    spf = spf_checks.check(sender, ask)
    tell(2)
    organisation = dmarc_checks.organisation_of(sender, policies)
    domains = [sender.dkim_domain] if sender.dkim_domain else _up_to(sender.domain, organisation)
    dkim = dkim_checks.check(sender, ask, domains=domains)
    tell(3)
    proofs = dmarc_checks.Proofs(
        dkim_domain=dkim.good,
        spf_domain=sender.return_path if _passes(spf, sender) else "",
        is_dkim_hidden=not dkim.good and (dkim.is_unasked or not sender.selectors),
        is_spf_hidden=any(one.level is Level.UNASKED for one in spf),
    )
    policy = dmarc_checks.check(sender, policies, ask)
    aligned = dmarc_checks.alignment(sender, policies, proofs)
    tell(4)
    others = [surroundings.replies(sender, ask), *surroundings.reverse_names(sender, ask)]
    tell(5)
    last = surroundings.unsubscribing(mails)
    tell(6)
    return Report(sender.address, sender.providers, (aligned, *dkim.rows, *spf, *policy, last, *others))


def headers_of_ours() -> list[dict[str, str]]:
    """The headers of our newest messages' mails, made as sending makes them. What is not true any more has none."""
    newest = (
        Message.objects.exclude(state=MessageState.HELD_OUT).exclude(customer__email="").order_by("-eligible_at", "-pk")
    )
    found: list[dict[str, str]] = []
    for message in newest.select_related("rule", "customer", "episode__shipment__order")[: 6 * _LOOKED_AT]:
        try:
            found.append(dict(composing.compose(message, attempt=1).headers))
        except composing.CannotCompose:
            continue
        if len(found) == _LOOKED_AT:
            break
    return found


def _up_to(domain: str, organisation: str) -> list[str]:
    """The From domain and those above it, up to the organisation's."""
    names = dmarc.walk(domain)
    return names[: names.index(organisation) + 1] if organisation in names else names[:1]


def _passes(rows: list[Finding], sender: Sender) -> bool:
    """Whether SPF passes for our mail: the record is good, and names who hands it over."""
    bad = any(one.level in (Level.PROBLEM, Level.UNASKED) for one in rows)
    named = [one for one in rows if one.key in ("spf_sendgrid", "spf_smtp")]
    has_record = any(one.key == "spf_lookups" for one in rows)
    return has_record and not bad and all(one.level is Level.FINE for one in named)

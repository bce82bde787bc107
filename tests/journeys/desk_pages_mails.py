"""The desk's pages about what mails say, for whoever walks them: path, roles, what to set up (fills the path)."""

from __future__ import annotations

from django.contrib.auth.models import User

from core import clock
from core.roles import ADMIN, OPS
from notifications import mail_versions
from notifications.mail_versions import Text
from notifications.models import CheckState, EpisodeKind, Rule, SenderCheck
from notifications.sender.findings import Finding, Level, Report

ROLES = (OPS, ADMIN)


def nothing(admin: User) -> int:
    """The pages as they are on the first day, with the product's own texts."""
    return mail_versions.in_use("delayed", "en").pk


def with_a_draft(admin: User) -> int:
    """A draft with an error, beside a version of the shop's own; the id of the version before it."""
    text = mail_versions.text_of(mail_versions.whole("shipped", "en"))
    first = mail_versions.in_use("shipped", "en").pk
    changed = Text("Order {{ order_number }} has left", text.text, text.mjml)
    mail_versions.save_draft("shipped", "en", changed, seen="", by=admin, now=clock.now())
    mail_versions.publish("shipped", "en", by=admin, note="shorter subject", now=clock.now())
    broken = Text("Order {{ ordr_number }}", text.text, text.mjml)
    mail_versions.save_draft("shipped", "en", broken, seen="", by=admin, now=clock.now())
    return first


def a_rule(admin: User) -> str:
    """One that may be a legal notice."""
    kind = EpisodeKind.PROMISE_PASSED
    defaults = {"name": "Late", "kind": kind, "template": "delay_promise_passed", "holdout_share": 0.1}
    return Rule.objects.get_or_create(key="promise-passed", defaults=defaults)[0].key


def with_a_sender_report(admin: User) -> int:
    """A check of the sender that found something of each kind."""
    rows = [Finding(level, level.title(), level, "v=spf1 " + "a:mail.example.com " * 20, "~all") for level in Level]
    rows.append(Finding("dmarc", "DMARC", Level.PROBLEM, "No record.", "One.", "_dmarc.example.com", "TXT v=DMARC1"))
    report = Report("help@example.com", ("sendgrid",), tuple(rows)).as_json()
    now = clock.now()
    SenderCheck.objects.create(state=CheckState.DONE, report=report, asked_at=now, ended_at=now, asked_by=admin)
    return 0


DESK_PAGES = [
    ("/desk/rules/{}/", ROLES, a_rule),
    ("/desk/templates/delayed/en/", ROLES, nothing),
    ("/desk/templates/delayed/ar/", ROLES, nothing),
    ("/desk/templates/versions/{}/", ROLES, nothing),
    ("/desk/templates/shipped/en/?order={}", ROLES, with_a_draft),
    ("/desk/sender/", ROLES, with_a_sender_report),
    ("/desk/templates/versions/{}/", ROLES, lambda admin: mail_versions.history("shipped", "en").last().pk),
]

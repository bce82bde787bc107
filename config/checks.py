"""System checks of the configuration: what would fail or harm on a real host, each with what to do about it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from core import contrast, roles
from notifications.providers import smtp

PROVIDERS = ("console", "sendgrid", "smtp")


@register(Tags.compatibility)
def settings_make_sense(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """On every start: values that no part of the product could work with."""
    found: list[CheckMessage] = []
    try:
        validate_email(settings.MAIL_FROM)
    except ValidationError:
        found.append(
            Error(
                f"MAIL_FROM={settings.MAIL_FROM!r} is not an e-mail address.",
                hint="Set it to the address that customers see as the sender, without a name.",
                id="preempt.E001",
            )
        )
    try:
        ZoneInfo(settings.SHOP_TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found.append(
            Error(
                f"SHOP_TIME_ZONE={settings.SHOP_TIME_ZONE!r} is not a known time zone.",
                hint="Use a name of the IANA list such as Europe/London.",
                id="preempt.E002",
            )
        )
    for carrier, page in settings.TRACKING_PAGES.items():
        if not page.startswith("https://") or page.count("{}") != 1:
            found.append(
                Error(
                    f"TRACKING_PAGES: the page of {carrier} cannot be used: {page!r}.",
                    hint="Write an https:// address with {} in the place of the tracking number.",
                    id="preempt.E020",
                )
            )
    if settings.MAIL_PROVIDER not in PROVIDERS:
        found.append(
            Error(
                f"MAIL_PROVIDER={settings.MAIL_PROVIDER!r} is not known.",
                hint=f"Use one of: {', '.join(PROVIDERS)}.",
                id="preempt.E003",
            )
        )
    if settings.MAIL_PROVIDER == "sendgrid" and not settings.SENDGRID_API_KEY:
        found.append(
            Error(
                "MAIL_PROVIDER=sendgrid, but SENDGRID_API_KEY is not set.",
                hint="Set the key (or SENDGRID_API_KEY_FILE), or MAIL_PROVIDER=console to keep mails in the outbox.",
                id="preempt.E004",
            )
        )
    if settings.MAIL_FAILOVER and settings.MAIL_FAILOVER not in ("sendgrid", "smtp"):
        found.append(
            Error(
                f"MAIL_FAILOVER={settings.MAIL_FAILOVER!r} cannot be handed mail while MAIL_PROVIDER is down.",
                hint="Use sendgrid or smtp, or leave it empty.",
                id="preempt.E023",
            )
        )
    if "smtp" in (settings.MAIL_PROVIDER, settings.MAIL_FAILOVER):
        try:
            smtp.server_of(settings.SMTP_URL)
        except ValueError as error:
            found.append(Error(str(error), hint="Set SMTP_URL (or SMTP_URL_FILE).", id="preempt.E024"))
    parts = urlsplit(settings.SITE_URL)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        found.append(
            Error(
                f"SITE_URL={settings.SITE_URL!r} is not the address of a site.",
                hint="Write scheme and host only, such as https://help.example.com; links in mails begin with it.",
                id="preempt.E005",
            )
        )
    if settings.BROKER_URL and urlsplit(settings.BROKER_URL).scheme not in ("amqp", "amqps"):
        found.append(
            Warning(
                "BROKER_URL names a broker that may lose tasks when a worker is killed.",
                hint="Use RabbitMQ (amqp://...), or leave BROKER_URL out for the queue in PostgreSQL.",
                id="preempt.W006",
            )
        )
    if settings.SEARCH_ENGINE == "opensearch" and urlsplit(settings.OPENSEARCH_URL).scheme not in ("http", "https"):
        found.append(
            Error(
                f"SEARCH_ENGINE is opensearch, but OPENSEARCH_URL={settings.OPENSEARCH_URL!r} is no address.",
                hint="Write the server's address, such as https://search.example.com:9200, or choose another engine.",
                id="preempt.E007",
            )
        )
    if contrast.parse(settings.SHOP_ACCENT) is None:
        found.append(
            Error(
                f"SHOP_ACCENT={settings.SHOP_ACCENT!r} is not a colour.",
                hint="Write # and six hex digits, such as #1d5c42.",
                id="preempt.E008",
            )
        )
    for group, wanted in settings.OIDC_ROLES.items():
        if unknown := sorted(set(wanted) - set(roles.ALL)):
            found.append(
                Error(
                    f"OIDC_ROLES: {group!r} would give roles that there are not: {', '.join(unknown)}.",
                    hint=f"Use some of: {', '.join(roles.ALL)}.",
                    id="preempt.E021",
                )
            )
    return found


@register(Tags.security, deploy=True)
def host_is_safe(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """With --deploy: what a public host must not do."""
    found: list[CheckMessage] = []
    if settings.LOCAL:
        found.append(
            Error(
                "DATABASE_URL is not set: this is a checkout's own embedded database.",
                hint="Set DATABASE_URL to a PostgreSQL 15 or newer that is backed up.",
                id="preempt.E101",
            )
        )
    if not settings.SITE_URL.startswith("https://"):
        found.append(
            Error(
                f"SITE_URL={settings.SITE_URL!r} is not https: links in mails would go out unprotected.",
                hint="Set SITE_URL to the public https address of this site.",
                id="preempt.E102",
            )
        )
    elif (host := urlsplit(settings.SITE_URL).hostname) and not _allowed(host):
        found.append(
            Error(
                f"SITE_URL's host {host} is not in ALLOWED_HOSTS: every link in a mail would answer 400.",
                hint=f"Add {host} to ALLOWED_HOSTS.",
                id="preempt.E103",
            )
        )
    if settings.MAIL_PROVIDER == "sendgrid" and not settings.SENDGRID_EVENT_PUBLIC_KEY:
        found.append(
            Error(
                "SendGrid's event webhook is unsigned: anybody could report mails as delivered or refused.",
                hint="Switch the signed event webhook on at SendGrid and set SENDGRID_EVENT_PUBLIC_KEY.",
                id="preempt.E104",
            )
        )
    if settings.MAIL_PROVIDER == "console":
        found.append(
            Warning(
                "No mail leaves this host: MAIL_PROVIDER is console.",
                hint="Set SENDGRID_API_KEY to send.",
                id="preempt.W105",
            )
        )
    if settings.MAIL_FROM.endswith((".example.com", "@example.com")):
        found.append(
            Error(
                f"MAIL_FROM={settings.MAIL_FROM!r} is the demo shop's address.",
                hint="Set it to an address of a domain that your mail provider may send for.",
                id="preempt.E106",
            )
        )
    if logging.getLevelName(logging.getLogger().level) == "DEBUG":
        found.append(
            Warning(
                "LOG_LEVEL is DEBUG: logs would hold customers' data.",
                hint="Leave LOG_LEVEL out, or set it to INFO.",
                id="preempt.W107",
            )
        )
    return found


def _allowed(host: str) -> bool:
    return any(
        allowed == "*" or host == allowed or (allowed.startswith(".") and host.endswith(allowed))
        for allowed in settings.ALLOWED_HOSTS
    )

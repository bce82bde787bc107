"""Messages that are ready to go, and a SendGrid on loopback that takes them and reports."""

from __future__ import annotations

from pathlib import Path

from notifications import dispatch, episodes, sending
from notifications.models import Message
from notifications.providers.posting import Times
from notifications.providers.sendgrid import SendGrid
from notifications.sending import Claim
from tests.notifications import shop

KEY = "SG.test.key"
# Short enough for a test, long enough for a machine under load.
TIMES = Times(connect=1, write=0.5, read=0.5)


def ready(count: int = 1, *, first: int = 1001, **changes: object) -> list[Message]:
    """This many customers with a late parcel each, and the message about it."""
    shop.hold_out_nobody()
    for number in range(first, first + count):
        shop.parcel(f"FH-{number}", **{"name": f"Name{number}", **changes})
    episodes.sweep(now=shop.NOW)
    return list(Message.objects.order_by("pk"))


def drain() -> dict[str, int]:
    return dict(dispatch.drain(dispatch.LANES).outcomes)


def claim_one(provider: SendGrid) -> Claim:
    [one] = sending.claim("normal", limit=1, provider=provider)
    return one


def hours_later(message: Message) -> None:
    """The message's lease, its wait and its attempts are suddenly long past; only the waiting is shortened."""
    with_clock = "statement_timestamp() - interval '1 hour'"
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE notifications_message SET lease_until = {with_clock} WHERE id = %s AND lease_until IS NOT NULL",
            [message.pk],
        )
        cursor.execute(
            f"UPDATE notifications_message SET retry_after = {with_clock} WHERE id = %s AND retry_after IS NOT NULL",
            [message.pk],
        )
        cursor.execute("UPDATE notifications_sendattempt SET started_at = started_at - interval '1 hour'")


def taken(log: list[dict]) -> list[str]:
    """The ids of the messages in a provider's log, one a mail."""
    return [line["custom_args"]["preempt_message_id"] for line in log]


def log_of(folder: Path) -> Path:
    return folder / "provider.jsonl"

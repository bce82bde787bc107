"""The demo's provider: every mail goes into a table that the desk shows, and none leaves this machine."""

from __future__ import annotations

from django.db import DatabaseError

from core import clock
from notifications.providers.base import Accepted, Capabilities, DeliveryError, Fate, Mail


class Console:
    """Stores mails in OutboxMail. Handing the same message and attempt over twice stores it once."""

    name = "console"
    capabilities = Capabilities(timeout_seconds=5.0)

    def deliver(self, mail: Mail) -> Accepted:
        """Store one mail. Raises DeliveryError when the database does not take it."""
        # Imported here: providers are named in settings checks before the models are loaded.
        from notifications.models.outreach import OutboxMail

        row = OutboxMail(
            message_id=mail.message_id,
            attempt=mail.attempt,
            to_address=mail.to_address,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            headers=dict(mail.headers) | ({"Reply-To": mail.reply_to} if mail.reply_to else {}),
            sent_at=clock.now(),
        )
        try:
            OutboxMail.objects.bulk_create([row], ignore_conflicts=True)
        except DatabaseError as error:
            # The commit may have happened although its answer was lost, as with any provider.
            raise DeliveryError(f"the outbox table did not answer ({error})", fate=Fate.UNKNOWN) from error
        return Accepted(provider_msg_id=f"console-{mail.message_id}-{mail.attempt}")

    def has(self, message_id: str, attempt: int) -> bool:
        """Whether the outbox holds this attempt's mail."""
        from notifications.models.outreach import OutboxMail

        return OutboxMail.objects.filter(message_id=message_id, attempt=attempt).exists()

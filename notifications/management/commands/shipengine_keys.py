"""Fetch the public keys that ShipEngine signs its webhooks with."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from notifications.intake import shipengine, shipengine_keys, sources


class Command(BaseCommand):
    help = (
        "Fetches ShipEngine's public keys from every address in PREEMPT_SHIPENGINE_SECRETS and keeps them for all "
        "processes. A worker does the same four times a day; run this once after setting the variable. "
        "Exit code 1 when an address gave none; its keys from before stay."
    )

    def handle(self, **options: Any) -> None:
        secrets = sources.secrets(shipengine.SOURCE)
        addresses = [secret for secret in secrets if shipengine_keys.is_address(secret)]
        if not addresses:
            raise CommandError(
                f"{sources.variable(shipengine.SOURCE)} has no address. Set it to where ShipEngine publishes its keys "
                "(https://api.shipengine.com/jwks)."
            )
        failed = []
        for done in shipengine_keys.fetch(addresses, now=clock.now()):
            if isinstance(done, shipengine_keys.UnusableKeys):
                failed.append(str(done))
            else:
                what = "new" if done.is_new else "as before"
                self.stdout.write(f"{done.address}: {', '.join(done.key_ids)} ({what})")
        if failed:
            raise CommandError("\n".join(failed))

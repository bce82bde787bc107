"""The world that bench/loop.py runs in: a folder of its own, a shifted clock, and the key of a SendGrid."""

from __future__ import annotations

import base64
import os
import socket
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

# Short, since nobody else uses this provider: a killed worker's messages are looked into after seconds, not minutes.
LEASE_SECONDS = 3
UNKNOWN_AFTER_SECONDS = 4


def set_environment(home: Path, *, port: int) -> None:
    """What settings read: this run's own data, clock and provider. Call it before Django is set up."""
    key = ec.generate_private_key(ec.SECP256R1())
    (home / "events.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    os.environ.pop("DATABASE_URL", None)
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PREEMPT_DATA_DIR": str(home),
            "PREEMPT_CLOCK_FILE": str(home / "clock.json"),
            "SITE_URL": f"http://localhost:{port}",
            "SHOP_TIME_ZONE": "America/Sao_Paulo",
            "MAIL_PROVIDER": "sendgrid",
            "SENDGRID_API_KEY": "SG.loopback-only",
            "SENDGRID_URL": f"http://127.0.0.1:{_free_port()}",
            "SENDGRID_EVENT_PUBLIC_KEY": base64.b64encode(public).decode(),
            "SEND_LEASE_SECONDS": str(LEASE_SECONDS),
            "UNKNOWN_AFTER_SECONDS": str(UNKNOWN_AFTER_SECONDS),
            # What waits for the morning when the story ends would go out in the second run, which must change nothing.
            "QUIET_HOURS": "",
            "LOG_LEVEL": "WARNING",
        }
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port

"""The send ledger's pages, for the walk through all desk pages: path, roles, what to set up (fills the path)."""

from __future__ import annotations

from core import clock
from core.roles import ADMIN, ANALYST, OPS
from notifications.models import Episode, Shipment, Skip, SkipReason

ROLES = (OPS, ANALYST, ADMIN)


def a_skip() -> int:
    """A trouble about which nobody was written to, since no rule is about it."""
    now = clock.now()
    episode, _is_new = Episode.objects.get_or_create(
        shipment=Shipment.objects.latest("pk"),
        kind="returned",
        closed_at=None,
        defaults={"opened_at": now, "promised_by": now},
    )
    return Skip.objects.get_or_create(episode=episode, reason=SkipReason.NO_RULE, defaults={"at": now})[0].pk


DESK_PAGES = [
    ("/desk/ledger/not-made/{}/", ROLES, a_skip),
    ("/desk/ledger/?outcome=skipped", ROLES, a_skip),
]

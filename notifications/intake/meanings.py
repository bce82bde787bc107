"""What a provider's words for a parcel mean in ours: a coarse status, made more precise by its detail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from notifications.models import ShipmentState

LONGEST_RAW = 80


class Meaning(NamedTuple):
    """What a word says. One without a state says nothing of where the parcel is; a detail then leaves the status's."""

    state: str = ""  # a ShipmentState
    reason: str = ""  # a TroubleReason


# What stands, whatever a detail tells beside it ("delivered, damaged").
_ENDS = (ShipmentState.AVAILABLE_FOR_PICKUP, ShipmentState.DELIVERED, ShipmentState.RETURNED)
_TROUBLE = (ShipmentState.EXCEPTION, ShipmentState.ATTEMPT_FAILED)


def refine(status: Meaning, detail: Meaning) -> Meaning:
    """Both together. A parcel on its way back is that whatever its status: carriers say "delivered" of it too.

    Trouble before the carrier has the parcel (data missing, nobody came for it) is not yet trouble with the parcel.
    """
    stands = status.state in _ENDS or (status.state == ShipmentState.CREATED and detail.state in _TROUBLE)
    if not detail.state or (stands and detail.state != ShipmentState.RETURNED):
        return Meaning(status.state, detail.reason or status.reason)
    return detail


@dataclass(frozen=True)
class Words:
    """All words that a provider documents."""

    statuses: Mapping[str, Meaning]
    details: Mapping[str, Meaning]

    def read(self, status: str, detail: str) -> tuple[Meaning, str]:
        """What they mean, and the words themselves where we do not know all of them, or learn no state from them."""
        meaning = refine(self.statuses.get(status, Meaning()), self.details.get(detail, Meaning()))
        known = (not status or status in self.statuses) and (not detail or detail in self.details)
        raw = "" if known and meaning.state else " / ".join(word for word in (status, detail) if word)
        return meaning, raw[:LONGEST_RAW]

"""Why a parcel is stuck, from a carrier's free text, where its code does not say more than "trouble"."""

from __future__ import annotations

import re

from notifications.models import TroubleReason

# The first that is found counts. In small letters; each begins a word.
WORDS: tuple[tuple[str, TroubleReason], ...] = (
    ("lost", TroubleReason.LOST),
    ("missing", TroubleReason.LOST),
    ("damage", TroubleReason.DAMAGED),
    ("broken", TroubleReason.DAMAGED),
    ("return", TroubleReason.RETURN),
    ("refused", TroubleReason.RECIPIENT),
    ("customs", TroubleReason.CUSTOMS),
    ("clearance", TroubleReason.CUSTOMS),
    ("duty", TroubleReason.CUSTOMS),
    ("duties", TroubleReason.CUSTOMS),
    ("import", TroubleReason.CUSTOMS),
    ("address", TroubleReason.ADDRESS),
    ("postcode", TroubleReason.ADDRESS),
    ("zip code", TroubleReason.ADDRESS),
    ("moved", TroubleReason.ADDRESS),
    ("weather", TroubleReason.WEATHER),
    ("storm", TroubleReason.WEATHER),
    ("snow", TroubleReason.WEATHER),
    ("flood", TroubleReason.WEATHER),
    ("hurricane", TroubleReason.WEATHER),
    ("natural disaster", TroubleReason.WEATHER),
    ("strike", TroubleReason.CAPACITY),
    ("industrial action", TroubleReason.CAPACITY),
    ("high volume", TroubleReason.CAPACITY),
    ("volumes", TroubleReason.CAPACITY),
    ("backlog", TroubleReason.CAPACITY),
    ("capacity", TroubleReason.CAPACITY),
    ("nobody", TroubleReason.RECIPIENT),
    ("not home", TroubleReason.RECIPIENT),
    ("not available", TroubleReason.RECIPIENT),
    ("business closed", TroubleReason.RECIPIENT),
    ("pickup", TroubleReason.PICKUP),
    ("pick up", TroubleReason.PICKUP),
    ("collect", TroubleReason.PICKUP),
)
_FIND = [(re.compile(rf"\b{re.escape(word)}"), reason) for word, reason in WORDS]


def reason_in(text: str) -> str:
    """The TroubleReason that a text names; empty where none."""
    said = text.lower()
    return next((reason.value for word, reason in _FIND if word.search(said)), "")

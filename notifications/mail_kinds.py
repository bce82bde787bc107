"""The mails that there are: what each is for, which facts it cannot do without, and when what it says is true. Pure.

A message that lacks a fact, or of which the mail would not be true, is refused; nobody gets a mail with a hole in it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

Facts = Mapping[str, Any]
_LONG_SILENT = 14  # days; the mail says that parcels seldom turn up after so long


@dataclass(frozen=True)
class Kind:
    """A mail. `needs` are names of VARIABLES, the cheapest first; `untrue` says why it is not so, empty where it is.

    `instead` are mails that say more, and are sent in its place where their facts are there.
    """

    name: str
    title: str
    says: str
    needs: tuple[str, ...]
    untrue: Callable[[Facts], str]
    instead: tuple[str, ...] = ()


def _ended(facts: Facts) -> str:
    if facts["is_cancelled"]:
        return "the order was cancelled"
    return {
        "delivered": "the parcel has been delivered",
        "returned": "the parcel goes back to us",
        "available_for_pickup": "the parcel is ready to collect",
    }.get(facts["state"], "")


def _confirmed(facts: Facts) -> str:
    if facts["handed_over"]:
        return "the parcel has left already"
    return _ended(facts) or ("the promised day is over" if facts["promised_by"] < facts["today"] else "")


def _shipped(facts: Facts) -> str:
    return _ended(facts) or ("" if facts["handed_over"] else "the carrier does not have the parcel")


def _delayed(facts: Facts) -> str:
    if facts["expected_by"] <= facts["promised_by"]:
        return "the expected day is not after the promised one"
    return _ended(facts)


def _delayed_again(facts: Facts) -> str:
    if facts["expected_by"] <= facts["told_day"]:
        return "the expected day is not after the one that we named before"
    return _delayed(facts)


def _out(facts: Facts) -> str:
    if facts["state"] != "out_for_delivery":
        return "the parcel is not out for delivery"
    return "" if facts["last_event_on"] == facts["today"] else "the carrier did not say so today"


def _held(facts: Facts) -> str:
    return "" if facts["state"] == "available_for_pickup" else "the parcel does not wait to be collected"


def _delivered(facts: Facts) -> str:
    return "" if facts["state"] == "delivered" else "the parcel has not been delivered"


def _lost(facts: Facts) -> str:
    if facts["silent_days"] < _LONG_SILENT:
        return f"the carrier has reported something in the last {_LONG_SILENT} days"
    return _ended(facts) or ("" if "likely_lost" in facts["troubles"] else "the parcel does not count as lost")


def _back(facts: Facts) -> str:
    if facts["expected_by"] > facts["promised_by"]:
        return "the expected day is after the promised one"
    return _ended(facts) or ("something is wrong with the parcel" if facts["troubles"] else "")


def _wrong(facts: Facts) -> str:
    if not facts["came_before_told"] and not facts["came_in_time"]:
        return "the parcel came after we wrote, and not in time where we foretold a delay: what we wrote was right"
    return _delivered(facts)


def _as_planned(facts: Facts) -> str:
    """True while its episode goes on: composing.is_still_true asks that of every message."""
    return ""


_ALL = (
    Kind("order_confirmed", "Order confirmed", "We have the order, and this is the day we promise.",
         ("promised_by", "placed_on", "items"), _confirmed),
    Kind("shipped", "Shipped", "The carrier has the parcel.", ("carrier", "handed_over", "items"), _shipped),
    Kind("delayed", "Delayed, with a new day", "It comes later than promised: the new day, why, what you can do.",
         ("promised_by", "expected_by"), _delayed, instead=("delayed_again",)),
    Kind("delayed_again", "Delayed again", "The day that we named before does not hold either.",
         ("promised_by", "expected_by", "told_on", "told_day"), _delayed_again),
    Kind("delay_promise_passed", "Late, no new day known", "The promised day is over and we know of no new one.",
         ("promised_by",), _as_planned, instead=("delayed_again", "delayed")),
    Kind("delay_not_handed_over", "Not sent in time", "It should be with the carrier and is not.",
         ("promised_by",), _as_planned),
    Kind("out_for_delivery", "Out for delivery", "The carrier brings it today.", ("last_event_on",), _out),
    Kind("held_for_pickup", "Waiting to be collected", "It waits at a shop or a post office.",
         ("last_event_on",), _held),
    Kind("delivered", "Delivered", "The carrier reports that it has been delivered.", ("delivered_on",), _delivered),
    Kind("likely_lost", "Probably lost", "Nothing heard for too long: we no longer expect it.",
         ("silent_days", "last_event_on"), _lost),
    Kind("back_on_track", "Back on track", "We wrote of a delay; it comes by the promised day after all.",
         ("promised_by", "expected_by", "told_on"), _back),
    Kind("corrected", "We were wrong", "We wrote of a delay, and it had come before, or came in time.",
         ("delivered_on", "told_on"), _wrong),
    Kind("incident", "An incident", "What ops say to everybody whom one trouble hit: their words, in this frame.",
         ("incident_subject", "incident_paragraphs"), _as_planned),
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}

# Names that rules may hold, from when a mail was called after the kind of its trouble.
_CALLED: dict[str, str] = {
    "delay_expected_late": "delayed",
    "delay_held_for_pickup": "held_for_pickup",
    "delay_likely_lost": "likely_lost",
}


def called(template: str) -> Kind | None:
    """The mail that a rule's `template` means; None where there is none."""
    return KINDS.get(_CALLED.get(template, template))


def refusal(kind: Kind, facts: Facts) -> str:
    """Why this mail must not be sent about these facts, in plain words; empty where nothing speaks against it.

    Looks at no fact that it can do without: `facts` may read them as they are asked for.
    """
    return lacks(kind, facts) or kind.untrue(facts)


def lacks(kind: Kind, facts: Facts) -> str:
    """Which fact this mail needs and does not have, as a sentence; empty where it has them all."""
    for name in kind.needs:
        if not facts[name] and facts[name] != 0:
            return f"it needs {VARIABLES[name].says}, and that is not known"
    return ""


@dataclass(frozen=True)
class Variable:
    """What stands for {{ name }}: in words for the desk, and in the made-up example."""

    says: str
    example: Any
    is_link: bool = False


_SITE = "https://help.example.com"
VARIABLES: dict[str, Variable] = {
    "customer_first_name": Variable("the customer's first name (may be empty)", "Ana"),
    "shop_name": Variable("the shop's name", "Fernhill & Co"),
    "order_number": Variable("the order's number", "FH-104233"),
    "order_url": Variable("the address of the order's page", f"{_SITE}/en/orders/example/", is_link=True),
    "contact_url": Variable("the address of the contact form", f"{_SITE}/en/contact/", is_link=True),
    "preferences_url": Variable("where they choose what we write about", f"{_SITE}/en/orders/choices/", is_link=True),
    "unsubscribe_url": Variable("the address that stops such mails", f"{_SITE}/u/example/", is_link=True),
    "items": Variable("what was ordered (a list: {% for item in items %})", ["1 × Desk lamp", "2 × Oak shelf"]),
    "placed_on": Variable("the day of the order", date(2026, 11, 9)),
    "promised_by": Variable("the day that we promised", date(2026, 11, 19)),
    "expected_by": Variable("the day by which it is expected now", date(2026, 11, 24)),
    "expected_by_carrier": Variable("whether the carrier named that day (else our own forecast)", True),
    "why": Variable("what holds it up (may be empty)", "The weather holds it up"),
    "next_update_by": Variable(
        "by when we promised to write again (may be empty)", datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    ),
    "today": Variable("the day of writing", date(2026, 11, 20)),
    "days_late": Variable("days since the promised day", 1),
    "handed_over": Variable("whether the carrier has it", True),
    "carrier": Variable("the carrier's name", "Parcel Post"),
    "tracking_no": Variable("the tracking number (may be empty)", "PP104233GB"),
    "tracking_url": Variable(
        "the carrier's page about it (may be empty)", "https://carrier.example.com/PP104233GB", is_link=True
    ),
    "last_event_text": Variable("the carrier's last report (may be empty)", "Arrived at the sorting centre"),
    "last_event_at": Variable("when that was", datetime(2026, 11, 18, 14, 5, tzinfo=UTC)),
    "last_event_on": Variable("the day of the carrier's last report", date(2026, 11, 18)),
    "silent_days": Variable("days without a report", 16),
    "pickup_place": Variable("where it waits (may be empty)", "Corner Shop, 12 Mill Lane"),
    "delivered_on": Variable("the day it was delivered", date(2026, 11, 18)),
    "told_on": Variable("the day of our last mail about this order", date(2026, 11, 19)),
    "told_day": Variable("the day that mail named", date(2026, 11, 21)),
    "came_before_told": Variable("whether it had been delivered before that mail (else after, in time)", True),
    "incident_subject": Variable("an incident's subject", "A strike holds up your order FH-104233"),
    "incident_paragraphs": Variable(
        "an incident's paragraphs (a list: {% for paragraph in incident_paragraphs %})",
        ["Parcel Post is on strike until Thursday.", "Your order waits safely and goes out on Friday."],
    ),
}  # fmt: skip
# What the frame of a mail needs (templates/emails/_partials/); nothing to write a text with.
FRAME = frozenset({
    "subject", "brand", "facts", "parcel_data", "accent", "accent_on_dark", "on_accent_on_dark", "band_on_dark",
    "logo_url", "logo_width", "logo_height", "logo_plate", "direction", "start", "end", "side_padding",
})  # fmt: skip


def nearest(name: str) -> str:
    """The variable that somebody may have meant; empty where none is near."""
    found = difflib.get_close_matches(name, VARIABLES, n=1)
    return found[0] if found else ""


def example(kind: Kind) -> dict[str, Any]:
    """Made-up facts with which the mail is true."""
    facts = {name: variable.example for name, variable in VARIABLES.items()}
    return (
        facts | {"is_cancelled": False, "state": "in_transit", "troubles": frozenset()} | _EXAMPLES.get(kind.name, {})
    )


_EXAMPLES: dict[str, dict[str, Any]] = {
    "order_confirmed": {"handed_over": False, "promised_by": date(2026, 11, 27), "days_late": 0},
    "shipped": {"promised_by": date(2026, 11, 27), "days_late": 0},
    "delay_not_handed_over": {"handed_over": False, "last_event_text": "", "last_event_at": None},
    "out_for_delivery": {
        "state": "out_for_delivery", "last_event_on": date(2026, 11, 20), "last_event_text": "On the van",
        "last_event_at": datetime(2026, 11, 20, 7, 40, tzinfo=UTC),
    },
    "held_for_pickup": {"state": "available_for_pickup"},
    "delivered": {"state": "delivered"},
    "likely_lost": {
        "troubles": frozenset({"likely_lost"}), "last_event_on": date(2026, 11, 4),
        "last_event_at": datetime(2026, 11, 4, 14, 5, tzinfo=UTC),
    },
    "back_on_track": {"promised_by": date(2026, 11, 24), "expected_by": date(2026, 11, 23), "days_late": 0},
    "corrected": {"state": "delivered", "came_in_time": False},
}  # fmt: skip

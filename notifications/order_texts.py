"""What an order's page says of each state: in a headline, in a sentence, and in what helps then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from notifications.models import ShipmentState, TroubleReason
from notifications.order_states import OrderState


@dataclass(frozen=True)
class Words:
    """A state in words. `ask` is what somebody in it would type into the search box; empty: nothing to look up."""

    title: Any
    text: Any
    ask: Any
    icon: str
    tone: str = ""  # of the notice: success, warning or danger; empty for a plain one


OF_ORDER: dict[OrderState, Words] = {
    OrderState.PREPARING: Words(
        _("We are preparing your order"),
        _("It has not left us yet. This page shows the parcel as soon as the carrier has it."),
        _("change the delivery address or cancel my order"),
        "box",
    ),
    OrderState.NOT_LEFT: Words(
        _("Your order has not left on time"),
        _("It should have been with the carrier by now, and we have no report that it is. We are sorry."),
        _("why is my order on hold, can I cancel my order"),
        "clock",
        "warning",
    ),
    OrderState.ON_ITS_WAY: Words(
        _("Your order is on its way"),
        "",
        _("where is my order, tracking not updating"),
        "truck",
    ),
    OrderState.OUT_FOR_DELIVERY: Words(
        _("Out for delivery"),
        _("The carrier has it on the van. Somebody should be there to take it in."),
        _("missed delivery, safe place"),
        "truck",
    ),
    OrderState.ATTEMPT_FAILED: Words(
        _("The carrier could not deliver"),
        _("They came and could not hand it over. The last report below says what comes next, if they told us."),
        _("I missed the delivery"),
        "warning",
        "warning",
    ),
    OrderState.READY_TO_COLLECT: Words(
        _("Ready to collect"),
        _("It waits for you at the place named below. If nobody fetches it, it goes back to us after some days."),
        _("collect my parcel from the pick-up point"),
        "box",
        "success",
    ),
    OrderState.PROBLEM: Words(
        _("The carrier reports a problem"),
        _("The last report below says what it is. The usual delivery times do not hold now, so we name no day."),
        _("my parcel is stuck, tracking not updating"),
        "warning",
        "warning",
    ),
    OrderState.LATE: Words(
        _("This order is late"),
        _("We have no report that it has been delivered. We are sorry."),
        _("my parcel is late"),
        "clock",
        "warning",
    ),
    OrderState.PARTLY_DELIVERED: Words(
        _("Part of your order has been delivered"),
        _("The rest comes in a parcel of its own. Its promised day has not passed."),
        _("why has only part of my order arrived, tracking"),
        "box",
    ),
    OrderState.PARTLY_LATE: Words(
        _("Part of your order is late"),
        _("One part has been delivered. We have no report that the rest has. We are sorry."),
        _("only part of my order came, my parcel is late"),
        "clock",
        "warning",
    ),
    OrderState.DELIVERED: Words(
        _("Delivered"),
        "",
        _("delivered but I have not got my parcel, an item is missing"),
        "check",
        "success",
    ),
    OrderState.PARTLY_RETURNED: Words(
        _("Part delivered, part back with us"),
        _("One part of your order could not be delivered and came back to us."),
        _("my parcel was returned, refund"),
        "return",
        "warning",
    ),
    OrderState.RETURNED: Words(
        _("On its way back to us"),
        _("It could not be delivered and was sent back."),
        _("sent back: when will I be refunded, has my return arrived"),
        "return",
        "warning",
    ),
    OrderState.CANCELLED: Words(
        _("This order was cancelled"),
        _("Nothing more will be sent."),
        _("cancelled my order, when will I be refunded"),
        "close",
    ),
}

# An event in the customer's words; what the carrier wrote stands below it.
OF_EVENT: dict[str, Any] = {
    ShipmentState.CREATED: _("We told the carrier about the parcel"),
    ShipmentState.HANDED_OVER: _("Handed to the carrier"),
    ShipmentState.IN_TRANSIT: _("On its way"),
    ShipmentState.OUT_FOR_DELIVERY: _("Out for delivery"),
    ShipmentState.ATTEMPT_FAILED: _("The carrier could not deliver"),
    ShipmentState.AVAILABLE_FOR_PICKUP: _("Ready to collect"),
    ShipmentState.EXCEPTION: _("The carrier reports a problem"),
    ShipmentState.RETURNED: _("On its way back to us"),
    ShipmentState.DELIVERED: _("Delivered"),
}

# Why a carrier could not go on, where it says so: told in place of "reports a problem" and "could not deliver".
OF_REASON: dict[str, Any] = {
    TroubleReason.WEATHER: _("The weather holds it up"),
    TroubleReason.CUSTOMS: _("It is with customs"),
    TroubleReason.ADDRESS: _("The carrier has trouble with the address"),
    TroubleReason.DAMAGED: _("It was damaged on the way"),
    TroubleReason.RECIPIENT: _("Nobody could take it in"),
    TroubleReason.LOST: _("The carrier cannot find it"),
    TroubleReason.CAPACITY: _("The carrier has more parcels than it can move"),
}

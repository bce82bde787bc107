"""Facts of the shop: who ordered what, what we promised, what the carriers said, and where trouble is."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Customer(models.Model):
    """A person who ordered, as one source knows them."""

    source = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    first_name = models.CharField(max_length=80, blank=True)
    last_name = models.CharField(max_length=80, blank=True)
    person = models.CharField(
        max_length=32, blank=True, db_index=True, help_text="core.people.person_key of the address"
    )
    locale = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="customer_unique_in_source")]

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"


class Order(models.Model):
    """What one customer bought at one moment, and what we promised about it."""

    source = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)
    number = models.CharField(max_length=60, db_index=True, help_text="what the customer knows it by")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="orders")
    placed_at = models.DateTimeField()
    promised_ship_by = models.DateTimeField(null=True, help_text="to be handed to the carrier by")
    promised_deliver_by = models.DateTimeField(null=True, help_text="to be with the customer by (end of that day)")
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="order_unique_in_source")]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """One product of an order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["order", "position"], name="line_position_unique_in_order")]

    def __str__(self) -> str:
        return self.title


class ShipmentState(models.TextChoices):
    """Where a parcel is. RANK in notifications/tracking.py orders them, so that a late scan never moves it back."""

    CREATED = "created", _("Being prepared")
    HANDED_OVER = "handed_over", _("Handed to the carrier")
    IN_TRANSIT = "in_transit", _("On its way")
    OUT_FOR_DELIVERY = "out_for_delivery", _("Out for delivery")
    ATTEMPT_FAILED = "attempt_failed", _("Delivery attempt failed")
    AVAILABLE_FOR_PICKUP = "available_for_pickup", _("Ready to collect")
    EXCEPTION = "exception", _("The carrier reports a problem")
    RETURNED = "returned", _("Returned to us")
    DELIVERED = "delivered", _("Delivered")


class Shipment(models.Model):
    """One parcel of an order. State, handed_over_at and delivered_at are derived from its tracking events."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="shipments")
    carrier = models.CharField(max_length=60)
    tracking_no = models.CharField(max_length=200)
    state = models.CharField(max_length=24, choices=ShipmentState, default=ShipmentState.CREATED)
    handed_over_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True)
    # When the sweep must look again (the next promise that could be broken); null where nothing can go wrong any more.
    check_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["carrier", "tracking_no"], name="shipment_unique_at_carrier")]
        indexes = [
            models.Index(fields=["check_at"], condition=Q(check_at__isnull=False), name="shipment_due_for_check")
        ]

    def __str__(self) -> str:
        return f"{self.carrier} {self.tracking_no}"


class TrackingEvent(models.Model):
    """A carrier's fact about a parcel. Append-only."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="events")
    fingerprint = models.CharField(max_length=64, help_text="hash of what the carrier said, so that it counts once")
    state = models.CharField(max_length=24, choices=ShipmentState, blank=True)
    raw_status = models.CharField(
        max_length=80, blank=True, help_text="the carrier's word, kept where it is unknown to us"
    )
    at = models.DateTimeField()
    # False where the source says that it happened and not when: `at` is then our latest guess, and no date is shown.
    is_dated = models.BooleanField(default=True)
    recorded_at = models.DateTimeField()
    text = models.CharField(max_length=300, blank=True)
    place = models.CharField(max_length=120, blank=True)
    # What is odd about it, in plain words ("before the order was placed"); empty where nothing is.
    oddity = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["shipment", "fingerprint"], name="tracking_event_once")]

    def __str__(self) -> str:
        return f"{self.shipment_id} {self.state} {self.at:%Y-%m-%d %H:%M}"


class EpisodeKind(models.TextChoices):
    NOT_HANDED_OVER = "not_handed_over", _("not handed to the carrier in time")
    PROMISE_PASSED = "promise_passed", _("not delivered by the promised day")


class Episode(models.Model):
    """One spell of one trouble of one shipment: what a message is about."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="episodes")
    kind = models.CharField(max_length=24, choices=EpisodeKind)
    promised_by = models.DateTimeField(help_text="the promise that was broken")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(
        max_length=40, blank=True, help_text="a Close of notifications/delays.py: delivered, handed_over, cancelled …"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shipment", "kind"],
                condition=Q(closed_at__isnull=True),
                name="one_open_episode_per_kind",
            ),
            # The same broken promise is the same trouble, also when the same history is played twice.
            models.UniqueConstraint(fields=["shipment", "kind", "promised_by"], name="one_episode_per_broken_promise"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of shipment {self.shipment_id}"

"""Facts of the shop: who ordered what, what we promised, what the carriers said, and where trouble is."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


def name_words() -> SearchVector:
    """A customer's names as words, for the database: no language's endings are cut off."""
    return SearchVector("first_name", "last_name", config="simple")


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
    as_of = models.DateTimeField(null=True, help_text="when the source last said what stands here")
    is_erased = models.BooleanField(
        default=False, db_default=False, help_text="asked to be forgotten: only what they ordered stays"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="customer_unique_in_source")]
        # The order desk looks people up by their names (notifications/finding.py).
        indexes = [GinIndex(name_words(), name="customer_name_words")]

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"


def lookup_key(number: object) -> Lower:
    """An order's number as people may write it: letters and digits only, in small letters. For the database."""
    bare = Func(number, Value("[^[:alnum:]]"), Value(""), Value("g"), function="regexp_replace")
    return Lower(bare)


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
    ship_to_country = models.CharField(max_length=2, blank=True, help_text="ISO 3166 code")
    ship_to_region = models.CharField(
        max_length=40, blank=True, help_text="state or beginning of the postcode, as the source writes it"
    )
    as_of = models.DateTimeField(null=True, help_text="when the source last said what stands here")
    promised_as_of = models.DateTimeField(null=True, help_text="when it last said what is promised")
    lookup_key = models.GeneratedField(
        expression=lookup_key(F("number")), output_field=models.CharField(max_length=60), db_persist=True, db_index=True
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="order_unique_in_source")]
        indexes = [
            models.Index(fields=["-placed_at", "-id"], name="order_newest"),
            models.Index(fields=["source", "-placed_at", "-id"], name="order_newest_of_source"),
            models.Index(fields=["promised_deliver_by", "id"], name="order_promised"),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """One product of an order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField(default=1)
    external_id = models.CharField(max_length=60, blank=True, db_default="", help_text="the source's own id of it")

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
    """One parcel of an order. State, handed_over_at and delivered_at are derived from its tracking events.

    Without a tracking number it is the one that the order still waits for.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="shipments")
    carrier = models.CharField(max_length=60)
    tracking_no = models.CharField(max_length=200)
    state = models.CharField(max_length=24, choices=ShipmentState, default=ShipmentState.CREATED)
    handed_over_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True)
    ship_from_country = models.CharField(max_length=2, blank=True, help_text="ISO 3166 code")
    ship_from_region = models.CharField(max_length=40, blank=True)
    expected_by = models.DateTimeField(null=True, help_text="the carrier's latest word; its history is in ExpectedDate")
    despatch_id = models.CharField(
        max_length=200, blank=True, db_default="", help_text="the source's own id of the despatch that it belongs to"
    )
    numbered_as_of = models.DateTimeField(
        null=True, help_text="when the source last said its number as one of all the numbers of the order or despatch"
    )
    # When the sweep must look again (the next promise that could be broken); null where nothing can go wrong any more.
    check_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "tracking_no"], condition=~Q(tracking_no=""), name="shipment_unique_at_carrier"
            )
        ]
        indexes = [
            # Carriers' names differ from source to source, the number does not.
            models.Index(fields=["tracking_no"], name="shipment_by_number"),
            models.Index(fields=["despatch_id"], condition=~Q(despatch_id=""), name="shipment_by_despatch"),
            models.Index(fields=["check_at"], condition=Q(check_at__isnull=False), name="shipment_due_for_check"),
            # People copy a tracking number with spaces and dashes.
            models.Index(lookup_key(F("tracking_no")), name="shipment_tracking_lookup"),
            # How many orders were shipped in some days is asked without a look at the rows.
            models.Index(
                fields=["handed_over_at"],
                include=["order"],
                condition=Q(handed_over_at__isnull=False),
                name="shipment_handed_over",
            ),
            # What is delivered is nearly all; the others are few and are looked for.
            models.Index(fields=["state", "order"], condition=~Q(state="delivered"), name="shipment_on_its_way"),
        ]

    def __str__(self) -> str:
        return f"{self.carrier} {self.tracking_no}"


class FormerNumber(models.Model):
    """A tracking number that a parcel went by until it was corrected. What is dated before still means that parcel."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="former_numbers")
    carrier = models.CharField(max_length=60)
    tracking_no = models.CharField(max_length=200)
    until = models.DateTimeField(help_text="when its source said another number")

    class Meta:
        ordering = ["until", "pk"]
        constraints = [models.UniqueConstraint(fields=["shipment", "tracking_no"], name="former_number_once")]
        indexes = [
            models.Index(fields=["tracking_no"], name="former_number"),
            models.Index(lookup_key(F("tracking_no")), name="former_number_lookup"),
        ]

    def __str__(self) -> str:
        return f"{self.carrier} {self.tracking_no} until {self.until:%Y-%m-%d}"


class ShipmentLine(models.Model):
    """How many pieces of an order's line are in a parcel. Known only where the source says so."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="contents")
    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="parcels")
    quantity = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shipment", "line"], name="line_once_in_shipment")]

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.line_id} in shipment {self.shipment_id}"


class TroubleReason(models.TextChoices):
    """Why a carrier could not go on, in our words."""

    WEATHER = "weather", "weather"
    CUSTOMS = "customs", "customs"
    ADDRESS = "address", "address"
    DAMAGED = "damaged", "damaged"
    RECIPIENT = "recipient", "nobody could take it in"
    PICKUP = "pickup", "waiting to be collected"
    RETURN = "return", "going back to the sender"
    LOST = "lost", "lost"
    CAPACITY = "capacity", "too many parcels or a strike"
    OTHER = "other", "another reason"


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
    reason = models.CharField(max_length=12, choices=TroubleReason, blank=True)
    text = models.CharField(max_length=300, blank=True)
    place = models.CharField(max_length=120, blank=True)
    # What is odd about it, in plain words ("before the order was placed"); empty where nothing is.
    oddity = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["shipment", "fingerprint"], name="tracking_event_once")]

    def __str__(self) -> str:
        return f"{self.shipment_id} {self.state} {self.at:%Y-%m-%d %H:%M}"


class ExpectedDate(models.Model):
    """A day by which the carrier said that a parcel would come. Append-only; the latest said counts."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="expected_dates")
    expected_by = models.DateTimeField(help_text="end of the day in the shop's zone where the carrier names a day")
    said_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-said_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["shipment", "said_at", "expected_by"], name="expected_date_said_once")
        ]

    def __str__(self) -> str:
        return f"{self.shipment_id} by {self.expected_by:%Y-%m-%d}"


class EpisodeKind(models.TextChoices):
    """Troubles, an order's milestones, and what follows from a mail of ours. notifications/occasions.py groups them."""

    NOT_HANDED_OVER = "not_handed_over", _("not handed to the carrier in time")
    PROMISE_PASSED = "promise_passed", _("not delivered by the promised day")
    NO_SCAN = "no_scan", "no news from the carrier for longer than usual"
    CARRIER_EXCEPTION = "carrier_exception", "the carrier reports a problem"
    EXPECTED_LATE = "expected_late", "expected after the promised day"
    HELD_FOR_PICKUP = "held_for_pickup", "waiting to be collected"
    LIKELY_LOST = "likely_lost", "probably lost"
    RETURNED = "returned", "returned to us"
    ORDER_CONFIRMED = "order_confirmed", "the order came in"
    SHIPPED = "shipped", "the carrier has it"
    OUT_FOR_DELIVERY = "out_for_delivery", "out for delivery"
    DELIVERED = "delivered", "delivered"
    DELAYED_AGAIN = "delayed_again", "the day that we named does not hold"
    BACK_ON_TRACK = "back_on_track", "the trouble that we wrote of is over"
    CORRECTED = "corrected", "what we wrote was not so"
    INCIDENT = "incident", "hit by an incident"


# Of these a parcel has one each, however often its scans come and go.
MILESTONES = (
    EpisodeKind.ORDER_CONFIRMED,
    EpisodeKind.SHIPPED,
    EpisodeKind.OUT_FOR_DELIVERY,
    EpisodeKind.DELIVERED,
)


class Episode(models.Model):
    """What a message is about: one spell of one trouble of one shipment, or one moment of it, over as it begins."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="episodes")
    kind = models.CharField(max_length=24, choices=EpisodeKind)
    promised_by = models.DateTimeField(
        help_text="the promise that was broken, or the day that we named; of a milestone the moment that it happened"
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(
        max_length=40, blank=True, help_text="a Close of notifications/delays.py: delivered, handed_over, cancelled …"
    )
    incident = models.ForeignKey(
        "Incident", on_delete=models.PROTECT, null=True, related_name="episodes", help_text="of the kind INCIDENT only"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shipment", "kind"],
                condition=Q(closed_at__isnull=True) & ~Q(kind="incident"),
                name="one_open_episode_per_kind",
            ),
            # An incident's audience: each order once, frozen when it was confirmed.
            models.UniqueConstraint(fields=["incident", "shipment"], name="one_episode_per_incident"),
            models.CheckConstraint(
                condition=Q(kind="incident", incident__isnull=False) | (~Q(kind="incident") & Q(incident=None)),
                name="episode_of_an_incident_names_it",
            ),
            # The same broken promise is the same trouble, also when the same history is played twice.
            models.UniqueConstraint(
                fields=["shipment", "kind", "promised_by"],
                condition=~Q(kind="incident"),
                name="one_episode_per_broken_promise",
            ),
            models.UniqueConstraint(
                fields=["shipment", "kind"],
                condition=Q(kind__in=[kind.value for kind in MILESTONES]),
                name="one_episode_per_milestone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of shipment {self.shipment_id}"

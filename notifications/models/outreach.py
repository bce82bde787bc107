"""What we tell customers: rules, messages, attempts to send, and what the mail provider said happened."""

from __future__ import annotations

import uuid

import uuid_utils.compat
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from notifications.models.commerce import Customer, Episode, EpisodeKind, Order
from notifications.models.mail_texts import MailVersion


class Lane(models.TextChoices):
    URGENT = "urgent", _("Urgent")
    NORMAL = "normal", _("Normal")
    CAMPAIGN = "campaign", _("Campaign")


class AmbiguityPolicy(models.TextChoices):
    """What to do when we can never know whether the provider took a message."""

    NEVER_TWICE = "never_twice", _("never send it again")
    NEVER_LOST = "never_lost", _("send it again")


class Rule(models.Model):
    """Sends about every future episode of a kind."""

    key = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=24, choices=EpisodeKind)
    template = models.SlugField(help_text="a mail of notifications/mail_kinds.py")
    lane = models.CharField(max_length=10, choices=Lane, default=Lane.NORMAL)
    holdout_share = models.FloatField(help_text="share of customers kept without the message, to measure its effect")
    ambiguity_policy = models.CharField(max_length=12, choices=AmbiguityPolicy, default=AmbiguityPolicy.NEVER_TWICE)
    is_legal_notice = models.BooleanField(
        default=False, help_text="the law requires it: nobody is held out from it, and no cap keeps it back"
    )
    is_for_any_hour = models.BooleanField(default=False, help_text="goes out in the recipient's quiet hours too")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(holdout_share__gte=0, holdout_share__lte=1), name="holdout_is_a_share")
        ]

    def __str__(self) -> str:
        return self.name


class MessageState(models.TextChoices):
    """Each state says what is true now. The table of moves is NEXT in notifications/states.py."""

    READY = "ready", _("Waiting to be sent")
    CLAIMED = "claimed", _("Taken by a worker; nothing sent yet")
    SENDING = "sending", _("Being handed to the mail provider")
    ACCEPTED = "accepted", _("The mail provider took it")
    DELIVERED = "delivered", _("In the customer's mailbox")
    BOUNCED = "bounced", _("The mailbox refused it")
    DROPPED = "dropped", _("The mail provider dropped it")
    HELD_OUT = "held_out", _("Kept back at random, to measure the effect")
    SUPPRESSED = "suppressed", _("We must not write to this address")
    STALE = "stale", _("No longer true, so not sent")
    CAPPED = "capped", "Not sent: this person has had enough messages on that day"
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Could not be sent")
    UNKNOWN = "unknown", _("Unclear whether it was sent; waiting for the provider's word")


class Arm(models.TextChoices):
    NOTIFY = "notify", _("notified")
    HELD_OUT = "held_out", _("held out")


class Message(models.Model):
    """One message to one person about one episode under one rule. The database's unique key makes it one."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7)
    dedupe_key = models.CharField(max_length=64)
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, db_index=False, related_name="messages")
    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="messages")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="messages")
    person = models.CharField(max_length=32)
    arm = models.CharField(max_length=10, choices=Arm)
    lane = models.CharField(max_length=10, choices=Lane)
    state = models.CharField(max_length=12, choices=MessageState)
    state_reason = models.CharField(
        max_length=200, blank=True, help_text="why it is in this state, where that is not plain"
    )
    locale = models.CharField(max_length=10)
    asserted = models.JSONField(default=dict, help_text="what the text says is true; checked again just before sending")
    mail_version = models.ForeignKey(
        MailVersion,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="messages",
        help_text="the text it is made from",
    )
    # Story time (core.clock):
    eligible_at = models.DateTimeField(
        help_text="when the episode became something to write about: the arm's clock starts"
    )
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    # The database's own clock:
    lease_until = models.DateTimeField(null=True)
    lease_epoch = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    counted_on = models.DateField(null=True, help_text="the recipient's day whose frequency cap it counts for")
    retry_after = models.DateTimeField(null=True)
    provider = models.CharField(max_length=20, blank=True)
    provider_msg_id = models.CharField(max_length=200, blank=True)
    mailbox = models.CharField(
        max_length=12,
        blank=True,
        db_default="",
        help_text="of notifications/sender/mailboxes.py, noted at the hand-over",
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        # Each index is written three times for a mail that goes out: none here that another could stand in for.
        constraints = [models.UniqueConstraint(fields=["dedupe_key"], name="message_dedupe_key")]
        indexes = [
            models.Index(fields=["person"], name="message_person", opclasses=["varchar_pattern_ops"]),  # by prefix too
            # In the order of claims (sending.claim), by rule too: what is held is not walked over.
            models.Index(fields=["lane", "not_before", "id"], condition=Q(state="ready"), name="message_due"),
            models.Index(
                fields=["lane", "rule", "not_before", "id"], condition=Q(state="ready"), name="message_due_of_rule"
            ),
            models.Index(fields=["lease_until"], condition=Q(state__in=["claimed", "sending"]), name="message_leased"),
            # The ledger's lists: a sweep gives thousands of messages the same moment, so each index has the id too.
            models.Index(fields=["state", "-eligible_at", "-id"], name="message_newest_in_state"),
            models.Index(fields=["rule", "-eligible_at", "-id"], name="message_newest_of_rule"),
            models.Index(fields=["-eligible_at", "-id"], name="message_newest"),
            models.Index(
                fields=["-eligible_at", "-id"],
                condition=Q(state="ready") & ~Q(state_reason=""),  # few of a backlog
                name="message_newest_put_off",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.state} {self.id}"


class SendOutcome(models.TextChoices):
    OPEN = "open", _("not known yet")
    ACCEPTED = "accepted", _("the provider took it")
    NOT_SENT = "not_sent", _("provably not handed over")
    REJECTED = "rejected", _("the provider refused it")
    UNKNOWN = "unknown", _("the answer was lost")
    DUPLICATE = "duplicate", _("the provider took it although it had taken another attempt: a mail was sent twice")


class SendAttempt(models.Model):
    """The intent to hand one message to the provider, committed before the request, closed after it."""

    # Found by the constraint's index.
    message = models.ForeignKey(Message, on_delete=models.CASCADE, db_index=False, related_name="send_attempts")
    n = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=10, choices=SendOutcome, default=SendOutcome.OPEN)
    provider = models.CharField(max_length=20)
    provider_msg_id = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=300, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["n"]
        constraints = [
            models.UniqueConstraint(fields=["message", "n"], name="attempt_number_unique_in_message"),
            models.UniqueConstraint(fields=["message"], condition=Q(outcome="open"), name="one_open_attempt"),
            models.UniqueConstraint(fields=["message"], condition=Q(outcome="accepted"), name="one_accepted_attempt"),
        ]
        indexes = [models.Index(fields=["started_at"], name="attempt_started")]

    def __str__(self) -> str:
        return f"{self.message_id} #{self.n}: {self.outcome}"


class DeliveryEvent(models.Model):
    """A mail provider's fact about a message. Append-only."""

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=200)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, related_name="delivery_events")
    attempt = models.PositiveSmallIntegerField(null=True)
    kind = models.CharField(max_length=16)
    at = models.DateTimeField(help_text="by the provider's clock")
    reason = models.CharField(max_length=300, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="delivery_event_once")]
        indexes = [models.Index(fields=["message"], condition=Q(kind="complained"), name="event_complaint")]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"


class SuppressionReason(models.TextChoices):
    UNSUBSCRIBED = "unsubscribed", _("asked us not to write about this")
    BOUNCED = "bounced", _("the address does not exist")
    COMPLAINED = "complained", _("marked our mail as spam")


class Suppression(models.Model):
    """We must not write to this address. Kept by hash, so that it outlives the erasure of a person."""

    person = models.CharField(max_length=32)
    # "all", or the category of messages (a rule's kind) that it covers.
    scope = models.CharField(max_length=40, default="all")
    reason = models.CharField(max_length=14, choices=SuppressionReason)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "scope"], name="suppression_once_per_scope")]

    def __str__(self) -> str:
        return f"{self.person[:8]} {self.scope}"


class PreferenceChange(models.Model):
    """A person asked us to write, or not to write, about something. Append-only: the proof of what was asked."""

    person = models.CharField(max_length=32, db_index=True)
    scope = models.CharField(max_length=40)
    is_on = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.person[:8]} {self.scope} {'on' if self.is_on else 'off'}"


class ProviderPause(models.Model):
    """The mail provider takes nothing from us for now: nothing is claimed until `until` (the database's clock)."""

    provider = models.CharField(max_length=20, primary_key=True)
    until = models.DateTimeField()
    reason = models.CharField(max_length=300)
    # Failures without a success between them; the pause grows with it.
    failures = models.PositiveIntegerField(default=0)
    probe_until = models.DateTimeField(null=True, help_text="one hand-over tries it out; nobody else does so long")

    def __str__(self) -> str:
        return f"{self.provider} until {self.until:%Y-%m-%d %H:%M:%S}"


class LinkState(models.TextChoices):
    NEW = "new", _("asked for; not sent yet")
    SENDING = "sending", _("handed to the mail provider, or lost on the way: never sent again")
    SENT = "sent", _("the mail provider took it")
    REFUSED = "refused", _("not sent")


class OrderLinkRequest(models.Model):
    """Somebody typed an order's number and an address to get the link to its page. Mailed at most once.

    Taken down as typed, whether or not there is such an order: the worker looks, so that the page cannot tell by its
    answer nor by the time it takes. Not a Message: it is about no episode, nobody is held out from it, and the
    customer can simply ask again.
    """

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7)
    number = models.CharField(max_length=60, blank=True, help_text="as typed")
    person = models.CharField(max_length=32, blank=True, help_text="core.people.person_key of the address typed")
    order = models.ForeignKey(
        Order, on_delete=models.CASCADE, null=True, related_name="link_requests", help_text="once it is found"
    )
    locale = models.CharField(max_length=10)
    state = models.CharField(max_length=8, choices=LinkState, default=LinkState.NEW)
    state_reason = models.CharField(max_length=200, blank=True)
    requested_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(db_default=0, help_text="how often its mailbox said later")
    retry_after = models.DateTimeField(null=True, help_text="by the database's clock")

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(state="new"), name="order_link_new"),
            models.Index(fields=["requested_at"], condition=Q(order__isnull=True), name="order_link_for_nothing"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id or 'no order'} {self.state}"


class OutboxMail(models.Model):
    """What the console provider 'sent': the demo's outbox."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    message_id = models.UUIDField()
    attempt = models.PositiveSmallIntegerField()
    to_address = models.EmailField()
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField()
    headers = models.JSONField(default=dict)
    sent_at = models.DateTimeField()

    class Meta:
        ordering = ["-sent_at"]
        constraints = [models.UniqueConstraint(fields=["message_id", "attempt"], name="outbox_mail_once")]

    def __str__(self) -> str:
        return self.subject

"""What happened, in one append-only table, and what we made of it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


def _this_transaction() -> models.Func:
    """The id of the writing transaction. Readers take whole transactions that have ended, since row ids become visible
    out of order and one that commits late would be passed over."""
    return models.Func(function="txid_current", output_field=models.BigIntegerField())


class EventKind(models.TextChoices):
    HELP = "help", _("opened the help centre")
    SEARCH = "search", _("searched")
    READ = "read", _("read an article")
    VOTE = "vote", _("voted")
    FORM = "form", _("opened the contact form")
    SUGGESTED = "suggested", _("was shown suggestions")
    ANSWERED = "answered", _("said a suggestion was the answer")
    CONTACT = "contact", _("contacted us")
    ORDER = "order", _("looked at an order")
    STAYED = "stayed", _("stayed on a page")


class Event(models.Model):
    """One fact about one visitor. Append-only; ids arrive out of order, so readers sort by `at`.

    The table is partitioned by week (partitions.py), and every byte of a row is there a hundred million times: what is
    empty is null, which takes none. Whoever asks by visitor or person should say between which moments, too: then only
    those weeks are opened. `id` tells rows of one moment apart: it has no index, and after two thousand million rows it
    begins anew.
    """

    id = models.AutoField(primary_key=True)
    at = models.DateTimeField()
    txid = models.BigIntegerField(db_default=_this_transaction())
    article_id = models.IntegerField(null=True)
    revision_id = models.IntegerField(null=True)
    variant_id = models.IntegerField(null=True)
    # Of the rows about one contact the newest counts: its reason may have been corrected since.
    contact_id = models.IntegerField(null=True)
    seconds = models.SmallIntegerField(null=True, help_text="of a stay: for how long the page was in use")
    scrolled = models.SmallIntegerField(null=True, help_text="of a stay: per cent of the text that was in sight")
    # Said once of each opened page; the column stands last in the table, where a byte needs no padding.
    link_seen = models.BooleanField(null=True, help_text="of a stay: whether a link to the contact form was in sight")
    visitor = models.UUIDField(null=True)
    search_id = models.UUIDField(null=True, help_text="kb's row about the search, with what was typed")
    is_returning = models.BooleanField(default=False, help_text="the browser brought its id back")
    kind = models.CharField(max_length=10, choices=EventKind)
    person = models.CharField(max_length=32, blank=True)
    topic = models.CharField(max_length=50, blank=True)
    locale = models.CharField(max_length=10, blank=True)
    data = models.JSONField(null=True, default=None, help_text="what only this kind has; null where there is nothing")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(kind="contact") | models.Q(contact_id__isnull=False),
                name="contact_event_names_its_contact",
            )
        ]
        # By one value alone, a week's rows of which lie side by side in one entry: with the moment beside it each row
        # would have an entry of its own, three times as large.
        indexes = [
            models.Index(fields=["visitor"], name="event_of_visitor"),
            models.Index(fields=["article_id"], condition=models.Q(kind="read"), name="event_reads"),
            models.Index(fields=["person"], condition=~models.Q(person=""), name="event_of_person"),
            models.Index(fields=["at"], condition=models.Q(kind="contact"), name="event_contacts"),
            # What a test's verdict looks up: few among the reads.
            models.Index(
                fields=["kind", "at"],
                condition=models.Q(kind__in=["contact", "vote", "form"]),
                name="event_fates_by_time",
            ),
            BrinIndex(fields=["at", "txid"], autosummarize=True, name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"


class Identity(models.Model):
    """A visitor id and a person belong together, since when we know, and how."""

    visitor = models.UUIDField()
    person = models.CharField(max_length=32, db_index=True)
    how = models.CharField(max_length=10, help_text="link, lookup or contact")
    at = models.DateTimeField()
    txid = models.BigIntegerField(db_default=_this_transaction())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["visitor", "person"], name="identity_once")]
        indexes = [BrinIndex(fields=["txid"], name="identity_by_transaction")]

    def __str__(self) -> str:
        return f"{self.visitor} is {self.person[:8]}"


class Outcome(models.TextChoices):
    """How a journey ended: the first that fits, in this order (docs/metrics.md)."""

    CONTACTED = "contacted", _("contacted us about the same topic")
    CONTACTED_OTHER = "contacted_other", _("contacted us about something else")
    DENIED = "denied", _("said it did not help")
    CONFIRMED = "confirmed", _("said it helped")
    SILENT = "silent", _("read, and we heard no more")
    EMPTY = "empty", _("found nothing to read")
    UNLINKABLE = "unlinkable", _("we could not know")


class Journey(models.Model):
    """One visitor's help-seeking until 30 idle minutes: the unit of outcome. Rebuilt from events at any time."""

    visitor = models.UUIDField()
    started_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField()
    topic = models.CharField(max_length=50, blank=True)
    # Only what was read before the contact, where one came during the journey: no later article can have failed.
    reads = models.JSONField(default=list, help_text="article ids in the order they were read, each once")
    last_article_id = models.BigIntegerField(null=True)
    last_revision_id = models.BigIntegerField(null=True)
    last_variant_id = models.BigIntegerField(null=True)
    locale = models.CharField(max_length=10, blank=True, help_text="of the last reading; else of the first event")
    searches = models.PositiveSmallIntegerField(default=0)
    vote = models.CharField(max_length=3, blank=True, help_text="yes, no, or empty")
    is_linkable = models.BooleanField(default=False)
    is_contradicted = models.BooleanField(default=False, help_text="said yes, and contacted us all the same")
    # {"7": "silent"}: one outcome for each window (days) that is over; a window still open is not in it.
    outcomes = models.JSONField(default=dict)
    contact_id = models.BigIntegerField(null=True, help_text="the contact that decided it, where one did")
    contact_reason = models.CharField(max_length=50, blank=True, help_text="of that contact; empty: uncoded")
    contact_channel = models.CharField(max_length=10, blank=True)
    decide_at = models.DateTimeField(null=True, help_text="when the next window is over; null where all are")
    entry = models.CharField(
        max_length=10, blank=True, db_default="", help_text="the kind of its first event; order: of a look just before"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["visitor", "started_at"], name="journey_once")]
        indexes = [
            models.Index(fields=["last_article_id", "started_at"], name="journey_by_last_article"),
            models.Index(fields=["decide_at"], condition=models.Q(decide_at__isnull=False), name="journey_undecided"),
        ]

    def __str__(self) -> str:
        return f"{self.visitor} {self.started_at:%Y-%m-%d %H:%M} {self.outcomes}"


class SettlingMark(models.Model):
    """How far settling has come. One row, whose pk is 1."""

    txid = models.BigIntegerField(default=0, help_text="every transaction before this one has been settled")
    feeds = models.JSONField(
        default=dict, help_text="from when to when each source brought contacts, as of the last run"
    )
    settled_at = models.DateTimeField(null=True, help_text="story time of the last run")
    events_since = models.DateTimeField(null=True, help_text="events before it were thrown away; null: none were")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_settling_mark")]

    def __str__(self) -> str:
        return f"settled up to transaction {self.txid}"


class SpoolMark(models.Model):
    """How far a file of events that a web server wrote (analytics/spool.py) is in the table."""

    file = models.UUIDField(primary_key=True)
    offset = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.file} up to {self.offset}"


class LeftOutDay(models.Model):
    """How many help pages were opened on one day by who is in no number, and why not. Nothing about who it was."""

    day = models.DateField()
    why = models.CharField(max_length=10, help_text="bot, prefetch, no_consent, staff or no_cookie")
    pages = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "why"], name="left_out_once_a_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.pages} by {self.why}"


class GapKind(models.TextChoices):
    """What "What to write next" can be about."""

    SEARCHES = "searches", _("searches that led nowhere")
    REASON = "reason", _("a reason without an article")
    ARTICLE = "article", _("an article that does not answer")


class GapDecision(models.Model):
    """Somebody decided what becomes of a gap: nothing, for a reason, or a draft. Append-only; the newest counts.

    `keys` name the gap: "locale query-key" of each query of a cluster, a reason code, an article id. `size` is what it
    counted then in 28 days; a gap that has grown since by half (and by three) is shown again.
    """

    kind = models.CharField(max_length=10, choices=GapKind)
    keys = ArrayField(models.CharField(max_length=220))
    article_id = models.BigIntegerField(null=True, help_text="the draft that was made of it; null: dismissed")
    why = models.CharField(max_length=200, blank=True)
    size = models.FloatField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.keys[0] if self.keys else ''}: {'drafted' if self.article_id else 'dismissed'}"


class LookKind(models.TextChoices):
    """Why a test was looked at."""

    NIGHTLY = "nightly", _("nightly")
    ASKED = "asked", _("somebody asked")
    FINAL = "final", _("the deadline's look")


class Verdict(models.Model):
    """What one look at a test said, with the counts that it said it of. Append-only: later facts make later verdicts.

    `said` is analytics.judging.shapes.Judgement as data; `declared` what of the plan it was held against.
    """

    experiment = models.ForeignKey("kb.Experiment", on_delete=models.CASCADE, related_name="verdicts")
    at = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=LookKind)
    watermark = models.DateTimeField(help_text="up to when the contacts were in")
    code = models.CharField(max_length=14, help_text="a value of analytics.judging.shapes.Code")
    sentence = models.TextField()
    units = models.PositiveIntegerField(help_text="visitors judged, of all arms")
    counts = models.JSONField(help_text="a list of analytics.experiment_counts.Cell")
    linkable_days = models.JSONField(
        null=True, help_text="of a test judged by contacts: arm -> day of the shop -> exposures that are linkable"
    )
    declared = models.JSONField()
    said = models.JSONField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["experiment", "-at"], name="verdict_of_experiment")]

    def __str__(self) -> str:
        return f"{self.experiment_id} {self.at:%Y-%m-%d}: {self.code}"


class Marker(models.Model):
    """Something that numbers may show and no other row knows: a release, a campaign. Written down by a colleague."""

    on = models.DateField(db_index=True, help_text="a day of the shop")
    label = models.CharField(max_length=120)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-on", "-pk"]

    def __str__(self) -> str:
        return f"{self.on}: {self.label}"


class SavedView(models.Model):
    """A colleague's name for what a page of numbers shows: its days, comparison, segment, and what else narrows it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=80)
    page = models.CharField(max_length=30, default="home", db_default="home", help_text="of saved_views.PAGES")
    query = models.CharField(max_length=1_000, help_text="the part of the address that says what is shown")
    is_shared = models.BooleanField(default=False, help_text="every colleague can open it")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "page", "name"], name="saved_view_name_once_a_page")]

    def __str__(self) -> str:
        return self.name

"""Counts of a shop's day, made of rows and thrown away with them at any time (analytics/rollups.py). Sums of them are
what screens show; what a screen opens on are the rows themselves.

Counts add up over days; visitors would not, so none are counted. Empty stands for none, 0 for no id.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RollupKind(models.TextChoices):
    """The tables of this module, by what they count."""

    READS = "reads", _("readings")
    JOURNEYS = "journeys", _("journeys")
    CONTACTS = "contacts", _("contacts")
    SEARCHES = "searches", _("searches")
    EFFECTS = "effects", _("who contacted us, in both arms of what is held out")  # analytics/effect_days.py


class RollupDue(models.Model):
    """A day whose rows have changed since its counts were made. Written with the rows, gone with the new counts."""

    kind = models.CharField(max_length=8, choices=RollupKind)
    day = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "day"], name="rollup_due_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.day}"


class ReadDay(models.Model):
    """How often one text was read on one day, and what its readers' pages said of their stay."""

    day = models.DateField()
    article_id = models.IntegerField()
    revision_id = models.IntegerField(help_text="0: unknown")
    variant_id = models.IntegerField(help_text="of a test; 0: none")
    locale = models.CharField(max_length=10, blank=True)
    views = models.IntegerField()
    stays = models.IntegerField(help_text="views whose page told of its stay")
    seconds = models.BigIntegerField(help_text="sum over the stays")
    scrolled = models.BigIntegerField(help_text="sum over the stays, per cent of the text")
    readers = models.IntegerField(
        null=True, help_text="visitors who opened it, each once a day; null: counted before this was"
    )
    seconds_squared = models.FloatField(null=True, help_text="sum over the stays of the square; null as readers")
    seconds_cubed = models.FloatField(null=True, help_text="and of the cube")
    scrolled_squared = models.FloatField(null=True, help_text="sum over the stays of the square")
    scrolled_cubed = models.FloatField(null=True, help_text="and of the cube")
    yes = models.IntegerField(help_text="votes cast on this day")
    no = models.IntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["day"], name="read_day"),
            models.Index(fields=["article_id", "day"], name="read_day_of_article"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: article {self.article_id} {self.views}"


class LinkDay(models.Model):
    """Help pages opened on one day, and what they said of the link to the contact form."""

    day = models.DateField()
    page = models.CharField(max_length=10, help_text="help (home and topics), search or read")
    views = models.IntegerField()
    told = models.IntegerField(help_text="pages that said whether it was in sight before they were put away")
    seen = models.IntegerField(help_text="of these: it was")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "page"], name="link_day_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.page} {self.seen} of {self.told}"


class JourneyCounts(models.Model):
    """Journeys that are alike in everything a number asks, by one window."""

    day = models.DateField()
    window = models.SmallIntegerField(help_text="days")
    article_id = models.IntegerField(help_text="the last one read; 0: none was")
    revision_id = models.IntegerField()
    variant_id = models.IntegerField()
    locale = models.CharField(max_length=10, blank=True, help_text="of the last reading; else of the first event")
    topic = models.CharField(max_length=50, blank=True)
    # Of the contact that decided it within the window; both empty where none did.
    reason = models.CharField(max_length=50, blank=True)
    channel = models.CharField(max_length=10, blank=True)
    is_linkable = models.BooleanField()
    is_contradicted = models.BooleanField()
    has_searched = models.BooleanField()
    entry = models.CharField(max_length=10, blank=True, db_default="", help_text="the journey's")
    vote = models.CharField(max_length=3, blank=True)
    outcome = models.CharField(max_length=15, blank=True, help_text="empty: immature")
    journeys = models.IntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.day} ({self.window}): {self.journeys}"


class JourneyDay(JourneyCounts):
    """Journeys that began on one day and are alike."""

    class Meta(JourneyCounts.Meta):
        abstract = False
        indexes = [
            # With all that the overview and the results of all articles sum up, so that they need no row of the table.
            models.Index(
                fields=["window", "day"],
                name="journey_day",
                include=["article_id", "outcome", "is_linkable", "vote", "is_contradicted", "journeys"],
            ),
            models.Index(fields=["article_id", "window", "day"], name="journey_day_of_article"),
        ]


class JourneyMonth(JourneyCounts):
    """Journeys that began in one month and are alike: the sums of its days, for screens of many months. `day` is the
    month's first. They hold where CountedMonth has the month (analytics/month_counts.py)."""

    class Meta(JourneyCounts.Meta):
        abstract = False
        indexes = [models.Index(fields=["window", "day"], name="journey_month")]


class CountedMonth(models.Model):
    """A month whose sums in JourneyMonth are those of its days. Gone as soon as a day of it is counted anew."""

    month = models.DateField(unique=True, help_text="its first day")

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class ShareDay(models.Model):
    """One article among those read in the journeys that began on one day: each journey divided equally."""

    day = models.DateField()
    window = models.SmallIntegerField(help_text="days")
    article_id = models.IntegerField()
    journeys = models.IntegerField(help_text="in which it was read, linkable or not, mature or not")
    shared = models.FloatField(help_text="mature linkable journeys, in shares")
    contacted = models.FloatField(help_text="of these the contacted, in shares")

    class Meta:
        indexes = [models.Index(fields=["window", "day"], name="share_day")]

    def __str__(self) -> str:
        return f"{self.day}: article {self.article_id} {self.shared}"


class ContactDay(models.Model):
    """Contacts received on one day, by their newest reason."""

    day = models.DateField()
    topic = models.CharField(max_length=50, blank=True)
    reason = models.CharField(max_length=50, blank=True, help_text="empty: uncoded")
    channel = models.CharField(max_length=10)
    locale = models.CharField(max_length=10, blank=True)
    contacts = models.IntegerField()
    known = models.IntegerField(help_text="whose writer is known as a person, and who are coded")
    repeated = models.IntegerField(help_text="of the known: the same person wrote about the same reason within 7 days")

    class Meta:
        indexes = [models.Index(fields=["day"], name="contact_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.reason} {self.contacts}"


class SearchDay(models.Model):
    """Searches of one query, as queries are compared, on one day, by visitors who are counted: each visitor once.

    An empty key: what had no word in it, was typed by somebody who is forgotten, or by few and long ago.
    """

    day = models.DateField()
    locale = models.CharField(max_length=10)
    key = models.CharField(max_length=200, blank=True)
    text = models.CharField(max_length=200, blank=True, help_text="as it was typed last, masked")
    searches = models.IntegerField()
    without_answer = models.IntegerField(help_text="nothing was found")
    with_passage = models.IntegerField(help_text="a passage stood above the answers, and may have said enough")
    without_click = models.IntegerField(help_text="answers without such a passage, nothing opened")
    reformulated = models.IntegerField(help_text="another search within 60 s, nothing opened")
    in_other_language = models.IntegerField(help_text="answered in the language of the words, not that of the page")
    contacted = models.IntegerField(help_text="their visitor contacted us within 24 hours")

    class Meta:
        indexes = [
            models.Index(fields=["day"], name="search_day"),
            models.Index(fields=["locale", "key", "day"], name="search_day_of_query"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.key} {self.searches}"

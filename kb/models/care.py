"""What keeps articles right once they are published: their links, their reviews, what readers did after them, and
changes to many of them at once."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kb.models.article import Article, Revision


class LinkKind(models.TextChoices):
    ARTICLE = "article", _("Article")  # of this help centre
    CATEGORY = "category", _("Category")
    PAGE = "page", _("Page of this site")
    EXTERNAL = "external", _("Other site")
    PICTURE = "picture", _("Picture")


# Whether these work only a request can tell; of the others the database knows.
ASKED_KINDS = (LinkKind.PAGE, LinkKind.EXTERNAL, LinkKind.PICTURE)


class LinkState(models.TextChoices):
    UNCHECKED = "unchecked", _("Not checked yet")
    OK = "ok", _("Works")
    MOVED = "moved", _("Works, by an old address")
    UNSURE = "unsure", _("Cannot be checked")  # it answers, but lets no program in
    FAILING = "failing", _("Failed once")  # broken if it fails again on another day
    BROKEN = "broken", _("Broken")


class LinkTrouble(models.TextChoices):
    NO_ARTICLE = "no_article", _("No article has this address")
    NOT_PUBLISHED = "not_published", _("The article is not published")
    ARCHIVED = "archived", _("The article is archived")
    LED_ON = "led_on", _("The article is archived; its readers are led on")
    STAFF_ONLY = "staff_only", _("Only staff may read the article")
    NO_CATEGORY = "no_category", _("No category has this address")
    ANSWERED = "answered", _("The site answers with an error")
    NO_HOST = "no_host", _("The name of the site is not known")
    NO_ANSWER = "no_answer", _("The site does not answer in time")
    REFUSED = "refused", _("The site takes no connection")
    INSECURE = "insecure", _("The site's certificate is not valid")
    INSIDE = "inside", _("The address lies inside a network: nobody outside can open it")
    BAD_ADDRESS = "bad_address", _("This is no address that a browser can open")
    ROUNDABOUT = "roundabout", _("It sends from one address to the next without end")
    GUARDED = "guarded", _("The site lets no program look; a person may well open it")


class ArticleLink(models.Model):
    """A link or picture in an article's live text, each address once; and whether it leads anywhere."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="links")
    kind = models.CharField(max_length=8, choices=LinkKind)
    address = models.CharField(max_length=2000, help_text="as it stands in the HTML, without a #part")
    reference = models.CharField(max_length=200, blank=True, help_text="of an article or category: what it is named by")
    text = models.CharField(max_length=200, blank=True, help_text="its words, or a picture's alternative text")
    target = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, related_name="links_here")
    state = models.CharField(max_length=9, choices=LinkState, default=LinkState.UNCHECKED)
    trouble = models.CharField(max_length=13, choices=LinkTrouble, blank=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status of the last answer")
    checked_at = models.DateTimeField(null=True)
    failed_on = models.DateField(null=True, help_text="the first day of the failures that go on")
    # I/O time: when somebody may next ask; null where nobody need ask. Whoever asks moves it on first.
    next_check_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["article", "kind", "address"], name="link_once_per_article")]
        indexes = [
            models.Index(fields=["reference"], name="link_by_reference", condition=~Q(reference="")),
            models.Index(fields=["article"], name="link_broken", condition=Q(state="broken")),
            models.Index(fields=["next_check_at"], name="link_to_check", condition=Q(next_check_at__isnull=False)),
            models.Index(fields=["address"], name="link_by_address", condition=Q(next_check_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"article {self.article_id} → {self.address}: {self.state}"


class ReviewReminder(models.Model):
    """One article in one mail that reminded its owner; `number` counts those about the same date."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="reminders")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    review_by = models.DateField()
    number = models.PositiveSmallIntegerField(default=1)
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["article", "owner", "review_by", "number"], name="one_reminder_per_date_and_number"
            )
        ]

    def __str__(self) -> str:
        return f"article {self.article_id}, due {self.review_by}: reminder {self.number}"


class VoteCount(models.Model):
    """How many said what of a text. A trigger on Vote keeps it, so that a list of articles need not count votes."""

    revision = models.OneToOneField(Revision, on_delete=models.CASCADE, primary_key=True, related_name="vote_count")
    yes = models.PositiveIntegerField(default=0)
    votes = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"revision {self.revision_id}: {self.yes} of {self.votes}"


class ArticleResult(models.Model):
    """What readers of an article did, from `since` to `as_of`. Written by analytics (analytics/article_results.py).

    `contacts_after_read` of the `linkable` journeys whose last read it was ended in a contact (docs/metrics.md).
    """

    article = models.OneToOneField(Article, on_delete=models.CASCADE, primary_key=True, related_name="result")
    views = models.PositiveIntegerField()
    last_read_at = models.DateTimeField(null=True, help_text="ever, not only since `since`")
    readers = models.PositiveIntegerField(help_text="mature journeys whose last read it was")
    confirmed = models.PositiveIntegerField(help_text="of the readers, those who said it helped and did not contact us")
    linkable = models.PositiveIntegerField(help_text="of the readers, those of whom a contact would be known")
    contacts_after_read = models.PositiveIntegerField(help_text="of the linkable ones, those who contacted us about it")
    since = models.DateTimeField()
    as_of = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-contacts_after_read"], name="result_by_contacts")]

    def __str__(self) -> str:
        return f"article {self.article_id}: {self.views} views, {self.contacts_after_read} of {self.linkable}"


class BulkAction(models.TextChoices):
    ARCHIVE = "archive", _("Archive")
    OWNER = "owner", _("Change the owner")
    CATEGORY = "category", _("Move to another category")
    REVIEW = "review", _("Set the review date")


class BulkState(models.TextChoices):
    PLANNED = "planned", _("Not done yet")  # somebody looks at the preview
    RUNNING = "running", _("Being done")
    DONE = "done", _("Done")


class BulkChange(models.Model):
    """One action for many articles: made by its preview, so that what was looked at is what is done."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    action = models.CharField(max_length=8, choices=BulkAction)
    # {"owner": id | null}, {"category": id} or {"review_by": "2026-12-24" | null}; nothing for archive.
    value = models.JSONField(default=dict)
    articles = ArrayField(models.BigIntegerField(), help_text="in the order of the list they were chosen from")
    state = models.CharField(max_length=8, choices=BulkState, default=BulkState.PLANNED)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["made_at"], name="bulk_not_done", condition=~Q(state="done"))]

    def __str__(self) -> str:
        return f"{self.action} of {len(self.articles)} articles: {self.state}"


class BulkOutcome(models.Model):
    """What became of one article of a BulkChange, written in the transaction that changed it."""

    bulk = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="outcomes")
    article_id = models.BigIntegerField()
    title = models.CharField(max_length=200)
    is_done = models.BooleanField()
    why_not = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bulk", "article_id"], name="one_outcome_per_bulk_and_article")]

    def __str__(self) -> str:
        return f"article {self.article_id}: {'done' if self.is_done else self.why_not}"

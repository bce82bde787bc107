"""The life of a text on its way to customers: who writes, who looks at it, what is planned."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kb.models.article import Article, Category, Revision


class DraftEditor(models.Model):
    """A person who changed an article's draft since its text was last published: whose text it is, for four eyes."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="draft_editors")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(help_text="of their latest change")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["article", "user"], name="one_draft_editor_per_person")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.article_id}"


class RevisionAuthor(models.Model):
    """A person whose text a revision is: who changed the draft that it was frozen from, or gave it to a review."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="authors")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "user"], name="one_author_per_revision_and_person")]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.revision_id}"


class ReviewState(models.TextChoices):
    OPEN = "open", _("In review")  # somebody has to read it
    APPROVED = "approved", _("Approved")  # published, or planned to be
    SENT_BACK = "sent_back", _("Sent back")  # with a reason
    WITHDRAWN = "withdrawn", _("Withdrawn")  # by those who asked, or since the article was archived
    REPLACED = "replaced", _("Replaced")  # by a later text


class Review(models.Model):
    """One frozen text that somebody was asked to look at before customers see it."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="reviews")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="reviews")
    state = models.CharField(max_length=12, choices=ReviewState, default=ReviewState.OPEN)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=1000, blank=True, help_text="why it was sent back")

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["article"], condition=Q(state="open"), name="one_open_review_per_article")
        ]

    def __str__(self) -> str:
        return f"review of {self.revision_id}: {self.state}"


class Remark(models.Model):
    """A comment on a text in review, at the words that it quotes; an answer to another one where it has a parent."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="remarks")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="+", help_text="that was read")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="answers")
    quote = models.CharField(max_length=300, blank=True, help_text="words of the text; empty: about all of it")
    text = models.CharField(max_length=2000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text[:60]


class PlanKind(models.TextChoices):
    PUBLISH = "publish", _("Publish")  # one frozen text
    ARCHIVE = "archive", _("Archive")  # the article expires


class PlanState(models.TextChoices):
    WAITING = "waiting", _("Planned")  # for its time
    DONE = "done", _("Done")
    FAILED = "failed", _("Could not be done")  # its time came and it was refused; see `reason`
    CANCELLED = "cancelled", _("Cancelled")


class Plan(models.Model):
    """What shall happen to an article at a time: a frozen text goes live, or the article is archived."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="plans")
    kind = models.CharField(max_length=8, choices=PlanKind)
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=PlanState, default=PlanState.WAITING)
    reason = models.CharField(max_length=500, blank=True, help_text="why it failed or was cancelled")
    # Where readers of an archived article are led; neither: nowhere.
    leads_to = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    leads_to_category = models.ForeignKey(Category, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["article", "kind"],
                condition=Q(state__in=["waiting", "failed"]),
                name="one_standing_plan_per_article_and_kind",
            ),
            models.CheckConstraint(
                condition=~Q(kind="publish") | Q(revision__isnull=False), name="planned_publication_has_its_text"
            ),
        ]
        indexes = [models.Index(fields=["at"], condition=Q(state="waiting"), name="plan_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.article_id} at {self.at:%Y-%m-%d %H:%M}"


class EditingLock(models.Model):
    """Who has an article open in the editor. Ends by itself: see kb/presence.py. Its times are the database's own."""

    article = models.OneToOneField(Article, on_delete=models.CASCADE, related_name="editing_lock")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id} in {self.article_id} since {self.since:%H:%M}"

"""What readers said of a text."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kb.models.article import Revision
from kb.models.experiment import Variant


class VoteReason(models.TextChoices):
    NOT_MY_QUESTION = "not_my_question", _("It is not what I was looking for")
    UNCLEAR = "unclear", _("I did not understand it")
    INCOMPLETE = "incomplete", _("Something is missing")
    WRONG = "wrong", _("It is wrong or out of date")
    DID_NOT_WORK = "did_not_work", _("I did it, and it did not work")


class Vote(models.Model):
    """One visitor's yes or no to the revision (and variant) they read; the latest word counts."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="votes")
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, null=True, related_name="votes")
    visitor = models.UUIDField()
    is_helpful = models.BooleanField()
    reason = models.CharField(max_length=20, choices=VoteReason, blank=True)
    comment = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["revision", "visitor"], name="one_vote_per_visitor_and_revision")
        ]
        # Whoever opens the contact form is asked whether they said no lately: kb.selectors.has_said_no.
        indexes = [models.Index(fields=["visitor", "at"], condition=Q(is_helpful=False), name="vote_no_of_visitor")]

    def __str__(self) -> str:
        return f"{'yes' if self.is_helpful else 'no'} to revision {self.revision_id}"

"""The way back to earlier versions of a draft, for as long as somebody may still be writing on one of them."""

from __future__ import annotations

from django.db import models

from kb.models.article import Article


class DraftStep(models.Model):
    """What one save replaced: with it, the draft's version after this one becomes this one. See kb/draft_steps.py."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="draft_steps")
    version = models.PositiveIntegerField(help_text="of the draft before the save")
    title = models.CharField(max_length=200, null=True, help_text="before the save; null: the same as after")  # noqa: DJ001
    summary = models.CharField(max_length=300, null=True, help_text="as `title`")  # noqa: DJ001
    start = models.PositiveIntegerField(help_text="in the body, in characters: where it differs")
    length = models.PositiveIntegerField(help_text="of what stands there after the save, in characters")
    was = models.TextField(blank=True, help_text="what stood there before the save")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["article", "version"], name="one_step_per_draft_version")]

    def __str__(self) -> str:
        return f"{self.article_id} back to {self.version}"

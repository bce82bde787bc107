"""What is said once and used in many texts: facts (a return window) and blocks (a passage in Markdown)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kb.models.article import Revision


class PieceSort(models.TextChoices):
    FACT = "fact", _("Fact")  # a value inside a sentence: {{fact:key}}
    BLOCK = "block", _("Block")  # Markdown on a line of its own: {{block:key}}


class PieceKind(models.TextChoices):
    """What a piece holds, and so how it is checked and shown (kb/fact_kinds.py)."""

    DURATION = "duration", _("Length of time")  # 30 days, 2–4 working days
    TIME = "time", _("Time of day")  # 14:00, Mon–Fri
    MONEY = "money", _("Amount of money")  # €49
    DATE = "date", _("Date")  # 24 December 2026
    TEXT = "text", _("Words")  # one line, as it is
    MARKDOWN = "markdown", _("Markdown")  # of a block, and of nothing else


class Piece(models.Model):
    """One fact or one block. What it says, and from when on, stands in its versions."""

    sort = models.CharField(max_length=5, choices=PieceSort)
    key = models.SlugField(max_length=60)
    kind = models.CharField(max_length=8, choices=PieceKind)
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    # Taken out of use; only while nothing uses it. No text may use it then.
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["sort", "key"], name="piece_key_unique_in_sort"),
            models.CheckConstraint(
                condition=Q(sort="block", kind="markdown") | (Q(sort="fact") & ~Q(kind="markdown")),
                name="piece_kind_fits_sort",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """What stands in a text where the piece is to be."""
        return f"{{{{{self.sort}:{self.key}}}}}"


class PieceVersion(models.Model):
    """What a piece says from `effective_at` until the next version; in all languages at once. Append-only, but for
    withdrawing one whose moment has not come.
    """

    piece = models.ForeignKey(Piece, on_delete=models.CASCADE, related_name="versions")
    # By locale, as fact_kinds stores it; "" for every language that has none of its own.
    values = models.JSONField()
    effective_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-effective_at", "-pk"]
        indexes = [
            models.Index(
                fields=["piece", "-effective_at", "-id"], condition=Q(withdrawn_at=None), name="piece_version_in_force"
            )
        ]

    def __str__(self) -> str:
        return f"{self.piece_id} from {self.effective_at:%Y-%m-%d %H:%M}"


class PieceUse(models.Model):
    """A frozen text that holds a piece, by itself or inside a block, and which version it says.

    `version` None: the text was shown with nothing in that place, since there was no value. A text says the same as a
    later version where only other languages changed; then the later one is noted here.
    """

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="piece_uses")
    piece = models.ForeignKey(Piece, on_delete=models.PROTECT, related_name="uses")
    version = models.ForeignKey(PieceVersion, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "piece"], name="one_use_per_revision_and_piece")]

    def __str__(self) -> str:
        return f"{self.revision_id} uses {self.piece_id}"

"""What search must know and has yet to learn."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class IndexChange(models.Model):
    """The outbox of the search index: this article changed, look at it again. Written in its own transaction."""

    article_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())
    # The writing transaction. Ids become visible out of order; a reader therefore remembers the oldest transaction
    # that was still open, and next time looks again at every row from there on.
    txid = models.BigIntegerField(
        db_default=models.Func(function="txid_current", output_field=models.BigIntegerField())
    )

    class Meta:
        indexes = [models.Index(fields=["txid"], name="index_change_by_txid")]

    def __str__(self) -> str:
        return f"{self.id}: article {self.article_id}"

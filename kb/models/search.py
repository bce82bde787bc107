"""What search must know and has yet to learn."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class IndexChange(models.Model):
    """The outbox of the search index: this article changed, look at it again. Written in its own transaction."""

    article_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())
    # The writing transaction. A reader takes only rows older than every transaction still open, since ids alone
    # become visible out of order.
    txid = models.BigIntegerField(
        db_default=models.Func(function="txid_current", output_field=models.BigIntegerField())
    )

    def __str__(self) -> str:
        return f"{self.id}: article {self.article_id}"

"""The database's own search index: every word of every published article, written in the edit's transaction.

Nobody updates a counter that another edit might be updating: counts are kept as changes, one row an edit, and folded
together now and then (kb.search.postings). So two edits never wait for each other here.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class IndexedArticle(models.Model):
    """A published article as the postings have it. No foreign key: the index may be compared with the articles."""

    article_id = models.BigIntegerField(primary_key=True)
    version = models.BigIntegerField()
    lang = models.CharField(max_length=10, db_collation="C")
    category_id = models.BigIntegerField()
    visibility = models.CharField(max_length=8, db_collation="C")
    title_length = models.IntegerField(help_text="in words")
    body_length = models.IntegerField(help_text="in words")
    words = ArrayField(models.TextField(), help_text="each once, as written: the article's share of the lexicon")
    gist = models.JSONField(help_text="[[stem, how often], …] of its most frequent telling words")
    stems = models.TextField(default="", help_text="of its words in order, for phrases (kb.search.phrases)")

    class Meta:
        indexes = [
            # All that a search wants of a language's articles, without the table.
            models.Index(
                fields=["lang", "article_id"],
                include=["version", "category_id", "visibility", "title_length", "body_length"],
                name="indexed_article_by_lang",
            )
        ]

    def __str__(self) -> str:
        return f"article {self.article_id} version {self.version}"


class Posting(models.Model):
    """A word's stem in one field of an article, and how often.

    The index of its primary key includes the count, so that a search never reads the table itself.
    """

    pk = models.CompositePrimaryKey("lang", "term", "field", "article_id")
    lang = models.CharField(max_length=10, db_collation="C")
    term = models.CharField(max_length=80, db_collation="C")
    field = models.SmallIntegerField(help_text="its place in kb.search.scoring.FIELD_WEIGHTS: 0 title, 1 body")
    article_id = models.BigIntegerField()
    count = models.SmallIntegerField()

    class Meta:
        indexes = [models.Index(fields=["article_id"], name="posting_by_article")]

    def __str__(self) -> str:
        return f"{self.lang} {self.term}: article {self.article_id}"


class TitleWord(models.Model):
    """A word of a title as written, for suggestions as one types. `place`: where it first stands, 0 first."""

    pk = models.CompositePrimaryKey("lang", "word", "article_id")
    lang = models.CharField(max_length=10, db_collation="C")
    word = models.CharField(max_length=80, db_collation="C")
    article_id = models.BigIntegerField()
    place = models.SmallIntegerField()

    class Meta:
        indexes = [models.Index(fields=["article_id"], name="title_word_by_article")]

    def __str__(self) -> str:
        return f"{self.lang} {self.word}: article {self.article_id}"


class LexiconWord(models.Model):
    """A word as articles write it and how many of them do, but for the changes not yet folded in."""

    pk = models.CompositePrimaryKey("lang", "word")
    lang = models.CharField(max_length=10, db_collation="C")
    word = models.CharField(max_length=80, db_collation="C")
    documents = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.lang} {self.word}: {self.documents}"


class LexiconChange(models.Model):
    """One more (1) or one fewer (-1) article with this word: what an edit did, to be folded into LexiconWord."""

    lang = models.CharField(max_length=10, db_collation="C")
    word = models.CharField(max_length=80, db_collation="C")
    change = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["lang"], name="lexicon_change_by_lang")]

    def __str__(self) -> str:
        return f"{self.lang} {self.word}: {self.change:+d}"


class IndexStep(models.Model):
    """What an edit added to the index's generation, which is the sum of all steps.

    `position`: how far into the outbox; the highest is the index's.
    """

    changes = models.BigIntegerField()
    position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.changes:+d} at {self.position}"

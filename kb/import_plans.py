"""What is to become of one row of an import, and how what a file said is compared with what stands on the desk."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, replace
from datetime import date

from django.contrib.auth.models import User

from kb.models import Article, Category, ImportOutcome
from kb.porting.checking import trimmed
from kb.porting.facts import DRAFT, NEVER, PUBLISHED, ImportedArticle, Note
from kb.publishing import Text

COMMENT = "imported"  # marks the revisions that came from a file


@dataclass
class Plan:
    """What is to become of one row. `category` is None in a dry run whose shelf is not made yet."""

    item: ImportedArticle
    outcome: ImportOutcome
    notes: tuple[Note, ...]
    source: str = ""
    state: str = PUBLISHED
    slug: str = ""
    group: uuid.UUID | None = None
    category: Category | None = None
    known: Article | None = None
    owner: User | None = None  # None: as it is
    addresses: tuple[str, ...] = ()

    def refused(self, note: Note, outcome: ImportOutcome = ImportOutcome.REFUSED) -> Plan:
        return replace(self, outcome=outcome, notes=(note,))

    @property
    def shelf(self) -> Category:
        """The shelf of a plan that is carried out."""
        if self.category is None:
            raise ValueError("a dry run's plan is not carried out")
        return self.category

    @property
    def here(self) -> Article:
        """The article of a plan that changes one."""
        if self.known is None:
            raise ValueError("a plan for a new article changes none")
        return self.known

    def review_by(self, otherwise: date | None) -> date | None:
        """The day of the next review as the file says it; `otherwise` where it does not."""
        said = self.item.review_by
        return otherwise if not said else None if said == NEVER else date.fromisoformat(said)

    @property
    def text(self) -> Text:
        return Text(*self.item.text)

    @property
    def draft(self) -> Text:
        return Text(*self.item.draft) if self.item.draft is not None else self.text

    @property
    def standing(self) -> str:
        """standing() as it is once the plan is carried out, on an article that was never published before."""
        return standing(None if self.state == DRAFT else self.text, self.draft)


def standing(live: Text | None, draft: Text) -> str:
    """One word for what stands on the desk: the live text and the draft.

    Space around a text, which files do not keep and nobody sees, makes no difference.
    """
    said = [
        [" ".join(text.title.split()), " ".join(text.summary.split()), trimmed(text.body)] if text else None
        for text in (live, draft)
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def standing_of(article: Article) -> str:
    """`article` has its draft and live revision loaded."""
    live = article.live_revision
    return standing(Text.of(live) if live else None, Text.of(article.draft))

"""The text that an editor writes, and why a change to an article may be refused."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from kb.models import Draft, Revision


class PublishingError(Exception):
    """The change was refused and nothing was written. The message says why and what to do, in words for an editor."""


class NotAllowed(PublishingError):
    """The article's state does not allow this."""


class UnderTest(PublishingError):
    """A running experiment measures the live text."""


class EmptyText(PublishingError):
    """There is no title or no body to publish. `field` names it."""

    def __init__(self, field: str) -> None:
        super().__init__(_("The %(field)s is empty. Write one, then publish.") % {"field": field})
        self.field = field


class SlugTaken(PublishingError):
    """Another article has this address."""


class OwnText(PublishingError):
    """Four eyes are asked for, and this is the person's own text."""


@dataclass(frozen=True)
class Text:
    """What an editor writes: the part of an article that is frozen into a revision."""

    title: str
    summary: str
    body: str

    @classmethod
    def of(cls, row: Draft | Revision) -> Text:
        """As it was written: of a revision with its placeholders, where what readers see has values."""
        if isinstance(row, Revision):
            return cls(row.title_source or row.title, row.summary_source or row.summary, row.body)
        return cls(row.title, row.summary, row.body)


class DraftConflict(PublishingError):
    """Somebody else saved in between. `mine` was not stored; `theirs` is stored, as `version`. `made_from`: the version
    of the draft that mine was written on, 0 where nobody knows.
    """

    def __init__(self, mine: Text, theirs: Draft, *, made_from: int = 0) -> None:
        super().__init__(_("Somebody else saved this draft while you were writing. Nothing of yours was stored yet."))
        self.mine = mine
        self.theirs = Text.of(theirs)
        self.version = theirs.version
        self.made_from = made_from
        self.saved_by = theirs.updated_by
        self.saved_at = theirs.updated_at

"""Four eyes: whose text a text is, and that nobody publishes their own where the shop asks for it: on the desk's page
How we publish (kb/publishing_rules.py), or by FOUR_EYES in the environment, which the desk cannot undo.

A text is theirs who changed the draft that it was frozen from since the one before it was published, and theirs who
gave it to a review. That is taken down whether four eyes are asked for or not. Every way to customers asks
`refuse_own`: publish, plan, revert, a test of a draft. A file may hold anything, so whoever brings one does not start
its import (`refuse_own_import`), and what it leaves as a draft is theirs (`note_import`). What the product does by
itself (`by` is None) is nobody's text.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from core import audit, clock
from kb.models import Article, Draft, DraftEditor, PublishingRules, Revision, RevisionAuthor
from kb.refusals import OwnText, Text

SITTING = timedelta(minutes=30)  # of writing; the audit log tells it once, not each autosave


def is_forced() -> bool:
    """Whether the environment asks for four eyes, whatever the desk says."""
    return bool(settings.FOUR_EYES)


def is_on() -> bool:
    """Whether nobody publishes their own text, now. Asked of the database each time: from the moment that it is
    switched on, nothing goes past it, in no process.
    """
    return is_forced() or PublishingRules.objects.filter(four_eyes=True).exists()


def note_editor(article: Article, by: User | None) -> None:
    """`by` changed the draft just now."""
    if by is None:
        return
    now = clock.now()
    if DraftEditor.objects.filter(article=article, user=by, at__gt=now - SITTING).update(at=now):
        return
    DraftEditor.objects.bulk_create(
        [DraftEditor(article=article, user=by, at=now)],
        update_conflicts=True,
        unique_fields=["article", "user"],
        update_fields=["at"],
    )
    audit.record(by, "draft.changed", article)


def sign(revision: Revision, *, also: User | None = None) -> None:
    """Take down whose text a revision is, that was frozen from the draft as it is now."""
    ids = set(DraftEditor.objects.filter(article=revision.article_id).values_list("user", flat=True))
    if also is not None:
        ids.add(also.pk)
    RevisionAuthor.objects.bulk_create(
        [RevisionAuthor(revision=revision, user_id=id) for id in sorted(ids)], ignore_conflicts=True
    )


def copy_authors(*pairs: tuple[Revision, Revision]) -> None:
    """Of each pair the second is the text of the first with other facts: it is the same people's."""
    shown = {written.pk: shown.pk for written, shown in pairs}
    authors = RevisionAuthor.objects.filter(revision__in=shown).values_list("revision", "user")
    RevisionAuthor.objects.bulk_create([RevisionAuthor(revision_id=shown[pk], user_id=user) for pk, user in authors])


def start_anew(article: Article, published: Revision, draft: Draft) -> None:
    """`published` is live: who wrote it is no editor of what comes next, unless they have gone on writing."""
    editors = DraftEditor.objects.filter(article=article)
    if Text.of(draft) != Text.of(published):
        editors = editors.filter(at__lt=published.created_at)
    editors.delete()


def is_own(article: Article, revision: Revision | None, *, by: User) -> bool:
    """Whether this text is (also) theirs; `revision` None: the draft as it is now."""
    if DraftEditor.objects.filter(article=article, user=by).exists():
        return True
    return revision is not None and RevisionAuthor.objects.filter(revision=revision, user=by).exists()


def refuse_own(article: Article, revision: Revision | None, *, by: User | None) -> None:
    """Raises OwnText where `by` may not show customers this text; `revision` None: the draft as it is now."""
    if by is not None and is_on() and is_own(article, revision, by=by):
        raise OwnText(
            _(
                "You have changed this text, and here nobody publishes their own. "
                "Give it to a review: somebody else reads and publishes it."
            )
        )


def refuse_to_bring_back(revision: Revision, *, by: User | None) -> None:
    """The same for an earlier text: the draft of today has no part in it."""
    if by is None or not is_on():
        return
    if RevisionAuthor.objects.filter(revision=revision, user=by).exists():
        raise OwnText(
            _("This is your own text, and here nobody publishes their own. Ask another reviewer to show it again.")
        )


def note_import(articles: Collection[int], *, by: User | None) -> None:
    """A file that `by` brought left these drafts."""
    if by is None or not articles:
        return
    now = clock.now()
    DraftEditor.objects.bulk_create(
        [DraftEditor(article_id=pk, user=by, at=now) for pk in sorted(articles)],
        update_conflicts=True,
        unique_fields=["article", "user"],
        update_fields=["at"],
    )


def refuse_own_import(brought_by: User | None, *, by: User) -> None:
    """Raises OwnText where `by` may not have the texts of a file published that `brought_by` uploaded."""
    if brought_by == by and is_on():
        raise OwnText(
            _(
                "You have brought this file, and here nobody publishes their own text. Ask another reviewer to open "
                "this page and start the import, or upload the file again and tick that all come in as drafts."
            )
        )

"""Which frozen texts say which version of which fact or block, and which of them say it no longer as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from core import clock
from kb import facts
from kb.facts import Book, Filled
from kb.models import Article, ExperimentState, Piece, PieceUse, PieceVersion, Revision, Variant
from kb.placeholders import Problem, Trouble
from kb.refusals import PublishingError, Text

_LIMITS = (("title", 200), ("summary", 300))  # of Revision's columns
_LIVE = (ExperimentState.RUNNING, ExperimentState.PAUSED)  # as in experiments, which asks this module
_NAMED = 5  # problems in one message


class Unfillable(PublishingError):
    """The text holds a placeholder that cannot be filled. The message names each and where it stands."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        told = [told_of(problem) for problem in problems[:_NAMED]]
        if len(problems) > _NAMED:
            told.append(_("And %(number)d more.") % {"number": len(problems) - _NAMED})
        super().__init__(" ".join(told))
        self.problems = problems


def told_of(problem: Problem) -> str:
    """One problem in words for an editor."""
    where = _("title or summary") if not problem.line else _("line %(line)d") % {"line": problem.line}
    if problem.block:
        where = _("block %(key)s, line %(line)d") % {"key": problem.block, "line": problem.line}
    said = {"code": problem.code, "where": where}
    match problem.trouble:
        case Trouble.INLINE_BLOCK if not problem.line:
            return _("%(code)s (%(where)s): a block has no place there.") % said
        case Trouble.INLINE_BLOCK:
            return _("%(code)s (%(where)s): a block stands on a line of its own.") % said
        case Trouble.BLOCK_IN_BLOCK:
            return _("%(code)s (%(where)s): a block cannot hold another block.") % said
        case _ if problem.sort == "block":
            return _("%(code)s (%(where)s): there is no such block, or it says nothing yet.") % said
        case _:
            return _("%(code)s (%(where)s): there is no such fact, or it has no value yet.") % said


def filled(text: Text, locale: str) -> Filled:
    """The text as it is frozen now. Raises Unfillable, and PublishingError where its values make it too long."""
    found = facts.fill(text.title, text.summary, text.body, locale=locale)
    if found.problems:
        raise Unfillable(found.problems)
    for field, limit in _LIMITS:
        if len(getattr(found, field)) > limit:
            raise PublishingError(
                _("With its facts filled in, the %(field)s has more than %(limit)d characters. Shorten it.")
                % {"field": field, "limit": limit}
            )
    return found


def filled_anyway(text: Text, locale: str, at: datetime, *, book: Book | None = None) -> Filled:
    """The text with all that can be filled, for one that is public already: what has no value shows nothing.

    `book` is one of `locale` at `at` that holds what is out of use too, where the caller has it for many texts.
    """
    if book is None:
        book = facts.book_for(text.title, text.summary, text.body, locale=locale, at=at, with_archived=True)
    found = book.fill(text.title, text.summary, text.body)
    cut = {field: _cut(getattr(found, field), limit) for field, limit in _LIMITS}
    versions = {**dict.fromkeys(_wordless(found), None), **found.versions}
    return Filled(cut["title"], cut["summary"], found.rendered, versions, found.problems)


def frozen_fields(text: Text, filled: Filled) -> dict[str, Any]:
    """The part of a Revision that comes from its text: as it was written, and as it reads."""
    return {
        "title": filled.title,
        "summary": filled.summary,
        "title_source": "" if filled.title == text.title else text.title,
        "summary_source": "" if filled.summary == text.summary else text.summary,
        "body": text.body,
        "html": filled.rendered.html,
        "text": filled.rendered.text,
        "headings": [[heading.level, heading.id, heading.text] for heading in filled.rendered.headings],
    }


def note(*frozen: tuple[Revision, Filled]) -> None:
    """Take down what new frozen texts say of each piece. No query where they hold none."""
    uses = [
        PieceUse(revision=revision, piece_id=piece, version_id=version)
        for revision, filled in frozen
        for piece, version in filled.versions.items()
    ]
    if uses:
        PieceUse.objects.bulk_create(uses)


def says_the_same(revision: Revision, filled: Filled) -> bool:
    return (revision.title, revision.summary, revision.html) == (filled.title, filled.summary, filled.rendered.html)


def confirm(revision: Revision, filled: Filled) -> None:
    """The text says the same as these versions too."""
    for piece, version in filled.versions.items():
        PieceUse.objects.filter(revision=revision, piece=piece).exclude(version=version).update(version=version)


def is_current(revision: Revision) -> bool:
    """Whether the frozen text still says what its facts and blocks say."""
    return not _stale(PieceUse.objects.filter(revision=revision), clock.now()).exists()


def stale(at: datetime) -> QuerySet[PieceUse]:
    """Uses in texts that readers see whose piece has another version at `at` than the one that the text says."""
    return _stale(seen(), at)


def stale_in(articles: Sequence[Article], at: datetime) -> list[tuple[int, PieceUse]]:
    """Those of published articles, the texts of their tests among them; each with the article's id. Two queries."""
    arms = Variant.objects.filter(experiment__article__in=articles, experiment__state__in=_LIVE)
    of = dict(arms.values_list("revision_id", "experiment__article_id"))
    of |= {article.live_revision_id: article.pk for article in articles if article.live_revision_id is not None}
    uses = _stale(PieceUse.objects.filter(revision__in=of), at).select_related("piece", "version")
    return [(of[use.revision_id], use) for use in uses]


def seen() -> QuerySet[PieceUse]:
    """Uses in texts that readers see: live texts, and those of tests that run or pause."""
    # A union, and no "or": by the ids the index finds the few uses of today among those of all earlier texts.
    live = Article.objects.published().order_by().values("live_revision_id")
    arms = Variant.objects.filter(experiment__state__in=_LIVE).order_by().values("revision_id")
    return PieceUse.objects.filter(revision__in=live.union(arms))


def _stale(uses: QuerySet[PieceUse], at: datetime) -> QuerySet[PieceUse]:
    come = PieceVersion.objects.filter(withdrawn_at=None, effective_at__lte=at)
    current = come.order_by("piece_id", "-effective_at", "-pk").distinct("piece_id")
    says_another = Q(version__isnull=False) & ~Q(version__in=current.values("pk"))
    says_nothing = Q(version__isnull=True, piece__in=come.values("piece"))
    return uses.filter(says_another | says_nothing)


def _wordless(filled: Filled) -> list[int]:
    """The pieces that have nothing to say. Their use is taken down too: so it is seen on the desk, and mended later."""
    wanted = Q()
    for problem in filled.problems:
        wanted |= Q(sort=problem.sort, key=problem.key)
    return list(Piece.objects.filter(wanted).values_list("pk", flat=True)) if wanted else []


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"

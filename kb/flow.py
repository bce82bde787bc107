"""Where a text stands on its way to customers, and what may be done with it there: one complete table."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext as _

from kb.models import Article, ArticleState, Review, ReviewState
from kb.refusals import NotAllowed


class Stage(StrEnum):
    """An article's state, and whether a text of it is in review."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    CHANGE_IN_REVIEW = "change_in_review"  # customers read one text, another one is in review
    ARCHIVED = "archived"
    RETURN_IN_REVIEW = "return_in_review"  # archived, and a text that shall bring it back is in review


ASK, SEND_BACK, WITHDRAW = "ask", "send_back", "withdraw"
PLAN, PUBLISH, REVERT, ARCHIVE = "plan", "publish", "revert", "archive"
EVENTS = (ASK, SEND_BACK, WITHDRAW, PLAN, PUBLISH, REVERT, ARCHIVE)

_D, _I, _P, _C, _A, _R = Stage
# What each event makes of each stage; None: refused. PLAN: a publication is planned, which approves what is in review.
_ROWS: dict[Stage, tuple[Stage | None, ...]] = {
    #    ask, send back, withdraw, plan, publish, revert, archive
    _D: (_I, None, None, _D, _P, None, _A),  # there is nothing to go back to
    _I: (_I, _D, _D, _D, _P, None, _A),
    _P: (_C, None, None, _P, _P, _P, _A),
    _C: (_C, _P, _P, _P, _P, _C, _A),
    _A: (_R, None, None, _A, _P, _P, None),
    _R: (_R, _A, _A, _A, _P, _C, None),
}
NEXT: dict[tuple[Stage, str], Stage | None] = {
    (stage, event): after for stage, row in _ROWS.items() for event, after in zip(EVENTS, row, strict=True)
}
_STATES = {
    _D: ArticleState.DRAFT,
    _I: ArticleState.DRAFT,
    _P: ArticleState.PUBLISHED,
    _C: ArticleState.PUBLISHED,
    _A: ArticleState.ARCHIVED,
    _R: ArticleState.ARCHIVED,
}


def stage_of(article: Article) -> Stage:
    """One query."""
    is_open = Review.objects.filter(article=article, state=ReviewState.OPEN).exists()
    return next(
        stage for stage, state in _STATES.items() if state == article.state and is_open == (stage in (_I, _C, _R))
    )


def after(article: Article, event: str) -> ArticleState:
    """The state of the article after the event. Raises NotAllowed."""
    stage = NEXT[(stage_of(article), event)]
    if stage is None:
        if event in (SEND_BACK, WITHDRAW):
            raise NotAllowed(_("This review has ended already. Load the page again."))
        raise NotAllowed(
            _("An article in the state “%(state)s” does not allow this.") % {"state": article.get_state_display()}
        )
    return _STATES[stage]

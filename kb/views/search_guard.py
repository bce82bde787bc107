"""Before a change goes live: the search tests that it would break, and whether it is to go live all the same.

The page that asks holds every field of the form that was sent, so that "all the same" sends just that form again, with
the ids of the tests that the editor has seen. A test that began to fail meanwhile is asked about again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from kb.models import Article, Piece, Revision
from kb.publishing import PublishingError
from kb.search import foresight, piece_foresight
from kb.search.foresight import CannotCheck, Foreseen

ACCEPTED = "despite_tests"
_NOT_KEPT = ("csrfmiddlewaretoken", ACCEPTED)


def ask_before_tuning(
    request: HttpRequest, change: Callable[[], object], *, locale: str, back: str, section: str = "search"
) -> HttpResponse | None:
    """The page that asks, where a change of synonyms or placements would break a test; else None. Raises Refused."""
    try:
        foreseen = foresight.by_tuning(change, locale=locale)
    except CannotCheck as error:
        messages.warning(request, _("The search tests could not be asked: %(why)s") % {"why": error})
        return None
    return _ask(request, foreseen, what=_("This change"), back=back, section=section)


def ask_before_publishing(
    request: HttpRequest,
    article: Article,
    *,
    back: str,
    version: int | None = None,
    revision: Revision | None = None,
    note: str = "",
    action: str = "",
    given: Mapping[str, object] | None = None,
) -> HttpResponse | None:
    """The page that asks, where publishing the draft, or `revision`, would break a test; else None. None also where it
    cannot be published, which publishing itself will say. `note` stands on the page; "all the same" sends the form to
    `action` (where it came from), with `given` in place of its own fields of those names.
    """
    by = request.user if isinstance(request.user, User) else None
    foreseen = _foreseen(request, lambda: foresight.by_publishing(article, by=by, version=version, revision=revision))
    what = _("Publishing this text")
    return _ask(request, foreseen, what=what, back=back, note=note, action=action, given=given) if foreseen else None


def ask_before_reverting(
    request: HttpRequest, article: Article, revision: Revision, *, back: str
) -> HttpResponse | None:
    """The same before an earlier text is shown again."""
    by = request.user if isinstance(request.user, User) else None
    foreseen = _foreseen(request, lambda: foresight.by_reverting(article, revision, by=by))
    return _ask(request, foreseen, what=_("Showing this text again"), back=back) if foreseen else None


def ask_before_filling(
    request: HttpRequest, piece: Piece, values: Mapping[str, Any], *, back: str
) -> HttpResponse | None:
    """The same before a fact or a block says something else, in every text that holds it."""
    foreseen = _foreseen(request, lambda: piece_foresight.by_piece(piece, values))
    return _ask(request, foreseen, what=_("This change"), back=back) if foreseen else None


def ask_before_archiving(request: HttpRequest, ids: Sequence[int], *, back: str, note: str = "") -> HttpResponse | None:
    """The same before articles are archived."""
    foreseen = before_archiving(request, ids)
    return _ask(request, foreseen, what=_("Archiving"), back=back, note=note) if foreseen else None


def before_archiving(request: HttpRequest, ids: Sequence[int]) -> Foreseen | None:
    """What archiving these articles does to the tests, for a page that says so itself; None where nobody can tell."""
    return _foreseen(request, lambda: foresight.by_archiving(ids))


def _foreseen(request: HttpRequest, foresee: Callable[[], Foreseen]) -> Foreseen | None:
    try:
        return foresee()
    except PublishingError:
        return None
    except CannotCheck as error:
        messages.warning(request, _("The search tests could not be asked: %(why)s") % {"why": error})
        return None


def _ask(
    request: HttpRequest,
    foreseen: Foreseen,
    *,
    what: str,
    back: str,
    section: str = "articles",
    note: str = "",
    action: str = "",
    given: Mapping[str, object] | None = None,
) -> HttpResponse | None:
    if foreseen.is_accepted(request.POST.get(ACCEPTED, "")):
        return None
    given = given or {}
    left_out = (*_NOT_KEPT, *given)
    context = {
        "section": section,
        "what": what,
        "note": note,
        "foreseen": foreseen,
        "kept": [
            *((name, value) for name in request.POST if name not in left_out for value in request.POST.getlist(name)),
            *given.items(),
        ],
        "accepted": ACCEPTED,
        "action": action or request.get_full_path(),
        "back": back,
    }
    return render(request, "desk/search_tests_ask.html", context, status=409)
